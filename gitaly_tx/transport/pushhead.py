"""
Which branch HEAD is a name for, once somebody pushes into an empty repository.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..git.interfaces import RefUpdate
from ..storage.interfaces import IRepository

_BRANCHES = b"refs/heads/"


def follower(repository: IRepository, updates: Sequence[RefUpdate]) -> Callable[[], Awaitable[bytes | None]] | None:
    """
    For :func:`~gitaly_tx.storage.interfaces.IRepository.commit`: HEAD follows the first branch that is pushed into a repository
    without branches, unless the branch that it names is among those that are pushed. Otherwise a clone of a repository whose
    first branch is not the default one would check nothing out.

    :returns: what to call when the write's turn has come; ``None`` if no branch is created.
    """
    created = [update.name for update in updates if update.name.startswith(_BRANCHES) and not update.new.is_zero]
    if not created:
        return None

    async def choose() -> bytes | None:
        head = await repository.head()
        if head is None or head in created or await repository.refs((_BRANCHES,)):
            return None
        return created[0]

    return choose
