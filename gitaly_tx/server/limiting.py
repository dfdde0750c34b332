"""
The limits, made from the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from protocols.gitaly.shared_pb2 import Repository

from ..config.gitaly import Concurrency
from ..config.model import Config
from ..limits.adaptive import Adaptation, Told
from ..limits.concurrency import ConcurrencyLimiter
from ..limits.interfaces import IMonitor
from ..limits.kernel import ControlGroups
from ..limits.limit import Limit
from ..limits.monitor import method_monitor, packs_monitor, pool_monitor
from ..limits.rate import RateLimiter
from ..limits.watchers import InThread, watchers
from ..middleware.limits import PER_RPC, Key, Rule, anonymous, by_repository
from ..observability.metrics import Metrics
from ..rpc.call import Call

TRANSFERS: Final = (
    "/gitaly.SmartHTTPService/PostReceivePack",
    "/gitaly.SmartHTTPService/PostUploadPack",
    "/gitaly.SmartHTTPService/PostUploadPackWithSidechannel",
    "/gitaly.SSHService/SSHReceivePack",
    "/gitaly.SSHService/SSHUploadArchive",
    "/gitaly.SSHService/SSHUploadPack",
    "/gitaly.SSHService/SSHUploadPackWithSidechannel",
)
"""Methods that are limited without being asked to: each call of one is at least one git, for as long as a client likes."""

EVERYBODY = ""
"""The one key of a limit that is not about a repository."""


class Bounds(Protocol):
    """
    What tables say of a limit that adapts.
    """

    @property
    def initial_limit(self) -> int: ...

    @property
    def min_limit(self) -> int: ...

    @property
    def max_limit(self) -> int: ...


@define(eq=False)
class Limiting:
    """
    :param unknown: whether nobody has to say who they are, so that somebody anonymous is nobody special.
    :ivar rules: who must wait, by the method's path.
    :ivar limits: all limits that adapt.
    """

    _config: Config
    _clock: IReactorTime
    _metrics: Metrics
    _unknown: Callable[[], bool]
    rules: dict[str, list[Rule]] = field(factory=dict, init=False)
    limits: list[Limit] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        for rate in self._config.rate_limiting:
            if rate.burst and rate.interval:
                limiter = RateLimiter(self._clock, rate.interval, rate.burst, method_monitor(self._metrics, rate.rpc))
                self._add(rate.rpc, Rule("rate", limiter, by_repository))
        configured = {each.rpc: each for each in self._config.concurrency}
        for path in (*TRANSFERS, *(path for path in configured if path not in TRANSFERS)):
            self._limit_method(path, configured.get(path))
        self._add_pools()

    def adaptation(self, groups: ControlGroups, in_thread: InThread) -> Adaptation:
        """
        Who changes the limits that adapt.

        :param groups: where the kernel's figures are.
        """
        table, metrics = self._config.adaptive_limiting, self._metrics
        told = Told(
            lambda name, value: metrics.adaptive_limit.labels(name).set(value),
            lambda watcher: metrics.adaptive_backoffs.labels(watcher).inc(),
            lambda watcher: metrics.adaptive_errors.labels(watcher).inc(),
        )
        found = watchers(groups, in_thread, self._clock, table.cpu_throttled_threshold, table.memory_threshold)
        return Adaptation(self._clock, self.limits, found, told)

    def packs(self) -> ConcurrencyLimiter | None:
        """
        The limit on packs that are made at once for one address; ``None`` for none.
        """
        table = self._config.pack_objects_limiting
        limit = self._made("packObjects", table.max_concurrency, table.adaptive, table)
        if limit is None:
            return None
        monitor = packs_monitor(self._metrics)
        return ConcurrencyLimiter(self._clock, limit, table.max_queue_length, table.max_queue_wait, monitor)

    def _limit_method(self, path: str, given: Concurrency | None) -> None:
        ours = self._config.limits
        if given is None:
            limit = self._fixed(f"perRPC{path}", ours.calls_per_repository)
            longest, patience = ours.queue, ours.queue_wait
        else:
            limit = self._made(f"perRPC{path}", given.max_per_repo, given.adaptive, given)
            longest, patience = given.max_queue_size, given.max_queue_wait
        if limit is not None:
            limiter = ConcurrencyLimiter(self._clock, limit, longest, patience, method_monitor(self._metrics, path))
            self._add(path, Rule(PER_RPC, limiter, by_repository))

    def _add_pools(self) -> None:
        """
        Behind all others: wide limits come last.
        """
        ours, unknown = self._config.limits, self._unknown

        def nobody(call: Call, repository: Repository | None) -> str | None:
            return EVERYBODY if anonymous(call) and not unknown() else None

        def somebody(call: Call, repository: Repository | None) -> str | None:
            return None if anonymous(call) and not unknown() else EVERYBODY

        pools: Iterable[tuple[str, int, Key]] = (
            ("anonymous", ours.anonymous_calls, nobody),
            ("known", ours.calls, somebody),
        )
        for name, number, key in pools:
            limit = self._fixed(name, number)
            if limit is not None:
                rule = Rule(f"pool-{name}", self._limiter(limit, pool_monitor(self._metrics, name)), key)
                for path in TRANSFERS:
                    self._add(path, rule)

    def _limiter(self, limit: Limit, monitor: IMonitor) -> ConcurrencyLimiter:
        ours = self._config.limits
        return ConcurrencyLimiter(self._clock, limit, ours.queue, ours.queue_wait, monitor)

    def _add(self, path: str, rule: Rule) -> None:
        self.rules.setdefault(path, []).append(rule)

    def _fixed(self, name: str, number: int) -> Limit | None:
        return Limit(name, number) if number else None

    def _made(self, name: str, fixed: int, adaptive: bool, bounds: Bounds) -> Limit | None:
        if not adaptive:
            return self._fixed(name, fixed)
        limit = Limit(name, bounds.initial_limit, bounds.min_limit, bounds.max_limit)
        self.limits.append(limit)
        return limit
