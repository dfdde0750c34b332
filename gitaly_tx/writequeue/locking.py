"""
The refs of one write, locked.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve, field

from ..git.directory import GitDirectory
from ..git.interfaces import First, IIntent, IPreparedRefs, IRefs, RefRefused, RefUpdate
from ..slices import InSlices


@define(eq=False)
class LockedRefs:
    """
    Locks refs before the log is written and moves them after it, so that nobody can come between; nothing is left in the end.
    """

    _directory: GitDirectory
    _refs: IRefs
    _intent: IIntent
    _prepared: IPreparedRefs | None = field(default=None, init=False)

    async def lock(self, updates: Sequence[RefUpdate], head: bytes | None, first: First) -> dict[bytes, RefRefused]:
        """
        Verify the updates and lock their refs.

        :param head: the ref that HEAD shall be a name for.
        :param first: done first, in the same turn in a thread.
        :returns: those that are refused, by name; they are not locked.
        :raises HeadLocked: if HEAD cannot be locked.
        """
        self._prepared = await self._refs.prepare(self._directory, updates, self._intent, head, first)
        return dict(self._prepared.refused)

    async def complete(self, updates: Sequence[RefUpdate]) -> tuple[RefUpdate, ...]:
        """
        The updates with their ``old`` filled in where the writer did not care: recovery wants to know. The refs are locked.
        """
        before = {} if self._prepared is None else self._prepared.before
        return tuple(
            [evolve(update, old=before.get(update.name)) if update.old is None else update async for update in InSlices(updates)]
        )

    async def move(self, first: First) -> bool:
        """
        Make the updates visible by the locks. That is tried once, because what became of the locks is not known then.

        :param first: done first, in the same turn in a thread. As long as that fails, nothing was tried.
        :returns: whether it was tried.
        """
        prepared = self._prepared
        if prepared is None:
            return False

        def done_first() -> None:
            first()
            self._prepared = None

        await prepared.commit(done_first)
        return True

    async def release(self) -> None:
        """
        Unlock what is still locked. Safe to repeat.
        """
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            await prepared.abort()
