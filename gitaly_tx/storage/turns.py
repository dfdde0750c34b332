"""
Waiting for one's turn in the right line, or in several.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

from attrs import frozen

from ..wal.interfaces import Partition
from ..wal.threads import InThread
from ..warm import NEVER, Warm
from ..writequeue.interfaces import IWriteQueue
from .naming import Place
from .partitions import line_of

T = TypeVar("T")

Lines = Mapping[Place, Partition]


class _Moved(Exception):
    """
    Somebody stands in another line now.
    """

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines


@frozen
class Turns:
    """
    Stands in lines of the write queue. Who needs several stands in them in the order of their names, so that nobody waits for
    somebody who waits for him.

    :param warm: says where repositories are looked at when their turn has come.
    """

    _queue: IWriteQueue
    _threads: InThread
    _warm: Warm = NEVER

    async def take(
        self,
        lines: Lines,
        look: Callable[[], None],
        run: Callable[[], Awaitable[T]],
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> T:
        """
        Wait for the turn of some repositories, and do something. A repository that was linked to a pool or disconnected while it
        waited starts again in its new line.

        :param lines: the repositories, and in which line each was when it was looked at.
        :param look: called when the turn has come, as a rule in a thread; may refuse by raising.
        :param run: what to do then.
        :param around: entered when the turn has come and left after ``run``.
        """
        while True:
            wanted = sorted(set(lines.values()), key=str)
            try:
                return await self._hold(wanted, partial(self._run, lines, look, run, around))
            except _Moved as moved:
                lines = moved.lines

    async def _hold(self, lines: Sequence[Partition], run: Callable[[], Awaitable[T]]) -> T:
        if len(lines) > 1:
            run = partial(self._hold, lines[1:], run)
        return await self._queue.submit(lines[0], run)

    async def _run(
        self,
        lines: Lines,
        look: Callable[[], None],
        run: Callable[[], Awaitable[T]],
        around: Callable[[], AbstractContextManager[None]],
    ) -> T:
        with around():
            places = tuple(lines)
            now = await self._warm.look((places[0].absolute, places), self._threads, _looked, look, places)
            if set(now.values()) != set(lines.values()):
                raise _Moved(now)
            return await run()


def _looked(look: Callable[[], None], places: Sequence[Place]) -> dict[Place, Partition]:
    look()
    return {place: line_of(place) for place in places}
