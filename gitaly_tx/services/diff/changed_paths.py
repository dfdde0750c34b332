"""
Which paths commits change, or differ between trees.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from protocols.gitaly.diff_pb2 import ChangedPaths, FindChangedPathsRequest, FindChangedPathsResponse

from ...errors import Code, GitalyError
from ...git import revisions
from ...git.interfaces import IGit, IObjects
from ...git.objectid import ObjectID
from ...git.parse.changedpaths import ChangedPathsDecoder, ChangeOf
from ...git.peeling import peeled_id
from ...git.quoting import quoted
from ...git.records import batches
from ...rpc.chunks import REPLY
from ...storage.interfaces import IRepository, IStorageProvider
from ..running import Failed, running
from ..validate import given, opened
from .commands import command

_Requested = FindChangedPathsRequest.Request

_FULL_ID: Final = re.compile("[0-9a-f]+\\Z")

_STATES: Final = {
    b"A": ChangedPaths.ADDED,
    b"M": ChangedPaths.MODIFIED,
    b"D": ChangedPaths.DELETED,
    b"T": ChangedPaths.TYPE_CHANGE,
    b"C": ChangedPaths.COPIED,
    b"R": ChangedPaths.RENAMED,
}

_FILTERS: Final = {
    FindChangedPathsRequest.DIFF_STATUS_ADDED: "A",
    FindChangedPathsRequest.DIFF_STATUS_MODIFIED: "M",
    FindChangedPathsRequest.DIFF_STATUS_DELETED: "D",
    FindChangedPathsRequest.DIFF_STATUS_TYPE_CHANGE: "T",
    FindChangedPathsRequest.DIFF_STATUS_COPIED: "C",
    FindChangedPathsRequest.DIFF_STATUS_RENAMED: "R",
}


async def find_changed_paths(
    git: IGit, storage: IStorageProvider, request: FindChangedPathsRequest
) -> AsyncGenerator[FindChangedPathsResponse, None]:
    """
    The paths in the order of what was asked for; for a merge those that it changes for each of its parents, one parent after the
    other, or only those that differ from all.

    :raises GitalyError: INVALID_ARGUMENT ``cannot specify both commits and requests``, ``resolving commit: revision cannot be
        empty``; NOT_FOUND ``resolving left tree: revision can not be found: "…"``; FAILED_PRECONDITION ``cmd wait err: …``.
    """
    repository = await opened(storage, given(request))
    asked = _asked(request)
    filters = _filters(request.diff_filters)
    lines = await _Resolver(git, repository).lines(asked)
    commits_only = all(each.HasField("commit_request") for each in asked)
    all_paths = request.merge_commit_diff_mode == FindChangedPathsRequest.MERGE_COMMIT_DIFF_MODE_ALL_PARENTS
    options = ["-z", "--stdin", "-r", f"--diff-filter={filters}", "--find-renames" if request.find_renames else "--no-renames"]
    options.append("-c" if all_paths else "-m")
    if all_paths:
        options.append("--combined-all-paths")
    if not commits_only:
        options.append("--no-commit-id")
    diff_tree = command("diff-tree", options, [], repository)
    decoder = ChangedPathsDecoder(all_paths)
    paths: list[ChangedPaths] = []
    weight = 0
    with running(git, diff_tree, lines) as child:
        async with aclosing(batches(child, b"\0")) as parts:
            async for records in parts:
                for path in _paths(decoder, records):
                    size = path.ByteSize()
                    if paths and weight + size >= REPLY:
                        yield FindChangedPathsResponse(paths=paths)
                        paths, weight = [], 0
                    paths.append(path)
                    weight += size
        ended = await child.wait()
    if ended.status:
        raise Failed(ended, Code.FAILED_PRECONDITION, "cmd wait err: ")
    if paths:
        yield FindChangedPathsResponse(paths=paths)


def _asked(request: FindChangedPathsRequest) -> Sequence[_Requested]:
    if not request.commits:
        return request.requests
    if request.requests:
        raise GitalyError("cannot specify both commits and requests", Code.INVALID_ARGUMENT)
    return [_Requested(commit_request=_Requested.CommitRequest(commit_revision=commit)) for commit in request.commits]


def _filters(wanted: Sequence[FindChangedPathsRequest.DiffStatus]) -> str:
    if any(each not in _FILTERS for each in wanted):
        raise GitalyError("invalid diff filter", Code.INVALID_ARGUMENT)
    return "".join(dict.fromkeys(_FILTERS[each] for each in wanted)) or "AMDTCR"


class _Resolver:
    """
    Makes lines for ``git diff-tree`` of what is asked for: a commit and the parents that it shall have, or two trees.
    """

    def __init__(self, git: IGit, repository: IRepository) -> None:
        self._git = git
        self._repository = repository
        self._known: dict[tuple[str, bytes], ObjectID | None] = {}

    async def lines(self, asked: Sequence[_Requested]) -> list[bytes]:
        """
        :raises GitalyError: for the first revision that cannot be found.
        """
        wanted = [list(_words(each)) for each in asked]
        full = {
            (revision, type)
            for words in wanted
            for revision, type, _ in words
            if len(revision) == self._repository.object_format.hex_length and _FULL_ID.match(revision)
        }
        if full:
            # Ids are the rule, and many of them are looked up at once.
            self._known.update(await self._repository.look(lambda objects: _peel(objects, full)))
        return [b" ".join([await self._resolved(*word) for word in words]) + b"\n" for words in wanted]

    async def _resolved(self, revision: str, type: bytes, step: str) -> ObjectID:
        if not revision:
            raise GitalyError(f"{step}: revision cannot be empty", Code.INVALID_ARGUMENT)
        if (revision, type) in self._known:
            oid = self._known[revision, type]
        else:
            found = await revisions.find(self._git, self._repository, revision.encode("utf-8"), type)
            oid = self._known[revision, type] = None if found is None else found.oid
        if oid is None:
            raise GitalyError(f"{step}: revision can not be found: {quoted(revision)}", Code.NOT_FOUND)
        return oid


def _words(asked: _Requested) -> Iterator[tuple[str, bytes, str]]:
    """
    The revisions of a request, each with what it has to be, and what is being done with it.
    """
    if asked.HasField("commit_request"):
        yield asked.commit_request.commit_revision, b"commit", "resolving commit"
        for parent in asked.commit_request.parent_commit_revisions:
            yield parent, b"commit", "resolving commit parent"
    elif asked.HasField("tree_request"):
        yield asked.tree_request.left_tree_revision, b"tree", "resolving left tree"
        yield asked.tree_request.right_tree_revision, b"tree", "resolving right tree"
    else:
        raise GitalyError("unknown FindChangedPathsRequest type", Code.INTERNAL)


def _peel(objects: IObjects, wanted: Iterable[tuple[str, bytes]]) -> dict[tuple[str, bytes], ObjectID | None]:
    return {(revision, type): peeled_id(objects, ObjectID(revision), type) for revision, type in wanted}


def _paths(decoder: ChangedPathsDecoder, records: Iterable[bytes]) -> list[ChangedPaths]:
    try:
        return [_message(found) for found in decoder.feed(records)]
    except (ValueError, KeyError) as error:
        raise GitalyError(f"parsing err: {error}", Code.INTERNAL) from error


def _message(found: ChangeOf) -> ChangedPaths:
    change = found.change
    return ChangedPaths(
        path=change.path,
        status=_STATES[change.status],
        old_mode=change.old_mode,
        new_mode=change.new_mode,
        old_blob_id=change.old_id.decode("ascii"),
        new_blob_id=change.new_id.decode("ascii"),
        old_path=change.old_path if change.status in (b"R", b"C") else b"",
        score=change.score,
        commit_id=found.commit.decode("ascii"),
    )
