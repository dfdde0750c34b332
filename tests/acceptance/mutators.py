"""
One write by each method that writes: what there is before it, and what is asked.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from attrs import define, field, frozen
from google.protobuf.message import Message

from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from protocols.gitaly import (
    cleanup_pb2,
    conflicts_pb2,
    objectpool_pb2,
    operations_pb2,
    ref_pb2,
    repository_pb2,
    smarthttp_pb2,
    ssh_pb2,
)
from protocols.gitaly.shared_pb2 import GitCommit, ObjectPool, Repository, User
from tests.support.farserver import FarServer
from tests.support.git import git, make_repository
from tests.support.history import SUBMODULE, History
from tests.support.pushes import ZERO, make_pack, push
from tests.support.wholeserver import WholeServer

STORAGES = ("default", "far")

THING = Repository(storage_name="default", relative_path="thing.git", gl_repository="project-1", gl_project_path="thing")
FAR = Repository(storage_name="default", relative_path="far.git")
ELSEWHERE = Repository(storage_name="far", relative_path="elsewhere.git")
NEW = Repository(storage_name="default", relative_path="new.git")
POOL = ObjectPool(repository=Repository(storage_name="default", relative_path=f"@pools/ab/cd/abcd{'0' * 60}.git"))
USER = User(gl_id="user-1", name=b"Alpha", email=b"alpha@example.org", gl_username="alpha", timezone="Asia/Kolkata")

LARGE = 1 << 21
"""Bytes of a blob that is too large for the log itself."""

PIECE = 1 << 16
"""Bytes in one message of a stream."""

EXCUSED = {
    "CommitService/CommitLanguages": "writes nothing here: what it counts is not kept",
    "HookService/ProcReceiveHook": "writes nothing here: pushes are taken in process, and nobody waits for its updates",
    "RepositoryService/MigrateReferenceBackend": "what refs say stays the same; its own tests kill the server",
}
"""Methods that are said to write, and have no scenario: why not."""


@define
class World:
    """
    A server with two repositories on one storage and a third on another one.

    :ivar history: makes more in :data:`THING`.
    """

    server: WholeServer
    history: History = field(init=False)
    web: FarServer | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        directory = make_repository(self.path(THING), 0)
        self.history = History(directory, ObjectFormat.SHA1)
        base_files: dict[str, Any] = {"a": "1\n2\n3\n", "d/e": "e\n", "sub": (SUBMODULE, "1" * 40)}
        base = self.history.commit(base_files)
        main = self.branch("main", {**base_files, "a": "0\n1\n2\n3\n"}, base)
        self.branch("side", {**base_files, "a": "1\n2\n3\n4\n"}, base)
        self.branch("clash", {**base_files, "a": "x\n2\n3\n"}, base)
        self.branch("ahead", {**base_files, "a": "0\n1\n2\n3\n5\n"}, main)
        self.history.ref("refs/tags/v1", main)
        self.history.ref("refs/keep-around/x", base)
        make_repository(self.path(FAR), 3)
        self.large(FAR)
        make_repository(self.path(ELSEWHERE), 2, refs=("refs/keep-around/y",))

    async def close(self) -> None:
        """
        Let go of what was opened.
        """
        if self.web is not None:
            await self.web.stop()

    def path(self, repository: Repository) -> str:
        """
        A repository's directory.
        """
        return os.path.join(self.server.path(repository.storage_name), repository.relative_path)

    def git(self, *words: str, of: Repository = THING, **more: Any) -> str:
        """
        Ask git about a repository.
        """
        return git("--git-dir", self.path(of), *words, **more).decode().strip()

    def oid(self, revision: str, of: Repository = THING) -> str:
        """
        The id of a revision.
        """
        return self.git("rev-parse", "--verify", revision, of=of)

    def branch(self, name: str, files: Any, *parents: ObjectID) -> ObjectID:
        """
        A branch with a new commit.
        """
        return self.history.ref(f"refs/heads/{name}", self.history.commit(files, *parents))

    def large(self, of: Repository) -> None:
        """
        Something large in a repository.
        """
        blob = self.git("hash-object", "-w", "--stdin", of=of, stdin=os.urandom(LARGE))
        self.git("update-ref", "refs/tags/large", blob, of=of)

    def put(self, path: str, content: str, of: Repository = THING, mode: int = 0o644) -> None:
        """
        A file in a repository.
        """
        target = os.path.join(self.path(of), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(content)
        os.chmod(target, mode)

    async def pool(self, linked: bool = False) -> None:
        """
        Make a pool of :data:`THING`, which borrows from it if it is linked.
        """
        await self.server.call(
            "ObjectPoolService/CreateObjectPool", objectpool_pb2.CreateObjectPoolRequest(object_pool=POOL, origin=THING)
        )
        if linked:
            request = objectpool_pb2.LinkRepositoryToObjectPoolRequest(object_pool=POOL, repository=THING)
            await self.server.call("ObjectPoolService/LinkRepositoryToObjectPool", request)

    async def snapshot(self) -> str:
        """
        :returns: the URL of a snapshot of :data:`FAR`.
        """
        replies = await self.server.call("RepositoryService/GetSnapshot", repository_pb2.GetSnapshotRequest(repository=FAR))
        root = self.server.sockets
        with open(os.path.join(root, "far.tar"), "wb") as file:
            file.write(b"".join(reply.data for reply in replies))
        return f"{self.serve(root)}/far.tar"

    def serve(self, root: str) -> str:
        """
        A web server that has the files of a directory.

        :returns: its URL.
        """
        self.web = FarServer(root)
        return self.web.url


Asked = Sequence[Message]


@frozen
class Scenario:
    """
    One write.

    :param method: ``RefService/DeleteRefs``.
    :param prepare: makes the state before it, and says what is asked.
    :param between: how many states there are between the first and the last one: steps that are transactions of their own.
    :param changes: whether anything that a reader could tell is different afterwards.
    :param words: what is special about it, if the method has another one.
    """

    method: str
    prepare: Callable[[World], Awaitable[Asked]]
    between: int = 0
    changes: bool = True
    words: str = ""

    @property
    def name(self) -> str:
        """
        For tables.
        """
        return f"{self.method} ({self.words})" if self.words else self.method


SCENARIOS: list[Scenario] = []


def _writes(
    method: str, between: int = 0, changes: bool = True, words: str = ""
) -> Callable[[Callable[[World], Awaitable[Asked]]], Callable[[World], Awaitable[Asked]]]:
    def add(prepare: Callable[[World], Awaitable[Asked]]) -> Callable[[World], Awaitable[Asked]]:
        SCENARIOS.append(Scenario(method, prepare, between, changes, words))
        return prepare

    return add


def _asks(method: str, ask: Callable[[World], Message], **more: Any) -> None:
    """
    A write of one request, for which nothing is to be prepared.
    """

    async def prepare(world: World) -> Asked:
        return [ask(world)]

    _writes(method, **more)(prepare)


def _pieces(kind: Any, field: str, data: bytes, **first: Any) -> list[Message]:
    """
    A stream of bytes.
    """
    pieces = [kind(**{field: data[at : at + PIECE]}) for at in range(0, len(data), PIECE)]
    pieces[0].MergeFrom(kind(**first))
    return pieces


def _hooks(**scripts: str) -> bytes:
    """
    An archive of hooks.
    """
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        directory = tarfile.TarInfo("custom_hooks")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(directory)
        for name, script in scripts.items():
            info = tarfile.TarInfo(f"custom_hooks/{name}")
            info.size, info.mode = len(script), 0o755
            tar.addfile(info, io.BytesIO(script.encode()))
    return file.getvalue()


# -------------------------------------------------------------------------------------------------------- CleanupService


@_writes("CleanupService/ApplyBfgObjectMapStream")
async def _(world: World) -> Asked:
    line = f"{world.oid('refs/keep-around/x')} {'0' * 40}\n"
    return [cleanup_pb2.ApplyBfgObjectMapStreamRequest(repository=THING, object_map=line.encode())]


@_writes("CleanupService/RewriteHistory")
async def _(world: World) -> Asked:
    blob = world.oid("main:d/e")
    return [cleanup_pb2.RewriteHistoryRequest(repository=THING), cleanup_pb2.RewriteHistoryRequest(blobs=[blob])]


# ------------------------------------------------------------------------------------------------------- ConflictsService


@_writes("ConflictsService/ResolveConflicts")
async def _(world: World) -> Asked:
    base = world.history.commit({"a": "1\n"})
    ours = world.branch("ours", {"a": "2\n"}, base)
    theirs = world.branch("theirs", {"a": "3\n"}, base)
    header = conflicts_pb2.ResolveConflictsRequestHeader(
        repository=THING,
        our_commit_oid=str(ours),
        target_repository=THING,
        their_commit_oid=str(theirs),
        source_branch=b"ours",
        target_branch=b"theirs",
        commit_message=b"resolved",
        user=USER,
    )
    files = json.dumps([{"old_path": "a", "new_path": "a", "content": "23\n"}]).encode()
    kind = conflicts_pb2.ResolveConflictsRequest
    return [kind(header=header), kind(files_json=files)]


# ------------------------------------------------------------------------------------------------------ ObjectPoolService

_asks(
    "ObjectPoolService/CreateObjectPool",
    lambda world: objectpool_pb2.CreateObjectPoolRequest(object_pool=POOL, origin=THING),
)


@_writes("ObjectPoolService/DeleteObjectPool")
async def _(world: World) -> Asked:
    await world.pool()
    return [objectpool_pb2.DeleteObjectPoolRequest(object_pool=POOL)]


@_writes("ObjectPoolService/LinkRepositoryToObjectPool")
async def _(world: World) -> Asked:
    await world.pool()
    return [objectpool_pb2.LinkRepositoryToObjectPoolRequest(object_pool=POOL, repository=THING)]


@_writes("ObjectPoolService/DisconnectGitAlternates")
async def _(world: World) -> Asked:
    await world.pool(linked=True)
    world.git("repack", "-a", "-d", "-l", "-q")
    return [objectpool_pb2.DisconnectGitAlternatesRequest(repository=THING)]


@_writes("ObjectPoolService/FetchIntoObjectPool", between=2)
async def _(world: World) -> Asked:
    # Refs that are in the way of others go first, and what lost its ref then gets another one.
    await world.pool()
    asked = [objectpool_pb2.FetchIntoObjectPoolRequest(object_pool=POOL, origin=THING)]
    world.branch("x", {"x": "lost\n"})
    await world.server.call("ObjectPoolService/FetchIntoObjectPool", *asked)
    world.git("update-ref", "-d", "refs/heads/x")
    world.branch("x/y", {"x": "new\n"})
    return asked


# ------------------------------------------------------------------------------------------------------- OperationService

_asks(
    "OperationService/UserCreateBranch",
    lambda world: operations_pb2.UserCreateBranchRequest(repository=THING, user=USER, branch_name=b"new", start_point=b"main"),
)
_asks(
    "OperationService/UserUpdateBranch",
    lambda world: operations_pb2.UserUpdateBranchRequest(
        repository=THING,
        user=USER,
        branch_name=b"main",
        oldrev=world.oid("main").encode(),
        newrev=world.oid("ahead").encode(),
    ),
)
_asks(
    "OperationService/UserDeleteBranch",
    lambda world: operations_pb2.UserDeleteBranchRequest(repository=THING, user=USER, branch_name=b"side"),
)
_asks(
    "OperationService/UserCreateTag",
    lambda world: operations_pb2.UserCreateTagRequest(
        repository=THING, user=USER, tag_name=b"v2", target_revision=b"main", message=b"two"
    ),
)
_asks(
    "OperationService/UserDeleteTag",
    lambda world: operations_pb2.UserDeleteTagRequest(repository=THING, user=USER, tag_name=b"v1"),
)
_asks(
    "OperationService/UserMergeToRef",
    lambda world: operations_pb2.UserMergeToRefRequest(
        repository=THING,
        user=USER,
        source_sha=world.oid("side"),
        first_parent_ref=b"refs/heads/main",
        target_ref=b"refs/merge-requests/1/merge",
        message=b"merged",
    ),
)
_asks(
    "OperationService/UserRebaseToRef",
    lambda world: operations_pb2.UserRebaseToRefRequest(
        repository=THING,
        user=USER,
        source_sha=world.oid("side"),
        first_parent_ref=b"refs/heads/main",
        target_ref=b"refs/merge-requests/1/merge",
    ),
)


@_writes("OperationService/UserMergeBranch")
async def _(world: World) -> Asked:
    kind = operations_pb2.UserMergeBranchRequest
    return [
        kind(repository=THING, user=USER, commit_id=world.oid("side"), branch=b"main", message=b"merged"),
        kind(apply=True),
    ]


_asks(
    "OperationService/UserFFBranch",
    lambda world: operations_pb2.UserFFBranchRequest(repository=THING, user=USER, commit_id=world.oid("ahead"), branch=b"main"),
)
_asks(
    "OperationService/UserCherryPick",
    lambda world: operations_pb2.UserCherryPickRequest(
        repository=THING, user=USER, commit=GitCommit(id=world.oid("side")), branch_name=b"main", message=b"picked"
    ),
)
_asks(
    "OperationService/UserRevert",
    lambda world: operations_pb2.UserRevertRequest(
        repository=THING, user=USER, commit=GitCommit(id=world.oid("main")), branch_name=b"main", message=b"reverted"
    ),
)


def _commit_files(start: bytes = b"", content: bytes = b"new\n", **more: Any) -> list[Message]:
    kind = operations_pb2.UserCommitFilesRequest
    header = operations_pb2.UserCommitFilesRequestHeader(
        repository=THING, user=USER, branch_name=b"main", commit_message=b"m", **more
    )
    action = operations_pb2.UserCommitFilesActionHeader(file_path=b"new")
    return [
        kind(header=header),
        kind(action=operations_pb2.UserCommitFilesAction(header=action)),
        kind(action=operations_pb2.UserCommitFilesAction(content=content)),
    ]


@_writes("OperationService/UserCommitFiles")
async def _(world: World) -> Asked:
    return _commit_files()


@_writes("OperationService/UserCommitFiles", words="a large file")
async def _(world: World) -> Asked:
    return _commit_files(content=os.urandom(LARGE))


@_writes("OperationService/UserRebaseConfirmable")
async def _(world: World) -> Asked:
    kind = operations_pb2.UserRebaseConfirmableRequest
    header = kind.Header(
        repository=THING,
        user=USER,
        branch=b"side",
        branch_sha=world.oid("side"),
        remote_repository=THING,
        remote_branch=b"main",
    )
    return [kind(header=header), kind(apply=True)]


_asks(
    "OperationService/UserSquash",
    lambda world: operations_pb2.UserSquashRequest(
        repository=THING,
        user=USER,
        author=USER,
        start_sha=world.oid("main"),
        end_sha=world.oid("ahead"),
        commit_message=b"squashed",
    ),
)


@_writes("OperationService/UserApplyPatch")
async def _(world: World) -> Asked:
    patch = world.git("format-patch", "--stdout", "-1", "ahead")
    kind = operations_pb2.UserApplyPatchRequest
    header = kind.Header(repository=THING, user=USER, target_branch=b"main")
    return [kind(header=header), kind(patches=patch.encode() + b"\n\n")]


_asks(
    "OperationService/UserUpdateSubmodule",
    lambda world: operations_pb2.UserUpdateSubmoduleRequest(
        repository=THING, user=USER, commit_sha="2" * 40, branch=b"main", submodule=b"sub", commit_message=b"m"
    ),
)

# ------------------------------------------------------------------------------------------------------------- RefService


@_writes("RefService/UpdateReferences")
async def _(world: World) -> Asked:
    kind = ref_pb2.UpdateReferencesRequest
    moves = {"refs/heads/main": ("main", "ahead"), "refs/heads/new": ("", "side"), "refs/heads/clash": ("clash", "")}
    updates = [
        kind.Update(
            reference=ref.encode(),
            old_object_id=(world.oid(old) if old else "0" * 40).encode(),
            new_object_id=(world.oid(new) if new else "0" * 40).encode(),
        )
        for ref, (old, new) in moves.items()
    ]
    return [kind(repository=THING, updates=updates)]


@_writes("RefService/DeleteRefs")
async def _(world: World) -> Asked:
    world.git("pack-refs", "--all")
    return [ref_pb2.DeleteRefsRequest(repository=THING, refs=[b"refs/heads/side", b"refs/keep-around/x"])]


# ------------------------------------------------------------------------------------------------------ RepositoryService


@_writes("RepositoryService/FetchRemote")
async def _(world: World) -> Asked:
    remote = repository_pb2.Remote(url=world.path(FAR))
    return [repository_pb2.FetchRemoteRequest(repository=THING, remote_params=remote, force=True)]


_asks(
    "RepositoryService/CreateRepository",
    lambda world: repository_pb2.CreateRepositoryRequest(repository=NEW, default_branch=b"trunk"),
)
_asks(
    "RepositoryService/FetchSourceBranch",
    lambda world: repository_pb2.FetchSourceBranchRequest(
        repository=THING, source_repository=FAR, source_branch=b"main", target_ref=b"refs/fetched/main"
    ),
)
_asks(
    "RepositoryService/WriteRef",
    lambda world: repository_pb2.WriteRefRequest(repository=THING, ref=b"refs/heads/main", revision=world.oid("ahead").encode()),
)
_asks(
    "RepositoryService/WriteRef",
    lambda world: repository_pb2.WriteRefRequest(repository=THING, ref=b"HEAD", revision=b"refs/heads/side"),
    words="HEAD",
)
_asks(
    "RepositoryService/CreateFork",
    lambda world: repository_pb2.CreateForkRequest(repository=NEW, source_repository=FAR),
)


@_writes("RepositoryService/CreateRepositoryFromURL")
async def _(world: World) -> Asked:
    world.git("update-server-info", of=FAR)
    url = f"{world.serve(world.server.path('default'))}/{FAR.relative_path}"
    return [repository_pb2.CreateRepositoryFromURLRequest(repository=NEW, url=url)]


@_writes("RepositoryService/FetchBundle")
async def _(world: World) -> Asked:
    data = git("--git-dir", world.path(FAR), "bundle", "create", "-", "HEAD", "--all")
    return _pieces(repository_pb2.FetchBundleRequest, "data", data, repository=THING, update_head=True)


@_writes("RepositoryService/CreateRepositoryFromBundle")
async def _(world: World) -> Asked:
    data = git("--git-dir", world.path(FAR), "bundle", "create", "-", "HEAD", "--all")
    return _pieces(repository_pb2.CreateRepositoryFromBundleRequest, "data", data, repository=NEW)


@_writes("RepositoryService/CreateRepositoryFromSnapshot")
async def _(world: World) -> Asked:
    return [repository_pb2.CreateRepositoryFromSnapshotRequest(repository=NEW, http_url=await world.snapshot())]


@_writes("RepositoryService/RestoreCustomHooks")
async def _(world: World) -> Asked:
    hooks = _hooks(update="#!/bin/sh\n")
    return _pieces(repository_pb2.RestoreCustomHooksRequest, "data", hooks, repository=THING)


@_writes("RepositoryService/SetCustomHooks")
async def _(world: World) -> Asked:
    world.put("custom_hooks/update", "#!/bin/sh\n", mode=0o755)
    hooks = _hooks(**{"pre-receive": "#!/bin/sh\nexit 0\n", "post-receive": "#!/bin/sh\nexit 1\n"})
    return _pieces(repository_pb2.SetCustomHooksRequest, "data", hooks, repository=THING)


_asks("RepositoryService/RemoveRepository", lambda world: repository_pb2.RemoveRepositoryRequest(repository=THING))


def _furnish(world: World) -> None:
    world.put("info/attributes", "*.x -diff\n", of=ELSEWHERE)
    world.put("custom_hooks/update", "#!/bin/sh\n", of=ELSEWHERE, mode=0o755)
    world.git("config", "gitaly.x", "1", of=ELSEWHERE)
    world.git("symbolic-ref", "HEAD", "refs/heads/other", of=ELSEWHERE)
    world.git("update-ref", "refs/heads/other", "main~1", of=ELSEWHERE)


@_writes("RepositoryService/ReplicateRepository", between=2, words="a new one")
async def _(world: World) -> Asked:
    # As Gitaly does: first a repository, then config and attributes, in the end refs, HEAD and hooks. Repeating it ends it.
    _furnish(world)
    return [repository_pb2.ReplicateRepositoryRequest(repository=NEW, source=ELSEWHERE)]


@_writes("RepositoryService/ReplicateRepository", between=1)
async def _(world: World) -> Asked:
    _furnish(world)
    return [repository_pb2.ReplicateRepositoryRequest(repository=THING, source=ELSEWHERE)]


@_writes("RepositoryService/RestoreRepository", words="a new one")
async def _(world: World) -> Asked:
    world.put("custom_hooks/update", "#!/bin/sh\n", of=FAR, mode=0o755)
    await _backed_up(world, FAR)
    return [repository_pb2.RestoreRepositoryRequest(repository=NEW, vanity_repository=FAR, backup_id="a")]


@_writes("RepositoryService/RestoreRepository", between=1)
async def _(world: World) -> Asked:
    # What there is goes first. Repeating it ends it.
    await _backed_up(world, THING)
    world.branch("more", {"more": "more\n"})
    await _backed_up(world, THING, incremental=True)
    world.branch("lost", {"lost": "lost\n"})
    return [repository_pb2.RestoreRepositoryRequest(repository=THING, vanity_repository=THING)]


async def _backed_up(world: World, repository: Repository, incremental: bool = False) -> None:
    request = repository_pb2.BackupRepositoryRequest(
        repository=repository, vanity_repository=repository, backup_id="a", incremental=incremental
    )
    await world.server.call("RepositoryService/BackupRepository", request)


@_writes("RepositoryService/OptimizeRepository", changes=False)
async def _(world: World) -> Asked:
    world.large(THING)
    return [
        repository_pb2.OptimizeRepositoryRequest(
            repository=THING, strategy=repository_pb2.OptimizeRepositoryRequest.STRATEGY_EAGER
        )
    ]


@_writes("RepositoryService/OptimizeRepository", changes=False, words="a member of a pool")
async def _(world: World) -> Asked:
    await world.pool(linked=True)
    world.branch("more", {"more": "more\n"})
    return [
        repository_pb2.OptimizeRepositoryRequest(
            repository=THING, strategy=repository_pb2.OptimizeRepositoryRequest.STRATEGY_EAGER
        )
    ]


@_writes("RepositoryService/PruneUnreachableObjects")
async def _(world: World) -> Asked:
    lonely = world.git("hash-object", "-w", "--stdin", stdin=b"lonely")
    os.utime(f"{world.path(THING)}/objects/{lonely[:2]}/{lonely[2:]}", (1, 1))
    return [repository_pb2.PruneUnreachableObjectsRequest(repository=THING)]


# ----------------------------------------------------------------------------------------------------------------- pushes


def _push(world: World) -> bytes:
    """
    What a client sends that moves, makes and deletes branches, with a pack.
    """
    tip = world.oid("main", of=FAR).encode()
    blob = world.oid("refs/tags/large", of=FAR).encode()
    commands = [
        (ZERO, tip, b"refs/heads/pushed"),
        (ZERO, blob, b"refs/tags/large"),
        (world.oid("main").encode(), world.oid("ahead").encode(), b"refs/heads/main"),
        (world.oid("clash").encode(), ZERO, b"refs/heads/clash"),
    ]
    return push(*commands, pack=make_pack(world.path(FAR), "main", "refs/tags/large"), capabilities=_CAPABILITIES)


_CAPABILITIES = "report-status delete-refs atomic side-band-64k object-format=sha1 agent=test"


@_writes("SmartHTTPService/PostReceivePack")
async def _(world: World) -> Asked:
    first = {"repository": THING, "gl_id": "user-1", "gl_repository": "project-1"}
    return _separate(smarthttp_pb2.PostReceivePackRequest, "data", _push(world), first)


@_writes("SSHService/SSHReceivePack")
async def _(world: World) -> Asked:
    first = {"repository": THING, "gl_id": "user-1", "gl_repository": "project-1"}
    return _separate(ssh_pb2.SSHReceivePackRequest, "stdin", _push(world), first)


def _separate(kind: Any, field: str, data: bytes, first: dict[str, Any]) -> list[Message]:
    return [kind(**first), *_pieces(kind, field, data)]


def scenarios(words: Iterable[str] = ()) -> list[Scenario]:
    """
    All of them, or those with one of some words in their names.
    """
    chosen = list(words)
    return [each for each in SCENARIOS if not chosen or any(word in each.name for word in chosen)]


__all__ = ["EXCUSED", "STORAGES", "Scenario", "World", "scenarios"]
