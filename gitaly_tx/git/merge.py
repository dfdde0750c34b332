"""
Two histories made one: ``git merge-tree`` in a quarantine.

``--merge-base`` is newer than git 2.39. A merge with a given base is made of commits that nobody will keep: one for the base, and
one for each side, whose only parent it is.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from attrs import evolve, frozen

from ..errors import GitalyError
from .command import Command
from .commits import Ident, NewCommit, Write, write_commit
from .directory import GitDirectory
from .interfaces import Ended, IGit
from .objectid import ObjectID
from .options import Flag
from .parse.mergetree import Conflict, MergeTreeDecoder
from .records import batches

CONFLICTS: Final = 1
"""The exit status of a ``git merge-tree`` that found some."""

_OPTIONS: Final = ("--write-tree", "-z", "--allow-unrelated-histories", "--no-messages")

_NOBODY: Final = Ident(b"nobody", b"", 0)


@frozen
class Merged:
    """
    :param tree: what the merge made; with conflicts marked, if there are any.
    :param clean: whether all was merged.
    :param conflicts: the files that conflict, in git's order. May be empty even if there are conflicts: of directories.
    """

    tree: ObjectID
    clean: bool = True
    conflicts: tuple[Conflict, ...] = ()

    @property
    def paths(self) -> list[bytes]:
        """
        The paths that conflict, each once.
        """
        return list(dict.fromkeys(conflict.path for conflict in self.conflicts))


class MergeFailed(GitalyError):
    """
    git could not merge: mostly because a commit is missing.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(f"merge-tree: {ended}", None, {"stderr": ended.stderr.decode("utf-8", "replace")})


async def merge(git: IGit, directory: GitDirectory, ours: bytes, theirs: bytes) -> Merged:
    """
    Merge two commits; histories that have nothing in common, too.

    :param directory: a repository with a quarantine, where the merged trees and files go.
    :param ours: names a commit.
    :raises MergeFailed: if git did not do it.
    :raises GitalyError: without a code, if its output makes no sense.
    """
    command = Command("merge-tree", map(Flag, _OPTIONS), [ours, theirs], directory=directory)
    decoder = MergeTreeDecoder()
    conflicts: list[Conflict] = []
    child = git.spawn(command, stdin=False)
    try:
        async with aclosing(batches(child, b"\0")) as source:
            async for records in source:
                conflicts.extend(decoder.feed(records))
        conflicts.extend(decoder.end())
        ended = await child.wait()
        if ended.status not in (0, CONFLICTS) or decoder.tree is None:
            raise MergeFailed(ended)
        return Merged(ObjectID(decoder.tree), ended.status == 0, tuple(conflicts))
    except ValueError as error:
        raise GitalyError("merge-tree: unexpected output") from error
    finally:
        child.kill()


@frozen
class Side:
    """
    One side of a merge.

    :param tree: what it has.
    :param name: of the commit that it is, for the paths that git makes up.
    """

    tree: ObjectID
    name: bytes


async def merge_onto(git: IGit, directory: GitDirectory, write: Write, base: ObjectID, ours: Side, theirs: Side) -> Merged:
    """
    Merge two sides as if their histories parted at ``base``, wherever they did.

    :param directory: as in :func:`merge`; it also finds what is written.
    :param write: makes commits that are of no use afterwards.
    :param base: a tree.
    :raises MergeFailed: if git did not do it.
    """

    async def commit(tree: ObjectID, *parents: ObjectID) -> ObjectID:
        return await write_commit(write, NewCommit(tree, parents, _NOBODY, _NOBODY, b""))

    parted = await commit(base)
    left = await commit(ours.tree, parted)
    right = await commit(theirs.tree, parted)
    merged = await merge(git, directory, left, right)
    names = {b"~" + left: b"~" + ours.name, b"~" + right: b"~" + theirs.name}
    return evolve(merged, conflicts=tuple(evolve(found, path=_renamed(found.path, names)) for found in merged.conflicts))


def _renamed(path: bytes, names: dict[bytes, bytes]) -> bytes:
    """
    Where a file and a directory want the same path, git puts the file beside it, and names it after its side.
    """
    for made, name in names.items():
        path = path.replace(made, name)
    return path


__all__ = ["CONFLICTS", "MergeFailed", "Merged", "Side", "merge", "merge_onto"]
