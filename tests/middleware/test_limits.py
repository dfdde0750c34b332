"""
Tests for :mod:`gitaly_tx.middleware.limits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.interfaces import LimitReached
from gitaly_tx.limits.limit import Limit
from gitaly_tx.limits.rate import RateLimiter
from gitaly_tx.middleware.limits import PER_RPC, TELL_AFTER, TELL_EVERY, Limits, Rule, anonymous, by_repository, waiting_text
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from gitaly_tx.streams import StreamBroken
from protocols.gitaly.errors_pb2 import LimitError
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest
from tests.support.calls import make_call, pass_through, raising

FETCH = "/gitaly.SSHService/SSHUploadPack"


class Aside:
    """
    Keeps what the user is told.
    """

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.gone = False
        self.slow: Deferred[None] | None = None

    async def write(self, data: bytes) -> None:
        if self.gone:
            raise StreamBroken("gone")
        self.told.append(data)
        if self.slow is not None:
            await self.slow


@frozen
class Body:
    stderr: Aside


def finish(ending: Deferred[None]) -> None:
    """
    Let a method end if it has not.
    """
    if not ending.called:
        ending.callback(None)


class LimitsTests(SynchronousTestCase):
    """
    ``Limits``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, process=False)
        self.began: list[str] = []
        self.kept: list[object] = []

    def limiter(self, count: int = 1, longest: int = 0, patience: float = 10.0) -> ConcurrencyLimiter:
        return ConcurrencyLimiter(self.clock, Limit("test", count), longest, patience)

    def middleware(self, *rules: Rule) -> Limits:
        made = Limits({FETCH: rules}, self.metrics, self.clock)
        verifyObject(IMiddleware, made)
        return made

    def call(self, path: str = "a.git", method: str = "SSHService/SSHUploadPack", **more: Any) -> Any:
        requests = [SSHUploadPackRequest(repository=Repository(storage_name="default", relative_path=path))] if path else []
        return make_call(method, requests, **more)

    def enter(self, limits: Limits, call: Any) -> tuple[Deferred[None], Deferred[None]]:
        """
        :returns: the call's outcome, and what ends its method.
        """
        ending: Deferred[None] = Deferred()

        async def method() -> None:
            request = await call.exchange.receive()
            self.began.append("" if request is None else request.repository.relative_path)
            await ending

        outcome = pass_through(limits, call, method)
        # A call that nobody holds any more would end by itself; and of two that go together the one that has a place could be
        # the second, and wake the other that waited for it.
        self.kept.append((outcome, ending))
        self.addCleanup(finish, ending)
        return outcome, ending

    def rejected(self) -> float | None:
        labels = {"reason": "limit", "service": "gitaly.SSHService", "method": "SSHUploadPack"}
        return self.registry.get_sample_value("gitaly_tx_rejections_total", labels)

    def test_waiting(self) -> None:
        """
        A second call for the same repository begins when the first has ended, not before; another repository's does not wait.
        Each still receives its first request.
        """
        limits = self.middleware(Rule(PER_RPC, self.limiter(), by_repository))
        first, end = self.enter(limits, self.call())
        second, end_second = self.enter(limits, self.call())
        self.enter(limits, self.call("b.git"))
        self.assertEqual(self.began, ["a.git", "b.git"])
        end.callback(None)
        self.successResultOf(first)
        self.assertEqual(self.began, ["a.git", "b.git", "a.git"])
        self.assertNoResult(second)
        end_second.callback(None)
        self.successResultOf(second)

    def test_refused(self) -> None:
        """
        Who waits too long, and who finds the queue full, is refused in Gitaly's words, with its detail; both are counted, and on
        the call's line.
        """
        limiter = self.limiter(longest=1)
        limits = self.middleware(Rule(PER_RPC, limiter, by_repository))
        self.enter(limits, self.call())
        calls = [self.call(), self.call()]
        outcomes = [self.enter(limits, call)[0] for call in calls]
        self.clock.advance(10)
        for call, outcome, message, reason, waited in (
            (calls[0], outcomes[0], "maximum time in concurrency queue reached", "max_time", 10_000),
            (calls[1], outcomes[1], "maximum queue size reached", "max_size", 0),
        ):
            error = self.failureResultOf(outcome, GitalyError).value
            self.assertEqual((error.message, error.code), (message, Code.RESOURCE_EXHAUSTED))
            (detail,) = error.details
            self.assertIsInstance(detail, LimitError)
            self.assertEqual((detail.error_message, detail.HasField("retry_after")), (message, True))
            self.assertEqual(detail.retry_after.ToNanoseconds(), 0)
            fields = {
                "limit.limiting_type": "per-rpc",
                "limit.limiting_key": "default:a.git",
                "limit.concurrency_dropped": reason,
                "limit.concurrency_queue_ms": waited,
                "rejection": "limit",
            }
            self.assertEqual({key: call.fields[key] for key in fields}, fields)
        self.assertEqual((self.rejected(), limiter.waiting("default:a.git"), self.began), (2, 0, ["a.git"]))

    def test_rate(self) -> None:
        """
        Who comes too often learns when to come again.
        """
        limits = self.middleware(Rule("rate", RateLimiter(self.clock, 0.75, 1), by_repository))
        self.enter(limits, self.call())
        error = self.failureResultOf(self.enter(limits, self.call())[0], GitalyError).value
        self.assertEqual(error.message, "rate limit reached")
        self.assertEqual(error.details[0].retry_after.ToNanoseconds(), 750_000_000)

    def test_place_is_given_back(self) -> None:
        """
        However a call ends, its places are free afterwards: after an error, when it is cancelled in its method, when it is
        cancelled in the line, and when a later limit refuses it.
        """
        narrow, wide = self.limiter(), self.limiter(count=2, longest=1)
        rules = Rule(PER_RPC, narrow, by_repository), Rule("pool", wide, lambda call, repository: "")
        limits = self.middleware(*rules)
        self.failureResultOf(pass_through(limits, self.call(), raising(GitalyError("x"))), GitalyError)
        running, _ = self.enter(limits, self.call())
        waiting, _ = self.enter(limits, self.call())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        running.cancel()
        self.failureResultOf(running, CancelledError)
        others = [self.enter(limits, self.call(path))[0] for path in "cde"]
        refused, _ = self.enter(limits, self.call("f"))
        self.failureResultOf(refused, GitalyError)
        self.assertEqual((narrow.keys, wide.inside(""), wide.waiting("")), (3, 2, 1))
        for other in others:
            other.cancel()
            self.failureResultOf(other, CancelledError)
        self.assertEqual((narrow.keys, wide.keys, self.clock.getDelayedCalls()), (0, 0, []))

    def test_narrow_before_wide(self) -> None:
        """
        Whoever waits for a busy repository holds no place that others could use.
        """
        wide = self.limiter(count=2)
        rules = Rule(PER_RPC, self.limiter(), by_repository), Rule("pool", wide, lambda call, repository: "")
        limits = self.middleware(*rules)
        for _ in range(3):
            self.enter(limits, self.call())
        self.enter(limits, self.call("b.git"))
        self.assertEqual(self.began, ["a.git", "b.git"])

    def test_not_concerned(self) -> None:
        """
        Calls of other methods, calls that a limit is not about, and calls without a request pass.
        """
        limits = self.middleware(Rule(PER_RPC, self.limiter(), by_repository))
        self.enter(limits, self.call())
        for call in (self.call(method="SSHService/SSHUploadArchive"), self.call(path="")):
            self.enter(limits, call)
        self.assertEqual(len(self.began), 3)
        self.enter(self.middleware(Rule(PER_RPC, self.limiter(0), lambda call, repository: None)), self.call())
        self.assertEqual(len(self.began), 4)

    def test_told(self) -> None:
        """
        Who waits over SSH is told how many are ahead: after a moment, and again when that has changed.
        """
        limiter = self.limiter(patience=0)
        limits = self.middleware(Rule(PER_RPC, limiter, by_repository))
        ends = [self.enter(limits, self.call())[1] for _ in range(2)]
        aside = Aside()
        self.enter(limits, self.call(body=Body(aside), door=Door.SSH))
        self.clock.advance(TELL_AFTER / 2)
        self.assertEqual(aside.told, [])
        self.clock.advance(TELL_AFTER / 2)
        self.clock.advance(TELL_EVERY)
        self.assertEqual(aside.told, [b"The server is busy; 1 comes before you.\n"])
        ends[0].callback(None)
        self.clock.advance(TELL_EVERY)
        self.assertEqual(aside.told[1:], [b"The server is busy; you are next.\n"])
        ends[1].callback(None)
        self.assertEqual((len(self.began), self.clock.getDelayedCalls()), (3, []))
        self.assertEqual(waiting_text(7), b"The server is busy; 7 come before you.\n")

    def test_told_in_vain(self) -> None:
        """
        A client that is gone, or does not listen, is not told more, and waits as it did.
        """
        limits = self.middleware(Rule(PER_RPC, self.limiter(patience=0), by_repository))
        ends = [self.enter(limits, self.call())[1] for _ in range(2)]
        gone, deaf = Aside(), Aside()
        gone.gone, deaf.slow = True, Deferred()
        for aside in (gone, deaf):
            self.enter(limits, self.call(body=Body(aside), door=Door.SSH))
        self.clock.advance(TELL_AFTER)
        ends[0].callback(None)
        self.clock.advance(TELL_EVERY)
        self.assertEqual((gone.told, len(deaf.told)), ([], 1))
        deaf.slow.callback(None)

    def test_from_inside(self) -> None:
        """
        A method that finds a limit reached by itself is answered alike.
        """
        error = self.failureResultOf(
            pass_through(self.middleware(), self.call(), raising(LimitReached("max_size"))), GitalyError
        ).value
        self.assertEqual((type(error), len(error.details), self.rejected()), (GitalyError, 1, 1))

    def test_anonymous(self) -> None:
        """
        Anonymous is who came over HTTP or SSH and did not say who they are; applications are not.
        """
        cases: Sequence[tuple[Door, str | None, bool]] = (
            (Door.HTTP, None, True),
            (Door.SSH, None, True),
            (Door.SSH, "alpha", False),
            (Door.GRPC, None, False),
        )
        for door, user, expected in cases:
            self.assertEqual(anonymous(self.call(door=door, user=user)), expected)
