"""
What is done to a server, one call at a time, and what must have become of it.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from attrs import define, field
from google.protobuf.message import Message

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.servers import KEY, encode_servers
from gitaly_tx.client.servers import Server as Named
from gitaly_tx.client.stub import Client
from gitaly_tx.errors import Code
from protocols.gitaly import objectpool_pb2, operations_pb2, ref_pb2, repository_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository, User
from tests.support.gitclient import GitClient
from tests.support.server import Server

from .wanted import Wanted

REPOSITORIES = ("team/one.git", "team/two.git")

COMMITS = 200
"""Commits to push. They come again and again, each time to another ref."""

ZERO = b"0" * 40

USER = User(gl_id="user-1", name=b"Alpha", email=b"alpha@example.org", gl_username="alpha", timezone="UTC")

POOL = ObjectPool(repository=Repository(storage_name="default", relative_path=f"@pools/ab/cd/abcd{'0' * 60}.git"))

_MODULES: dict[str, Any] = {
    "ObjectPoolService": objectpool_pb2,
    "OperationService": operations_pb2,
    "RefService": ref_pb2,
    "RepositoryService": repository_pb2,
}


def named(path: str) -> Repository:
    """
    A repository of the one storage.
    """
    return Repository(storage_name="default", relative_path=path, gl_repository=path)


@define
class Deeds:
    """
    :ivar wanted: what the refs of the repositories must be.
    :ivar linked: repositories that borrow from the pool.
    :ivar commits: the client's, newest first.
    :ivar folder: where clients have their repositories.
    """

    server: Server
    client: Client
    wanted: Wanted = field(factory=lambda: Wanted(REPOSITORIES), init=False)
    linked: set[str] = field(factory=set, init=False)
    commits: list[str] = field(init=False)
    folder: Path = field(init=False)
    _source: Path = field(init=False)
    _git: GitClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.folder = self.server.folder / "clients"
        self._git = GitClient(self.folder)
        self._source = self._git.repository("source")
        self._git.history(self._source, COMMITS)
        self.commits = self._git.run("rev-list", "main", cwd=self._source).stdout.split()

    async def call(self, method: str, *requests: Message, **fields: Any) -> Any:
        """
        Call a method with one reply.
        """
        if not requests:
            service, _, name = method.partition("/")
            requests = (getattr(_MODULES[service], f"{name}Request")(**fields),)
        headers = [(KEY, encode_servers({"default": Named(f"tcp://{self.server.grpc}")}))]
        return await self.client.upload(method, requests, headers, timeout=120)

    async def git(self, *words: str, cwd: Path | None = None) -> str:
        """
        Run git beside the others.
        """
        return (await asyncio.to_thread(self._git.run, *words, cwd=cwd or self._source)).stdout

    async def push(self, path: str, updates: dict[str, str | None]) -> None:
        """
        Push refs, and delete some.
        """
        specs = [f"{'+' + new if new else ''}:{ref}" for ref, new in updates.items()]
        with self.wanted.writing(path, updates):
            await self.git("push", "-q", self.server.http + path, *specs)

    async def commit_file(self, path: str, ref: str, rng: random.Random) -> None:
        """
        A commit with a new file on a branch that may be new, too.
        """
        branch = ref.removeprefix("refs/heads/")
        kind = operations_pb2.UserCommitFilesRequest
        start = b"" if self.wanted.refs[path].get(ref) else b"main"
        header = operations_pb2.UserCommitFilesRequestHeader(
            repository=named(path), user=USER, branch_name=branch.encode(), commit_message=b"m", start_branch_name=start
        )
        action = operations_pb2.UserCommitFilesActionHeader(file_path=f"new/{rng.getrandbits(64):x}".encode())
        content = rng.randbytes(rng.choice((20, 2000, 200_000)))
        updates: dict[str, str | None] = {ref: None}
        with self.wanted.writing(path, updates):
            reply = await self.call(
                "OperationService/UserCommitFiles",
                kind(header=header),
                kind(action=operations_pb2.UserCommitFilesAction(header=action)),
                kind(action=operations_pb2.UserCommitFilesAction(content=content)),
            )
            updates[ref] = reply.branch_update.commit_id

    async def delete_branch(self, path: str, ref: str) -> None:
        """
        A branch that goes.
        """
        name = ref.removeprefix("refs/heads/").encode()
        with self.wanted.writing(path, {ref: None}):
            await self.call("OperationService/UserDeleteBranch", repository=named(path), user=USER, branch_name=name)

    async def link(self, path: str) -> None:
        """
        Let a repository borrow from the pool.
        """
        await self.call("ObjectPoolService/LinkRepositoryToObjectPool", object_pool=POOL, repository=named(path))
        self.linked.add(path)

    async def not_pruned(self, method: str, request: Message) -> bool:
        """
        :returns: whether it is done; what was about to be written when objects were dropped has to be asked for again.
        """
        try:
            await self.call(method, request)
        except PeerError as error:
            if error.code is not Code.ABORTED or "pruned" not in error.message:
                raise
            return False
        return True
