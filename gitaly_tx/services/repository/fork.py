"""
A repository that is a clone of another one, on any server.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import CreateForkRequest, CreateForkResponse
from protocols.gitaly.shared_pb2 import Repository

from ...client.interfaces import IPeer
from ...errors import Code, GitalyError
from ...git.quoting import quoted
from ...rpc.call import Call
from ...transport.clones import Contents, Wish
from ...transport.remotes import RemoteFailed
from ..validate import given
from .outward import Outward

CREATING = "creating fork"

_BRANCHES = b"refs/heads/"


async def create_fork(outward: Outward, call: Call, request: CreateForkRequest) -> CreateForkResponse:
    """
    Clone branches and tags of a repository on any storage that the caller's ``gitaly-servers`` names, or only one branch. HEAD is
    as it is there, if it exists there.

    :raises GitalyError: INVALID_ARGUMENT for names; ALREADY_EXISTS; INTERNAL ``creating fork: …`` if git fails.
    """
    source = named_source(request.source_repository if request.HasField("source_repository") else None)
    repository = given(request)
    staging = await outward.clones.begin(repository, CREATING)
    try:
        branch = _branch(request.revision)
        peer = _peer(outward, call, source.storage_name)
        # The old protocol does not tell what the HEAD of an empty repository is, and no fork has ever had it.
        async with outward.pipes.upload_pack(peer, source, protocol="") as pipe:
            wish = Wish(pipe.url, pipe.environment, branch=branch, checked=False, handed=pipe.ends)
            try:
                made = await outward.clones.clone(staging, wish)
            except RemoteFailed as error:
                said = error.stderr + pipe.aside.text
                raise GitalyError(f"fetching source repo: {error.ended}, stderr: {quoted(said)}", Code.INTERNAL) from error
        contents = await outward.clones.contents(made)
        _check_head(branch, contents)
        await outward.clones.create(repository, staging, made, contents)
    except GitalyError as error:
        raise error.wrapped(CREATING) from error
    finally:
        await staging.discard()
    return CreateForkResponse()


def named_source(source: Repository | None) -> Repository:
    """
    A repository that another server may keep, so that nothing but its being named can be checked.

    :raises GitalyError: INVALID_ARGUMENT ``validating source repository: …``.
    """
    if source is None or not (source.storage_name or source.relative_path):
        raise GitalyError("validating source repository: repository not set", Code.INVALID_ARGUMENT)
    if not source.relative_path:
        raise GitalyError("validating source repository: repository path not set", Code.INVALID_ARGUMENT)
    return source


def _branch(revision: bytes) -> bytes | None:
    if not revision:
        return None
    if not revision.startswith(_BRANCHES):
        raise GitalyError("reference is not a branch", Code.INVALID_ARGUMENT, {"revision": revision})
    if revision == _BRANCHES:
        raise GitalyError("branch name is empty", Code.INVALID_ARGUMENT)
    return revision.removeprefix(_BRANCHES)


def _peer(outward: Outward, call: Call, storage: str) -> IPeer:
    try:
        return outward.peers.named(call, storage)
    except GitalyError as error:
        if error.message == "storage name not found":
            raise GitalyError(f"spawning fetch: no storage info for {quoted(storage)}", Code.INVALID_ARGUMENT) from error
        raise error.wrapped("spawning fetch: extracting Gitaly servers", Code.INTERNAL) from error


def _check_head(branch: bytes | None, contents: Contents) -> None:
    """
    git takes a tag where there is no branch of that name.
    """
    if branch is None:
        return
    if contents.head is None:
        raise GitalyError("checking whether HEAD reference is sane: exit status 128", Code.INTERNAL)
    if contents.head != _BRANCHES + branch:
        raise GitalyError("HEAD points to unexpected reference", Code.INTERNAL)
