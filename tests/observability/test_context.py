"""
Tests for :mod:`gitaly_tx.observability.context`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability.context import bind, current_correlation_id, current_fields


class ContextTests(SynchronousTestCase):
    """
    The correlation id follows a call.
    """

    def test_nothing(self) -> None:
        """
        Outside of any call there is no id and there are no fields.
        """
        self.assertEqual((current_correlation_id(), dict(current_fields())), ("", {}))

    def within(self) -> None:
        with bind("inner"):
            self.assertEqual((current_correlation_id(), dict(current_fields())), ("inner", {}))
            raise KeyError

    def test_nested(self) -> None:
        """
        A block within a block has its own id and fields, and the outer one's come back after it, also after an exception.
        """
        with bind("outer", {"a": 1}):
            self.assertRaises(KeyError, self.within)
            self.assertEqual((current_correlation_id(), dict(current_fields())), ("outer", {"a": 1}))
        self.assertEqual(current_correlation_id(), "")

    def test_live_fields(self) -> None:
        """
        What is added to the fields later is seen later.
        """
        fields = {"a": 1}
        with bind("x", fields):
            fields["b"] = 2
            self.assertEqual(dict(current_fields()), {"a": 1, "b": 2})

    def test_over_deferreds(self) -> None:
        """
        Two coroutines that take turns keep each its own id, and nothing of it is left outside.
        """
        seen: list[str] = []
        gates: list[Deferred[None]] = [Deferred() for _ in range(4)]

        async def call(name: str, first: Deferred[None], second: Deferred[None]) -> None:
            with bind(name):
                for gate in (first, second):
                    await gate
                    await succeed(None)
                    seen.append(current_correlation_id())

        one = Deferred.fromCoroutine(call("one", gates[0], gates[2]))
        other = Deferred.fromCoroutine(call("other", gates[1], gates[3]))
        for gate in gates:
            self.assertEqual(current_correlation_id(), "")
            gate.callback(None)
        self.successResultOf(one)
        self.successResultOf(other)
        self.assertEqual(seen, ["one", "other", "one", "other"])
