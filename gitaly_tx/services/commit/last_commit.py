"""
The last commits that touched paths.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from posixpath import normpath
from typing import Final

from protocols.gitaly.commit_pb2 import (
    LastCommitForPathRequest,
    LastCommitForPathResponse,
    ListLastCommitsForTreeRequest,
    ListLastCommitsForTreeResponse,
)
from protocols.gitaly.shared_pb2 import GitCommit

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.options import Flag
from ...git.parse import tree as trees
from ...git.parse.mailmap import Mailmap
from ...git.peeling import below, peeled_id, read
from ...git.revisions import look_at
from ...git.treewalk import Found
from ...storage.interfaces import IRepository
from ..validate import given, opened
from ..wire import commit_message
from .ports import CommitPorts
from .walks import UNMAPPED

IN_MESSAGE: Final = 10
"""Entries in one reply."""

_KINDS: Final = {b"tree": 0, b"blob": 1, b"commit": 2}


async def last_commit_for_path(ports: CommitPorts, request: LastCommitForPathRequest) -> LastCommitForPathResponse:
    """
    The newest commit that touched a path, or anything if none is named; none if there was never such a path.

    :raises GitalyError: INVALID_ARGUMENT ``path is an absolute path`` or ``path escapes repository``; INTERNAL if the revision
        stands for nothing.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision)
    path = b"" if request.path == b"/" else request.path
    if path.startswith(b"/"):
        raise GitalyError("path is an absolute path", Code.INVALID_ARGUMENT)
    if path and (normpath(path) == b".." or normpath(path).startswith(b"../")):
        raise GitalyError("path escapes repository", Code.INVALID_ARGUMENT)
    literal = request.literal_pathspec or request.global_options.literal_pathspecs
    try:
        oid = await _last(ports, repository, request.revision, path or b".", literal)
    except GitalyError as error:
        raise error.wrapped("logging last commit for path") from error
    mailmap = await ports.mailmaps.of(repository)
    return LastCommitForPathResponse(
        commit=None if oid is None else await repository.glance(partial(_message, oid=oid, mailmap=mailmap))
    )


async def list_last_commits_for_tree(
    ports: CommitPorts, request: ListLastCommitsForTreeRequest
) -> AsyncIterator[ListLastCommitsForTreeResponse]:
    """
    The same for the entries of a directory: directories first, then files, then submodules.

    :raises GitalyError: INVALID_ARGUMENT ``offset negative`` or ``limit negative``; INTERNAL if the revision stands for nothing,
        or the name of an entry is a pattern that matches nothing and is not taken literally.
    """
    repository = await opened(ports.storage, given(request))
    revision = request.revision.encode("utf-8")
    validate_revision(revision)
    for number, text in ((request.offset, "offset negative"), (request.limit, "limit negative")):
        if number < 0:
            raise GitalyError(text, Code.INVALID_ARGUMENT)
    entries = await look_at(ports.git, repository, revision, partial(_entries, path=request.path))
    if entries is None:
        raise GitalyError("exit status 128", Code.INTERNAL, {"revision": request.revision})
    wanted = sorted(entries, key=lambda each: _KINDS[each.entry.type])[request.offset : request.offset + request.limit]
    mailmap = await ports.mailmaps.of(repository)
    for start in range(0, len(wanted), IN_MESSAGE):
        reply = ListLastCommitsForTreeResponse()
        for path, _ in wanted[start : start + IN_MESSAGE]:
            oid = await _last(ports, repository, revision, path, request.global_options.literal_pathspecs)
            if oid is None:
                raise GitalyError("object not found", Code.INTERNAL, {"path": path})
            message = await repository.glance(partial(_message, oid=oid, mailmap=mailmap))
            reply.commits.add(path_bytes=path, commit=message)
        yield reply


async def _last(ports: CommitPorts, repository: IRepository, revision: bytes, path: bytes, literal: bool) -> ObjectID | None:
    command = Command(
        "log",
        [Flag("--format=%H"), UNMAPPED, Flag("--max-count=1")],
        [revision],
        after_separator=[path],
        directory=repository.directory,
        literal_pathspecs=literal,
    )
    output, ended = await ports.git.run(command, check=False)
    if ended.status:
        raise GitalyError(str(ended), Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
    return ObjectID(output.strip()) if output.strip() else None


def _message(objects: IObjects, oid: ObjectID, mailmap: Mailmap) -> GitCommit:
    return commit_message(read(objects, oid), mailmap)


def _entries(objects: IObjects, oid: ObjectID, path: bytes) -> Sequence[Found] | None:
    """
    What ``git ls-tree`` lists for a path: the entry itself, or those in it if the path ends in a slash.

    :returns: ``None`` if there is no tree, or the path leads out of it.
    """
    tree = peeled_id(objects, oid, b"tree")
    inside = path.endswith(b"/")
    path = b"." if path in (b"", b"/") else normpath(path)
    prefix = b""
    if tree is None or path == b".." or path.startswith((b"/", b"../")):
        return None
    if path != b".":
        entry = below(objects, tree, path)
        if entry is None or (inside and not entry.is_tree):
            return ()
        if not inside:
            return (Found(path, entry),)
        tree, prefix = entry.oid, path + b"/"
    return [Found(prefix + entry.name, entry) for entry in trees.entries(tree, read(objects, tree).data)]
