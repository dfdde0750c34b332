"""
Blobs vanish from all of history, and texts are redacted in it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping

from protocols.gitaly.cleanup_pb2 import RewriteHistoryRequest, RewriteHistoryResponse

from ...errors import Code, GitalyError
from ...git.directory import GitDirectory
from ...git.interfaces import IGit, RefUpdate
from ...git.newobjects import tip_lines, walk_new
from ...git.objectid import ObjectFormat, ObjectID
from ...hooks.unasked import Unasked
from ...storage.interfaces import IRepository, IStaging, IStorageProvider, ITurn
from ...wal.threads import InThread
from ..validate import given, object_id, opened
from .filterrepo import Rewriting, rewrite

MAXIMUM = 64 << 20
"""Bytes of ids and patterns in one call."""

Refs = Mapping[bytes, ObjectID]


async def rewrite_history(
    storage: IStorageProvider, git: IGit, in_thread: InThread, unasked: Unasked, requests: AsyncIterator[RewriteHistoryRequest]
) -> RewriteHistoryResponse:
    """
    Rewrite all refs, in one transaction.

    :raises GitalyError: INVALID_ARGUMENT if nothing is to be done, or what is to be done makes no sense; ABORTED if a ref was
        changed meanwhile.
    """
    repository, rewriting = await _asked(storage, requests)
    await _Rewrite(git, in_thread, unasked, repository, rewriting).run()
    return RewriteHistoryResponse()


async def _asked(storage: IStorageProvider, requests: AsyncIterator[RewriteHistoryRequest]) -> tuple[IRepository, Rewriting]:
    repository: IRepository | None = None
    blobs: list[ObjectID] = []
    redactions: list[bytes] = []
    room = MAXIMUM
    async for request in requests:
        if repository is None:
            repository = await opened(storage, given(request))
        elif request.HasField("repository"):
            raise GitalyError("subsequent requests must not contain repository", Code.INVALID_ARGUMENT)
        room -= request.ByteSize()
        if room < 0:
            raise GitalyError("too many object IDs and text replacements", Code.RESOURCE_EXHAUSTED)
        blobs += [_blob(oid, repository.object_format) for oid in request.blobs]
        redactions += map(_redaction, request.redactions)
    if repository is None:
        raise GitalyError("receiving initial request: EOF", Code.INTERNAL)
    if not blobs and not redactions:
        raise GitalyError("no object IDs or text replacements specified", Code.INVALID_ARGUMENT)
    return repository, Rewriting(blobs, redactions)


def _blob(oid: str, object_format: ObjectFormat) -> ObjectID:
    try:
        return object_id(oid, object_format)
    except GitalyError as error:
        raise error.wrapped("validating object ID") from error


def _redaction(pattern: bytes) -> bytes:
    if b"\n" in pattern:
        raise GitalyError("redaction pattern contains newline", Code.INVALID_ARGUMENT)
    return pattern


class _Rewrite:
    def __init__(self, git: IGit, in_thread: InThread, unasked: Unasked, repository: IRepository, rewriting: Rewriting) -> None:
        self._git = git
        self._in_thread = in_thread
        self._unasked = unasked
        self._repository = repository
        self._rewriting = rewriting

    async def run(self) -> None:
        """
        Rewrite what there is, if there is anything.
        """
        repository = self._repository
        refs = await repository.refs()
        before = {ref.name: ref.target for ref in refs}
        if not before:
            return
        staging = await repository.stage()
        try:
            scratch = os.path.dirname(staging.directory.object_directory or staging.directory.objects)
            object_format = repository.object_format
            after = await rewrite(self._git, self._in_thread, repository.directory, scratch, object_format, refs, self._rewriting)
            await self._check(staging.directory, after)
            await self._unasked.carry(self._replace(staging, before, after))
        finally:
            await staging.discard()

    async def _check(self, directory: GitDirectory, after: Refs) -> None:
        """
        See that everything that the refs shall refer to is there.
        """
        _, ended = await self._git.run(walk_new(directory), stdin=tip_lines(after.values()), check=False)
        if ended.status != 0:
            facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
            raise GitalyError(f"checking rewritten history: {ended}", Code.INTERNAL, facts)

    async def _replace(self, staging: IStaging, before: Refs, after: Refs) -> None:
        updates = await self._repository.turn(lambda turn: self._write(turn, staging, before, after))
        await self._unasked.tell(self._repository, updates)

    async def _write(self, turn: ITurn, staging: IStaging, before: Refs, after: Refs) -> list[RefUpdate]:
        now = {ref.name: ref.target for ref in await self._repository.refs()}
        if now != before:
            raise GitalyError("repository was changed while its history was rewritten, try again", Code.ABORTED)
        zero = self._repository.object_format.zero
        updates = [RefUpdate(name, old, after.get(name, zero)) for name, old in before.items() if after.get(name) != old]
        if not updates:
            return []
        outcome = await turn.commit(updates, staging=staging)
        for refused in outcome.refused.values():
            facts = {"ref": refused.name, "why": refused.why.value}
            raise GitalyError("repository was changed while its history was rewritten, try again", Code.ABORTED, facts)
        return updates
