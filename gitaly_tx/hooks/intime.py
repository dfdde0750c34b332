"""
Policies and event sinks that get so much time and no more.
"""

from __future__ import annotations

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from .interfaces import IEventSink, IPushPolicy, Push, RefsUpdated, Refused
from .patience import within


@implementer(IPushPolicy)
@define(eq=False)
class InTime:
    """
    Asks a policy, and refuses the push if it does not answer in time.

    :param policy: who is asked.
    :param clock: for its time.
    :param seconds: how much it gets.
    """

    _policy: IPushPolicy
    _clock: IReactorTime
    _seconds: float
    _log: Logger = field(factory=Logger)

    @property
    def name(self) -> str:
        """
        The policy's own.
        """
        return self._policy.name

    async def check(self, push: Push) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IPushPolicy.check`.
        """
        try:
            await within(self._seconds, self._clock, self._policy.check(push), f"policy {self.name}")
        except TimeoutError as error:
            self._log.error("policy {policy} took longer than {seconds:g} s", policy=self.name, seconds=self._seconds)
            raise Refused(f"policy {self.name} took longer than {self._seconds:g} s, so the push is refused") from error


@implementer(IEventSink)
@frozen
class HeardInTime:
    """
    Tells a sink, and goes on if it takes too long: who pushes is still there, and the server cannot stop before all have heard.

    :param sink: who is told.
    :param clock: for its time.
    :param seconds: how much it gets.
    """

    _sink: IEventSink
    _clock: IReactorTime
    _seconds: float

    @property
    def name(self) -> str:
        """
        The sink's own.
        """
        return self._sink.name

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IEventSink.refs_updated`.

        :raises TimeoutError: if it is not done in time; it is cancelled then.
        """
        await within(self._seconds, self._clock, self._sink.refs_updated(event), f"event sink {self.name}")
