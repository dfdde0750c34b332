"""
Who sees that the machine has too much to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from .interfaces import IWatcher, Pressure
from .kernel import ControlGroups

MEMORY = 0.9
"""The part of the memory in use from which on there is pressure; Gitaly's."""

THROTTLED = 0.5
"""The part of the time that the processors were held back; Gitaly's."""

STALLED_MEMORY = 0.1
"""The part of the time that everything waited for memory."""

STALLED_CPU = 0.9
"""The part of the time that something waited for a processor."""

T = TypeVar("T")


class InThread(Protocol):
    """
    Does what may block in a thread.
    """

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


@implementer(IWatcher)
class MemoryWatcher:
    """
    Too much of the memory is in use: of the control group's, or of the machine's.

    :param threshold: the part; 0 for :data:`MEMORY`.
    """

    name = "CgroupMemory"

    def __init__(self, groups: ControlGroups, in_thread: InThread, threshold: float = 0.0) -> None:
        self._groups = groups
        self._in_thread = in_thread
        self._threshold = threshold or MEMORY

    async def poll(self) -> Pressure | None:
        """
        Look.
        """
        memory = await self._in_thread(self._groups.memory_now)
        if memory is None:
            return None
        if memory.failing:
            return Pressure("cgroup is under OOM", {})
        if memory.used < self._threshold * memory.limit:
            return None
        facts = {"memory_usage": memory.used, "memory_limit": memory.limit, "memory_threshold": self._threshold}
        return Pressure("cgroup memory exceeds threshold", facts)


@implementer(IWatcher)
class ThrottlingWatcher:
    """
    The control group's processor time was used up for too much of the time since the last look.

    :param threshold: the part; 0 for :data:`THROTTLED`.
    """

    name = "CgroupCpu"

    def __init__(self, groups: ControlGroups, in_thread: InThread, clock: IReactorTime, threshold: float = 0.0) -> None:
        self._groups = groups
        self._in_thread = in_thread
        self._clock = clock
        self._threshold = threshold or THROTTLED
        self._before: tuple[float, float] | None = None

    async def poll(self) -> Pressure | None:
        """
        Look. The first look, and one after the kernel began to count anew, says nothing.
        """
        throttled = await self._in_thread(self._groups.throttled)
        if throttled is None:
            return None
        before, now = self._before, self._clock.seconds()
        self._before = now, throttled
        if before is None or throttled < before[1] or now <= before[0]:
            return None
        seconds, held = now - before[0], throttled - before[1]
        if held / seconds <= self._threshold:
            return None
        facts = {"time_diff": seconds, "throttled_duration": held, "throttled_threshold": self._threshold}
        return Pressure("cgroup CPU throttled too much", facts)


@implementer(IWatcher)
class StallWatcher:
    """
    The kernel's pressure stall information: tasks wait for a resource for too much of the time.

    :param resource: ``memory`` or ``cpu``.
    :param kind: ``some`` or ``full``.
    """

    def __init__(self, groups: ControlGroups, in_thread: InThread, resource: str, kind: str, threshold: float) -> None:
        self.name = f"Pressure{resource.capitalize()}"
        self._groups = groups
        self._in_thread = in_thread
        self._resource = resource
        self._kind = kind
        self._threshold = threshold

    async def poll(self) -> Pressure | None:
        """
        Look.
        """
        stalled = await self._in_thread(lambda: self._groups.pressure(self._resource, self._kind))
        if stalled is None or stalled < self._threshold:
            return None
        facts = {"stalled": stalled, "stalled_threshold": self._threshold}
        return Pressure(f"tasks wait for {self._resource} too much", facts)


def watchers(
    groups: ControlGroups, in_thread: InThread, clock: IReactorTime, cpu_threshold: float, memory_threshold: float
) -> list[IWatcher]:
    """
    All of them.

    :param cpu_threshold: as configured; 0 for the usual one.
    :param memory_threshold: likewise.
    """
    return [
        MemoryWatcher(groups, in_thread, memory_threshold),
        ThrottlingWatcher(groups, in_thread, clock, cpu_threshold),
        StallWatcher(groups, in_thread, "memory", "full", STALLED_MEMORY),
        StallWatcher(groups, in_thread, "cpu", "some", STALLED_CPU),
    ]
