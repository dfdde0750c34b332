"""
Is the reactor awake?

Everything waits for the one thread that the reactor has. A call that is due in half a second and comes later than that tells for
how long somebody held it.
"""

from __future__ import annotations

from prometheus_client import Histogram
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


class LagSampler(Service):
    """
    Measures the reactor's lag all the time that it is running.

    :param clock: the reactor.
    :param histogram: takes the lag in seconds.
    :param interval: seconds between two measurements.
    :param alarm: a lag of so many seconds is logged, too.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, histogram: Histogram, interval: float = 0.5, alarm: float = 1.0) -> None:
        self._clock = clock
        self._histogram = histogram
        self._interval = interval
        self._alarm = alarm
        self._call: IDelayedCall | None = None

    def startService(self) -> None:
        """
        Begin to measure.
        """
        Service.startService(self)
        self._next()

    def stopService(self) -> None:
        """
        End it.
        """
        Service.stopService(self)
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _next(self) -> None:
        due = self._clock.seconds() + self._interval
        self._call = self._clock.callLater(self._interval, self._measure, due)

    def _measure(self, due: float) -> None:
        lag = max(0.0, self._clock.seconds() - due)
        self._histogram.observe(lag)
        if lag >= self._alarm:
            self._log.warn("the reactor was held up for {lag_seconds:.1f} s", lag_seconds=lag)
        self._next()


__all__ = ["LagSampler"]
