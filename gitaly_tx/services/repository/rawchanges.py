"""
What differs between two trees, without contents.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import GetRawChangesRequest, GetRawChangesResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.objectid import ObjectFormat, ObjectID
from ...git.parse.rawdiff import Change, RawDecoder
from ...git.quoting import quoted
from ...git.records import batches
from ...git.revisions import resolve
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened

RawChange = GetRawChangesResponse.RawChange

_OPERATIONS = {
    b"A": RawChange.ADDED,
    b"C": RawChange.COPIED,
    b"D": RawChange.DELETED,
    b"M": RawChange.MODIFIED,
    b"R": RawChange.RENAMED,
    b"T": RawChange.TYPE_CHANGED,
}

_EMPTY_TREES = {
    ObjectFormat.SHA1: ObjectID("4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
    ObjectFormat.SHA256: ObjectID("6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"),
}

_SUBMODULE = 0o160000


async def get_raw_changes(
    storage: IStorageProvider, git: IGit, request: GetRawChangesRequest
) -> AsyncGenerator[GetRawChangesResponse, None]:
    """
    ``git diff-tree`` of two revisions, with renames, and with the size of each blob.

    :raises GitalyError: INVALID_ARGUMENT for a revision that does not resolve; INTERNAL for a blob that is missing.
    """
    repository = await opened(storage, given(request))
    before = await _resolved(git, repository, request.from_revision, "from")
    after = await _resolved(git, repository, request.to_revision, "to")
    if after.is_zero:
        return
    if before.is_zero:
        before = _EMPTY_TREES[repository.object_format]
    command = Command("diff-tree", ["-r", "-M", "--raw", "-z"], [before, after], directory=repository.directory)
    async with aclosing(_changes(git, repository, command)) as found:
        async for batch in batched_stream(found, lambda change: change.ByteSize() + 4):
            yield GetRawChangesResponse(raw_changes=batch)


async def _resolved(git: IGit, repository: IRepository, revision: str, side: str) -> ObjectID:
    zero = repository.object_format.zero
    raw = revision.encode("utf-8", "surrogateescape")
    if raw == zero:
        return zero
    found = await resolve(git, repository, raw) if raw else None
    if found is None or (await repository.object_info([found])) == [None]:
        raise GitalyError(f"invalid '{side}' revision: {quoted(revision)}", Code.INVALID_ARGUMENT)
    return found


async def _changes(git: IGit, repository: IRepository, command: Command) -> AsyncGenerator[RawChange, None]:
    child = git.spawn(command, stdin=False)
    decoder = RawDecoder()
    async with aclosing(batches(child, b"\0")) as output:
        async for fields in output:
            for change in await _described(repository, list(decoder.feed(fields))):
                yield change
    ended = await child.wait()
    if ended.status != 0:
        facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
        raise GitalyError(f"wait git diff: {ended}", Code.INTERNAL, facts)


async def _described(repository: IRepository, entries: Sequence[Change]) -> list[RawChange]:
    wanted = list({oid for entry in entries if (oid := _blob(entry)) is not None})
    sizes = dict(zip(wanted, await repository.object_info(wanted), strict=True))
    found = []
    for entry in entries:
        change = RawChange(
            operation=_OPERATIONS.get(entry.status, RawChange.UNKNOWN),
            old_mode=entry.old_mode,
            new_mode=entry.new_mode,
            old_path_bytes=b"" if entry.status == b"A" else entry.old_path,
            new_path_bytes=b"" if entry.status == b"D" else entry.path,
        )
        blob = _blob(entry)
        if blob is not None:
            info = sizes[blob]
            if info is None:
                text = f'build change from diff line: find "{blob}": object not found'
                raise GitalyError(text, Code.INTERNAL)
            change.blob_id, change.size = str(blob), info.size
        found.append(change)
    return found


def _blob(entry: Change) -> ObjectID | None:
    """
    The new blob, or the old one if there is no new one; ``None`` for a submodule.
    """
    mode, oid = (entry.new_mode, entry.new_id) if entry.new_id.strip(b"0") else (entry.old_mode, entry.old_id)
    return None if mode == _SUBMODULE else ObjectID(oid)
