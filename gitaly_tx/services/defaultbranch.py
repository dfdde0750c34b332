"""
The branch that counts where a caller names none.
"""

from __future__ import annotations

from ..errors import Code, GitalyError
from ..storage.interfaces import IRepository

BRANCHES = b"refs/heads/"

_USUAL = (b"refs/heads/main", b"refs/heads/master")


async def head_reference(repository: IRepository) -> bytes:
    """
    The ref that HEAD is a name for, existing or not.

    :raises GitalyError: INTERNAL ``exit status 128`` if HEAD is detached or cannot be read; the caller adds what it was for.
    """
    name = await repository.head()
    if name is None:
        raise GitalyError("exit status 128", Code.INTERNAL)
    return name


async def default_branch(repository: IRepository) -> bytes:
    """
    What HEAD is a name for if that exists, otherwise ``main``, ``master``, or the first branch by name; empty if there is no
    branch at all.

    :raises GitalyError: as :func:`head_reference`.
    """
    head = await repository.ref(b"HEAD")
    if head is not None and head.symbolic is not None:
        return head.symbolic
    await head_reference(repository)
    for name in _USUAL:
        if await repository.ref(name) is not None:
            return name
    return next((ref.name for ref in await repository.refs((BRANCHES,))), b"")


async def has_branches(repository: IRepository) -> bool:
    """
    Whether there is any branch.
    """
    # HEAD's branch is nearly always there, and one ref is found sooner than all.
    head = await repository.head()
    if head is not None and head.startswith(BRANCHES) and await repository.ref(head) is not None:
        return True
    return bool(await repository.refs((BRANCHES,)))
