"""
Two commits become one, in a quarantine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from attrs import frozen

from ...errors import GitalyError
from ...git.commits import Ident, NewCommit, Signer, Write, write_commit
from ...git.directory import GitDirectory
from ...git.interfaces import IGit
from ...git.merge import Merged, Side, merge, merge_onto
from ...git.objectid import ObjectID
from ...git.revisions import find
from ...storage.interfaces import IRepository, IStaging
from .quarantine import quarantine


class Conflicting(Exception):
    """
    Somebody has to decide.

    :param paths: where, each once. May be empty.
    """

    text = "there are conflicting files"

    def __init__(self, paths: Sequence[bytes]) -> None:
        super().__init__(self.text)
        self.paths = paths


@frozen
class Merge:
    """
    What to merge, and how to commit it.

    :param ours: the commit that is first in the result's history, or a tag that stands for it.
    :param theirs: names the other.
    :param squash: the result has ``ours`` as its only parent.
    :param signer: signs the result.
    """

    ours: ObjectID
    theirs: bytes
    author: Ident
    committer: Ident
    message: bytes
    squash: bool = False
    signer: Signer | None = None


async def merged(git: IGit, repository: IRepository, staging: IStaging, wanted: Merge) -> ObjectID:
    """
    Make a merge commit. It is one even if one side is in the history of the other, or they have nothing in common.

    :param staging: where it goes.
    :raises Conflicting: if it cannot be done without somebody's decision.
    :raises GitalyError: without a code, if one of the commits is missing, or the result makes no commit.
    """
    seen = repository.through(staging)
    ours, theirs = await _commit(git, seen, wanted.ours), await _commit(git, seen, wanted.theirs)
    try:
        found = await merge(git, staging.directory, ours, theirs)
    except GitalyError as error:
        raise error.wrapped("merge") from error
    if not found.clean:
        raise Conflicting(found.paths)
    parents = [ours] if wanted.squash else [ours, theirs]
    commit = NewCommit(found.tree, parents, wanted.author, wanted.committer, wanted.message)
    try:
        return await write_commit(staging.write_object, commit, wanted.signer)
    except GitalyError as error:
        raise error.wrapped("could not create merge commit") from error


async def _commit(git: IGit, repository: IRepository, revision: bytes) -> ObjectID:
    found = await find(git, repository, revision, b"commit")
    if found is None:
        raise GitalyError("merge: reference not found")
    return found.oid


@frozen
class Changes:
    """
    Does what one commit changed to another. Made by :func:`changing`.
    """

    _git: IGit
    _directory: GitDirectory
    _write: Write

    async def merge(self, base: ObjectID, ours: Side, theirs: Side) -> Merged:
        """
        What ``theirs`` has changed since ``base``, done to ``ours``.

        :param base: a tree.
        :raises GitalyError: without a code, if git did not do it.
        """
        if ours.tree == base:
            return Merged(theirs.tree)
        if theirs.tree == base:
            return Merged(ours.tree)
        return await merge_onto(self._git, self._directory, self._write, base, ours, theirs)


@asynccontextmanager
async def changing(git: IGit, repository: IRepository, staging: IStaging) -> AsyncGenerator[Changes, None]:
    """
    :param staging: where what is merged goes; nothing else does.
    """
    async with quarantine(repository) as beside:
        objects = beside.directory.object_directory
        assert objects is not None
        yield Changes(git, staging.directory.with_alternate(objects), beside.write_object)


__all__ = ["Changes", "Conflicting", "Merge", "changing", "merged"]
