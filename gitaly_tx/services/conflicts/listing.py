"""
The files that conflict when two commits are merged.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import ExitStack, aclosing
from typing import Final

from attrs import frozen

from protocols.gitaly.conflicts_pb2 import (
    ConflictFile,
    ConflictFileHeader,
    ListConflictFilesRequest,
    ListConflictFilesResponse,
)

from ...errors import Code, GitalyError
from ...git import revisions
from ...git.command import Command
from ...git.directory import GitDirectory
from ...git.interfaces import IChild, IGit
from ...git.merge import CONFLICTS
from ...git.objectid import ObjectID
from ...git.options import Flag
from ...git.parse.mergetree import Conflict, MergeTreeDecoder
from ...git.records import batches
from ...rpc.chunks import CHUNK, REPLY
from ...storage.interfaces import IRepository, IStorageProvider
from ...wal.threads import InThread
from ..running import Failed, running
from ..spool import Spool
from ..validate import given, opened
from .contents import Contents, Labels, copy

SUBMODULE: Final = 0o160000
"""The mode of a submodule in a tree."""

_MERGE: Final = ("--write-tree", "-z", "--allow-unrelated-histories", "--no-messages")


async def list_conflict_files(
    git: IGit, storage: IStorageProvider, in_thread: InThread, request: ListConflictFilesRequest
) -> AsyncGenerator[ListConflictFilesResponse, None]:
    """
    A header for each file that conflicts, and its content with the conflicts marked. Nothing if the commits can be merged. What
    the merge makes is in a quarantine, and gone afterwards.

    :raises GitalyError: INVALID_ARGUMENT ``empty OurCommitOid``, ``empty TheirCommitOid``; FAILED_PRECONDITION ``could not lookup
        'our' OID: reference not found``, ``conflict side missing``, ``unsupported encoding``.
    """
    repository = await opened(storage, given(request))
    if not request.our_commit_oid:
        raise GitalyError("empty OurCommitOid", Code.INVALID_ARGUMENT)
    if not request.their_commit_oid:
        raise GitalyError("empty TheirCommitOid", Code.INVALID_ARGUMENT)
    ours = await _commit(git, repository, request.our_commit_oid, "our")
    theirs = await _commit(git, repository, request.their_commit_oid, "their")
    staging = await repository.stage()
    try:
        merge = _Merge(git, in_thread, staging.directory, ours, theirs, request)
        async with aclosing(_messages(merge)) as messages:
            async for message in messages:
                yield message
    finally:
        await staging.discard()


async def _commit(git: IGit, repository: IRepository, revision: str, side: str) -> ObjectID:
    found = await revisions.find(git, repository, revision.encode("utf-8"), b"commit")
    if found is None:
        raise GitalyError(f"could not lookup '{side}' OID: reference not found", Code.FAILED_PRECONDITION)
    return found.oid


async def _messages(merge: _Merge) -> AsyncGenerator[ListConflictFilesResponse, None]:
    """
    Several files share a message, which goes once there is enough content in it.
    """
    files: list[ConflictFile] = []
    content = weight = 0
    async with aclosing(merge.files()) as found:
        async for file in found:
            files.append(file)
            content += len(file.content)
            weight += file.ByteSize()
            if content >= CHUNK or weight >= REPLY:
                yield ListConflictFilesResponse(files=files)
                files, content, weight = [], 0, 0
    if files:
        yield ListConflictFilesResponse(files=files)


@frozen
class _Merge:
    """
    :param directory: the repository with a quarantine, where the merged files go.
    """

    git: IGit
    in_thread: InThread
    directory: GitDirectory
    ours: ObjectID
    theirs: ObjectID
    request: ListConflictFilesRequest

    async def files(self) -> AsyncGenerator[ConflictFile, None]:
        """
        Headers, and after each the parts of its content.
        """
        decoder = MergeTreeDecoder()
        with ExitStack() as children:
            merging = children.enter_context(running(self.git, self._command("merge-tree", _MERGE, self.ours, self.theirs)))
            contents: Contents | None = None
            async with aclosing(_conflicts(merging, decoder)) as conflicts:
                async for conflict in conflicts:
                    yield ConflictFile(header=self._header(conflict))
                    if self.request.skip_content:
                        continue
                    if contents is None:
                        batch = self._command("cat-file", ["--batch", "-z"])
                        contents = Contents(children.enter_context(running(self.git, batch, None)))
                    async with aclosing(self._content(contents, decoder.tree or b"", conflict)) as pieces:
                        async for piece in pieces:
                            yield ConflictFile(content=piece)

    def _command(self, name: str, options: Iterable[str], *arguments: bytes) -> Command:
        return Command(name, [Flag(option) for option in options], arguments, directory=self.directory)

    def _header(self, conflict: Conflict) -> ConflictFileHeader:
        if not self.request.allow_tree_conflicts and (conflict.ours is None or conflict.theirs is None):
            raise GitalyError("conflict side missing", Code.FAILED_PRECONDITION, {"path": conflict.path})
        return ConflictFileHeader(
            commit_oid=self.request.our_commit_oid,
            ancestor_path=conflict.path if conflict.ancestor else b"",
            our_path=conflict.path if conflict.ours else b"",
            their_path=conflict.path if conflict.theirs else b"",
            our_mode=conflict.ours.mode if conflict.ours else 0,
        )

    async def _content(self, contents: Contents, tree: bytes, conflict: Conflict) -> AsyncGenerator[bytes, None]:
        side = conflict.ours or conflict.theirs
        if side is not None and side.mode == SUBMODULE:
            raise GitalyError("getting objectreader: object not found", Code.FAILED_PRECONDITION, {"path": conflict.path})
        size = None if side is None else await contents.find(tree + b":" + conflict.path)
        if size is None:
            raise GitalyError("getting file revision: reference not found", Code.FAILED_PRECONDITION, {"path": conflict.path})
        spool = Spool(self.in_thread)
        try:
            labels = Labels(
                {
                    self.ours: conflict.path if conflict.ours else b"",
                    self.theirs: conflict.path if conflict.theirs else b"",
                }
            )
            await copy(contents, size, labels, spool)
            async with aclosing(spool.parts(CHUNK)) as parts:
                async for part, _ in parts:
                    if part:
                        yield part
        finally:
            await spool.close()


async def _conflicts(child: IChild, decoder: MergeTreeDecoder) -> AsyncGenerator[Conflict, None]:
    """
    What a ``git merge-tree`` finds.
    """
    async with aclosing(batches(child, b"\0")) as parts:
        async for records in parts:
            try:
                found = list(decoder.feed(records))
            except ValueError as error:
                raise GitalyError(f"couldn't find conflict: {error}", Code.INTERNAL) from error
            for conflict in found:
                yield conflict
    for conflict in decoder.end():
        yield conflict
    ended = await child.wait()
    if ended.status not in (0, CONFLICTS):
        raise Failed(ended, Code.INTERNAL, "couldn't find conflict: ")
