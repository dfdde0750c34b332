"""
Who must wait before a call begins, and who is turned away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen
from google.protobuf.duration_pb2 import Duration
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from protocols.gitaly.errors_pb2 import LimitError
from protocols.gitaly.shared_pb2 import Repository

from ..errors import GitalyError
from ..limits.interfaces import ILimiter, IPlace, LimitReached
from ..observability.metrics import Metrics
from ..rpc.call import Call, Door
from ..rpc.exchanges import PeekedExchange
from ..rpc.interfaces import IMiddleware, Proceed
from ..streams import IByteSink

TELL_AFTER: Final = 1.0
"""Seconds after which somebody who waits is told so."""

TELL_EVERY: Final = 5.0
"""Seconds after which they are told again, if there is something new."""

PER_RPC: Final = "per-rpc"
"""What the log calls a limit on calls of one method; Gitaly's name."""

Key = Callable[[Call, Repository | None], str | None]


@frozen
class Rule:
    """
    One limit on a method.

    :param kind: what the log calls it.
    :param limiter: lets in.
    :param key: whose turn a call is about; ``None`` if this limit is not about that call.
    """

    kind: str
    limiter: ILimiter
    key: Key


def by_repository(call: Call, repository: Repository | None) -> str | None:
    """
    A key: the repository that the call is about.
    """
    return f"{repository.storage_name}:{repository.relative_path}" if repository is not None else None


def anonymous(call: Call) -> bool:
    """
    Whether nobody vouches for whoever calls.
    """
    return call.door is not Door.GRPC and call.identity.user is None


@implementer(IMiddleware)
class Limits:
    """
    Lets a call pass when each of its limits does, in their order, and holds the places until it has ended.

    Narrow limits come before wide ones, so that whoever waits for a busy repository takes no place that others could use. A
    git command over SSH is told on standard error that it waits, and how many are ahead; over HTTP there is no place for that yet
    at this point of git's protocol.

    :param rules: by the method's path.
    """

    def __init__(self, rules: Mapping[str, Sequence[Rule]], metrics: Metrics, clock: IReactorTime) -> None:
        self._rules = dict(rules)
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        rules, held = self._rules.get(call.method.path), list[IPlace]()
        try:
            for rule, key in await self._keyed(rules, call) if rules else ():
                place = rule.limiter.enter(key)
                held.append(place)
                await self._admitted(call, rule.kind, key, place)
            await proceed()
        except LimitReached as error:
            raise self._refused(call, error) from error
        finally:
            for place in reversed(held):
                place.leave()

    async def _keyed(self, rules: Sequence[Rule], call: Call) -> list[tuple[Rule, str]]:
        call.exchange = exchange = PeekedExchange(call.exchange)
        first = await exchange.peek()
        repository = None if first is None else call.method.repository(first)
        keyed = ((rule, rule.key(call, repository)) for rule in rules)
        return [(rule, key) for rule, key in keyed if key is not None]

    async def _admitted(self, call: Call, kind: str, key: str, place: IPlace) -> None:
        ahead, began = place.ahead(), self._clock.seconds()
        waits = not place.admitted.called
        teller = None if call.body is None or not waits else _Teller(self._clock, call.body.stderr, place)
        try:
            await place.admitted
        except LimitReached as error:
            call.fields["limit.concurrency_dropped"] = error.reason
            waits = True
            raise
        finally:
            if teller is not None:
                teller.stop()
            if waits or kind == PER_RPC:
                milliseconds = round((self._clock.seconds() - began) * 1000)
                call.fields["limit.limiting_type"] = kind
                call.fields["limit.limiting_key"] = key
                call.fields["limit.concurrency_queue_length"] = ahead + 1 if waits else 0
                call.fields["limit.concurrency_queue_ms"] = call.fields.get("limit.concurrency_queue_ms", 0) + milliseconds

    def _refused(self, call: Call, error: LimitReached) -> GitalyError:
        self._metrics.rejections.labels("limit", call.method.service, call.method.name).inc()
        call.fields["rejection"] = "limit"
        detail = LimitError(error_message=error.message)
        detail.retry_after.CopyFrom(_duration(error.retry_after))
        return GitalyError(error.message, error.code, error.facts, (detail,))


@define(eq=False)
class _Teller:
    """
    Tells somebody who waits how many are ahead.
    """

    _clock: IReactorTime
    _sink: IByteSink
    _place: IPlace
    _told: int = field(default=-1, init=False)
    _telling: Deferred[None] | None = field(default=None, init=False)
    _timer: IDelayedCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._timer = self._clock.callLater(TELL_AFTER, self._tell)

    def stop(self) -> None:
        """
        They wait no more.
        """
        if self._timer.active():
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = self._clock.callLater(TELL_EVERY, self._tell)
        ahead = self._place.ahead()
        if ahead == self._told or self._telling is not None:
            return
        self._told = ahead
        telling = self._telling = Deferred.fromCoroutine(_write(self._sink, waiting_text(ahead)))
        telling.addBoth(self._was_told)

    def _was_told(self, _: object) -> None:
        # A client that is gone is somebody else's to notice: its call is cancelled.
        self._telling = None


def waiting_text(ahead: int) -> bytes:
    """
    In words.
    """
    if not ahead:
        return b"The server is busy; you are next.\n"
    return b"The server is busy; %d %s before you.\n" % (ahead, b"comes" if ahead == 1 else b"come")


async def _write(sink: IByteSink, text: bytes) -> None:
    await sink.write(text)


def _duration(seconds: float) -> Duration:
    made = Duration()
    made.FromNanoseconds(round(seconds * 1e9))
    return made


__all__ = ["PER_RPC", "TELL_AFTER", "TELL_EVERY", "Key", "Limits", "Rule", "anonymous", "by_repository", "waiting_text"]
