"""
How the histories of two commits belong together.
"""

from __future__ import annotations

from ..errors import GitalyError
from .command import Command
from .directory import GitDirectory
from .interfaces import IGit
from .objectid import ObjectID


class NoCommit(GitalyError):
    """
    git could not tell: one of the commits is none.
    """

    def __init__(self, ended: str, stderr: bytes) -> None:
        super().__init__(ended, None, {"stderr": stderr.decode("utf-8", "replace")})


async def is_ancestor(git: IGit, directory: GitDirectory, ancestor: ObjectID, commit: ObjectID) -> bool:
    """
    Whether one commit is in another's history. A commit is in its own.

    :raises NoCommit: if one of them is missing, or no commit.
    """
    _, ended = await git.run(Command("merge-base", ["--is-ancestor"], [ancestor, commit], directory=directory), check=False)
    if ended.status not in (0, 1):
        raise NoCommit(str(ended), ended.stderr)
    return ended.status == 0


async def merge_base(git: IGit, directory: GitDirectory, one: ObjectID, other: ObjectID) -> ObjectID | None:
    """
    The best commit that two histories have in common, or one of the best; ``None`` if they have nothing in common.

    :raises NoCommit: if one of them is missing, or no commit.
    """
    output, ended = await git.run(Command("merge-base", arguments=[one, other], directory=directory), check=False)
    if ended.status not in (0, 1):
        raise NoCommit(str(ended), ended.stderr)
    return ObjectID(output.strip()) if output else None


__all__ = ["NoCommit", "is_ancestor", "merge_base"]
