"""
Who wrote which line?
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from posixpath import normpath
from typing import Final

from protocols.gitaly.commit_pb2 import RawBlameError, RawBlameRequest, RawBlameResponse
from protocols.gitaly.errors_pb2 import PathNotFoundError

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import Ended, IChild, IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.options import Flag, Option, ValueFlag
from ...git.parse import blame
from ...git.peeling import info
from ...git.records import pieces
from ...git.revisions import look_at
from ...rpc.chunks import cut
from ...storage.interfaces import IRepository
from ...streams import StreamBroken
from ..validate import given, opened
from .ports import CommitPorts

_RANGE: Final = re.compile(rb"\d+,\d+\Z")


async def raw_blame(ports: CommitPorts, request: RawBlameRequest) -> AsyncIterator[RawBlameResponse]:
    """
    What ``git blame -p`` prints.

    :raises GitalyError: INVALID_ARGUMENT; NOT_FOUND ``path not found in revision``; INTERNAL ``blaming file: exit status 128``;
        with what is known as details.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision)
    _validate(request)
    options: list[Option] = [Flag("-p")]
    if request.range:
        options.append(ValueFlag("-L", request.range))
    ignored = b""
    if request.ignore_revisions_blob:
        ignored = await _ignored(ports, repository, request.ignore_revisions_blob)
        options.append(Flag("--ignore-revs-file=/dev/stdin"))
    command = Command("blame", options, [request.revision], after_separator=[request.path], directory=repository.directory)
    child = ports.git.spawn(command)
    try:
        async with aclosing(_output(child, ignored)) as source:
            async for piece in source:
                for data in cut(piece):
                    yield RawBlameResponse(data=data)
        ended = await child.wait()
    finally:
        child.kill()
    if ended.status:
        raise _failure(request, ended)


def _validate(request: RawBlameRequest) -> None:
    path = normpath(request.path)
    for wrong, text in (
        (not request.path, "empty Path"),
        (path.startswith((b"/", b"../")) or path == b"..", "path escapes repository root"),
        (request.range and not _RANGE.match(request.range), "invalid Range"),
    ):
        if wrong:
            raise GitalyError(text, Code.INVALID_ARGUMENT)


async def _ignored(ports: CommitPorts, repository: IRepository, revision: bytes) -> bytes:
    """
    The content of the blob that names revisions to ignore.
    """

    def blob(objects: IObjects, oid: ObjectID) -> bytes | None:
        known = info(objects, oid)
        return objects.read(oid, 16 << 20).data if known is not None and known.type == b"blob" else None

    validate_revision(revision, allow_path=True)
    found = await look_at(ports.git, repository, revision, blob)
    if found is None:
        unresolved = RawBlameError.ResolveIgnoreRevsError(ignore_revisions_blob=revision)
        details = RawBlameError(resolve_ignore_revs=unresolved)
        raise GitalyError("cannot resolve ignore-revs blob", Code.NOT_FOUND, {"revision": revision}, (details,))
    return found


async def _output(child: IChild, stdin: bytes) -> AsyncGenerator[bytes, None]:
    try:
        await child.stdin.write(stdin)
    except StreamBroken:
        pass  # Its exit status says why it did not read that.
    child.close_stdin()
    async with aclosing(pieces(child)) as source:
        async for piece in source:
            yield piece


def _failure(request: RawBlameRequest, ended: Ended) -> GitalyError:
    facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
    if blame.names_no_path(ended.stderr):
        details = RawBlameError(path_not_found=PathNotFoundError(path=request.path))
        return GitalyError("path not found in revision", Code.NOT_FOUND, facts, (details,))
    lines = blame.lines_there_are(ended.stderr)
    if lines is not None:
        details = RawBlameError(out_of_range=RawBlameError.OutOfRangeError(actual_lines=lines))
        return GitalyError("range is outside of the file length", Code.INVALID_ARGUMENT, facts, (details,))
    line = blame.unknown_line(ended.stderr)
    if line is not None:
        bad = RawBlameError.InvalidIgnoreRevsFormatError(content=line)
        details = RawBlameError(invalid_ignore_revs_format=bad)
        return GitalyError("invalid format of the ignore-revs blob", Code.INVALID_ARGUMENT, facts, (details,))
    return GitalyError(f"blaming file: {ended}", Code.INTERNAL, facts)
