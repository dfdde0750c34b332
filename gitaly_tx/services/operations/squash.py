"""
A range of commits made one.
"""

from __future__ import annotations

from protocols.gitaly.errors_pb2 import MergeConflictError, ResolveRevisionError
from protocols.gitaly.operations_pb2 import UserSquashError, UserSquashRequest, UserSquashResponse

from ...errors import Code, GitalyError
from ...git.objectid import ObjectID
from ...git.revisions import find
from ...rpc.call import Call
from ...storage.interfaces import IRepository
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting, Merge, merged
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import invalid
from .signing import committed_by, signer_of


async def user_squash(ports: OperationPorts, call: Call, request: UserSquashRequest) -> UserSquashResponse:
    """
    Merge the end of the range into its start, as a commit that has the start as its only parent. No ref points at it.

    :raises GitalyError: INVALID_ARGUMENT ``resolving start revision: reference not found``; FAILED_PRECONDITION ``squashing
        commits: …`` with the conflicts.
    """
    repository = await opened(ports.storage, given(request))
    _check(request)
    start = await _resolved(ports, repository, "start", request.start_sha)
    end = await _resolved(ports, repository, "end", request.end_sha)
    committer = await signature(ports.in_thread, ports.now, request)
    author = await signature(ports.in_thread, ports.now, request, request.author)
    message = request.commit_message if request.commit_message.endswith(b"\n") else request.commit_message + b"\n"
    signer = signer_of(ports, call, request)
    wanted = Merge(start, end, author, committed_by(signer, committer), message, squash=True, signer=signer)
    async with quarantine(repository) as staging:
        try:
            commit = await merged(ports.git, repository, staging, wanted)
        except Conflicting as error:
            conflict = MergeConflictError(conflicting_files=error.paths, conflicting_commit_ids=[str(start), str(end)])
            details = UserSquashError(rebase_conflict=conflict)
            text = f"squashing commits: merge: {error.text}"
            raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,)) from error
        except GitalyError as error:
            raise error.wrapped("squashing commits") from error
        await ports.updater.write(repository, (), staging)
    return UserSquashResponse(squash_sha=str(commit))


def _check(request: UserSquashRequest) -> None:
    if not request.HasField("user"):
        raise invalid("empty User")
    if not request.user.name:
        raise invalid("empty user name")
    if not request.user.email:
        raise invalid("empty user email")
    if not request.start_sha:
        raise invalid("empty StartSha")
    if not request.end_sha:
        raise invalid("empty EndSha")
    if not request.commit_message:
        raise invalid("empty CommitMessage")
    if not request.HasField("author"):
        raise invalid("empty Author")
    if not request.author.name:
        raise invalid("empty author name")
    if not request.author.email:
        raise invalid("empty author email")


async def _resolved(ports: OperationPorts, repository: IRepository, which: str, revision: str) -> ObjectID:
    raw = revision.encode("utf-8")
    found = await find(ports.git, repository, raw, b"commit")
    if found is None:
        details = UserSquashError(resolve_revision=ResolveRevisionError(revision=raw))
        text = f"resolving {which} revision: reference not found"
        raise GitalyError(text, Code.INVALID_ARGUMENT, details=(details,))
    return found.oid
