"""
What every small durable map does.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.wal.interfaces import IKeyValue
from tests.support.wal import outcome_of


class KeyValueContract(SynchronousTestCase):
    """
    The contract of :class:`IKeyValue`.
    """

    def make_map(self) -> IKeyValue:
        """
        An empty one.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is KeyValueContract:
            self.skipTest("abstract")
        self.map = self.make_map()

    def get(self, key: bytes) -> bytes | None:
        async def asked() -> bytes | None:
            return await self.map.get(key)

        found: bytes | None = outcome_of(Deferred.fromCoroutine(asked()))
        return found

    def put(self, *items: tuple[bytes, bytes | None]) -> None:
        async def done() -> None:
            await self.map.put(items)

        outcome_of(Deferred.fromCoroutine(done()))

    def close(self) -> None:
        async def done() -> None:
            await self.map.close()

        outcome_of(Deferred.fromCoroutine(done()))

    def test_missing(self) -> None:
        """
        What was never put is ``None``.
        """
        self.assertIsNone(self.get(b"key"))
        self.close()

    def test_put(self) -> None:
        """
        What was put is there, any bytes, and the last one counts.
        """
        self.put((b"a", b"1"), (b"\0\xff", bytes(range(256))), (b"empty", b""))
        self.put((b"a", b"2"))
        self.assertEqual([self.get(b"a"), self.get(b"\0\xff"), self.get(b"empty")], [b"2", bytes(range(256)), b""])
        self.close()

    def test_remove(self) -> None:
        """
        ``None`` removes; what is not there can be removed too.
        """
        self.put((b"a", b"1"), (b"b", b"2"))
        self.put((b"a", None), (b"never", None))
        self.assertEqual([self.get(b"a"), self.get(b"b")], [None, b"2"])
        self.close()

    def test_nothing(self) -> None:
        """
        No items at all is no error.
        """
        self.put()
        self.close()
