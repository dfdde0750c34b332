"""
Which branch HEAD is a name for, once somebody pushes into an empty repository.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..git.interfaces import RefUpdate
from ..slices import InSlices
from ..storage.interfaces import IRepository

_BRANCHES = b"refs/heads/"


@define(eq=False)
class Follower:
    """
    To be called when the turn of :func:`~gitaly_tx.storage.interfaces.IRepository.commit` has come: HEAD follows the first branch
    that is pushed into a repository without branches, unless the branch that it names is among those that are pushed. Otherwise
    a clone of a repository whose first branch is not the default one would check nothing out.

    :ivar chosen: what HEAD is to be a name for, if it is to change.
    """

    _repository: IRepository
    _updates: Sequence[RefUpdate]
    chosen: bytes | None = field(default=None, init=False)

    async def __call__(self) -> bytes | None:
        """
        Look, and choose.
        """
        created = [
            update.name
            async for update in InSlices(self._updates)
            if update.name.startswith(_BRANCHES) and not update.new.is_zero
        ]
        if created:
            head = await self._repository.head()
            if head is not None and head not in created and not await self._repository.refs((_BRANCHES,)):
                self.chosen = created[0]
        return self.chosen
