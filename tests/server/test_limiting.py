"""
Tests for :mod:`gitaly_tx.server.limiting`.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.load import parse
from gitaly_tx.limits.adaptive import INTERVAL
from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.kernel import ControlGroups
from gitaly_tx.limits.rate import RateLimiter
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.server.limiting import TRANSFERS, Limiting
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import METHODS, make_call

FETCH = "/gitaly.SSHService/SSHUploadPack"
FIND = "/gitaly.RefService/RefExists"


class LimitingTests(SynchronousTestCase):
    """
    ``Limiting``.
    """

    def make(self, text: str = "", unknown: bool = False) -> Limiting:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        return Limiting(parse(text, None), self.clock, Metrics(self.registry, process=False), lambda: unknown)

    def keys(self, limiting: Limiting, path: str = FETCH, **call: Any) -> dict[str, str]:
        """
        Which limits a call meets, in their order, and by which key.
        """
        made = make_call("SSHService/SSHUploadPack", **call)
        repository = Repository(storage_name="default", relative_path="a.git")
        found = {rule.kind: rule.key(made, repository) for rule in limiting.rules.get(path, ())}
        return {kind: key for kind, key in found.items() if key is not None}

    def room(self, limiting: Limiting, kind: str, path: str = FETCH) -> int:
        """
        How many a limit lets in at once.
        """
        limiter = next(rule.limiter for rule in limiting.rules[path] if rule.kind == kind)
        for count in range(10_000):
            if not limiter.enter("key").admitted.called:
                return count
        raise AssertionError("any number")

    def test_default(self) -> None:
        """
        Without a configuration the methods that move packs are limited, for each repository and in all, and no others.
        """
        limiting = self.make()
        self.assertEqual(set(limiting.rules), set(TRANSFERS))
        for path in TRANSFERS:
            self.assertIn(path, METHODS)
            self.assertEqual(list(self.keys(limiting, path)), ["per-rpc", "pool-known"])
            self.assertEqual(self.room(limiting, "per-rpc", path), 64)
        self.assertEqual(self.room(limiting, "pool-known"), 256)

    def test_pools(self) -> None:
        """
        Those who did not say who they are have a pool of their own, unless nobody has to say.
        """
        limiting = self.make()
        self.assertEqual(self.keys(limiting, door=Door.SSH), {"per-rpc": "default:a.git", "pool-anonymous": ""})
        self.assertEqual(self.keys(limiting, door=Door.SSH, user="alpha"), {"per-rpc": "default:a.git", "pool-known": ""})
        self.assertEqual(list(self.keys(self.make(unknown=True), door=Door.SSH)), ["per-rpc", "pool-known"])
        self.assertEqual(self.room(limiting, "pool-anonymous"), 64)

    def test_switched_off(self) -> None:
        """
        Zeros switch the usual limits off.
        """
        self.assertEqual(self.make("[limits]\ncalls = 0\nanonymous_calls = 0\ncalls_per_repository = 0\n").rules, {})

    def test_configured(self) -> None:
        """
        A method's own limit replaces the usual one for each repository; 0 is none; others are limited beside.
        """
        text = f'[[concurrency]]\nrpc = "{FETCH}"\nmax_per_repo = 2\nmax_queue_size = 3\nmax_queue_wait = "5s"\n'
        text += f'[[concurrency]]\nrpc = "{FIND}"\nmax_per_repo = 4\n'
        text += '[[concurrency]]\nrpc = "/gitaly.SSHService/SSHReceivePack"\n'
        limiting = self.make(text)
        self.assertEqual(list(self.keys(limiting)), ["per-rpc", "pool-known"])
        self.assertEqual((self.room(limiting, "per-rpc"), self.room(limiting, "per-rpc", FIND)), (2, 4))
        self.assertEqual(list(self.keys(limiting, FIND)), ["per-rpc"])
        self.assertEqual(list(self.keys(limiting, "/gitaly.SSHService/SSHReceivePack")), ["pool-known"])
        limiter = limiting.rules[FETCH][0].limiter
        assert isinstance(limiter, ConcurrencyLimiter)
        self.assertEqual(limiter.waiting("key"), 1)

    def test_rate(self) -> None:
        """
        A rate comes before all other limits; a table without one does nothing.
        """
        text = f'[[rate_limiting]]\nrpc = "{FETCH}"\ninterval = "1s"\nburst = 5\n[[rate_limiting]]\nrpc = "{FIND}"\n'
        limiting = self.make(text)
        self.assertEqual(list(self.keys(limiting)), ["rate", "per-rpc", "pool-known"])
        self.assertIsInstance(limiting.rules[FETCH][0].limiter, RateLimiter)
        self.assertNotIn(FIND, limiting.rules)

    def test_adaptive(self) -> None:
        """
        Limits that adapt begin where they should, and follow what the kernel says.
        """
        bounds = "adaptive = true\nmin_limit = 1\ninitial_limit = 3\nmax_limit = 9\n"
        limiting = self.make(f'[[concurrency]]\nrpc = "{FIND}"\n{bounds}[pack_objects_limiting]\n{bounds}')
        self.assertEqual(self.room(limiting, "per-rpc", FIND), 3)
        self.assertIsNotNone(limiting.packs())
        self.assertEqual([limit.name for limit in limiting.limits], [f"perRPC{FIND}", "packObjects"])

        async def at_once(work: Any) -> Any:
            return work()

        service = limiting.adaptation(ControlGroups(proc=self.mktemp()), at_once)
        service.startService()
        self.clock.advance(INTERVAL)
        current = self.registry.get_sample_value("gitaly_concurrency_limiting_current_limit", {"limit": "packObjects"})
        self.assertEqual(current, 4)
        service.stopService()

    def test_packs(self) -> None:
        """
        Packs are limited if they are to be.
        """
        self.assertIsNone(self.make().packs())
        limiter = self.make("[pack_objects_limiting]\nmax_concurrency = 2\n").packs()
        assert limiter is not None
        self.assertEqual([limiter.enter("a").admitted.called for _ in range(3)], [True, True, False])
