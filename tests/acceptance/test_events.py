"""
What event sinks hear from a whole server.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.trial.unittest import TestCase

from gitaly_tx.hooks.interfaces import Change
from gitaly_tx.server import composition
from protocols.gitaly import objectpool_pb2, operations_pb2, ref_pb2, repository_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository, User
from tests.support.hearing import Sink
from tests.support.wholeserver import WholeServer

USER = User(gl_id="user-1", name=b"Alpha", email=b"alpha@example.org", gl_username="alpha", timezone="UTC")

POOL = f"@pools/ab/cd/abcd{'0' * 60}.git"

MAIN = "refs/heads/main"


def named(path: str) -> Repository:
    return Repository(storage_name="default", relative_path=path, gl_repository=path)


class EventTests(TestCase):
    """
    Each write that changes refs is told exactly once, whoever makes it.
    """

    timeout = 120
    skip = None if isinstance(reactor, AsyncioSelectorReactor) else "needs --reactor=asyncio"

    async def setUp(self) -> None:  # type: ignore[override]
        self.sink = Sink()
        self.patch(composition, "found_sinks", lambda: [self.sink])
        self.server = WholeServer(self.mktemp())
        await self.server.start()
        self.addCleanup(self.server.stop)

    async def call(self, method: str, *requests: Any) -> Any:
        (reply,) = await self.server.call(method, *requests)
        return reply

    async def test_each_once(self) -> None:
        """
        Repositories made, committed to, forked, pointed elsewhere, pooled and removed.
        """
        a, fork, pool = named("a.git"), named("fork.git"), ObjectPool(repository=named(POOL))
        await self.call("RepositoryService/CreateRepository", repository_pb2.CreateRepositoryRequest(repository=a))
        commit = operations_pb2.UserCommitFilesRequest
        header = operations_pb2.UserCommitFilesRequestHeader(repository=a, user=USER, branch_name=b"main", commit_message=b"m")
        new = operations_pb2.UserCommitFilesActionHeader(file_path=b"x")
        action = operations_pb2.UserCommitFilesAction(header=new)
        reply = await self.call("OperationService/UserCommitFiles", commit(header=header), commit(action=action))
        tip = reply.branch_update.commit_id
        await self.call("RepositoryService/CreateFork", repository_pb2.CreateForkRequest(repository=fork, source_repository=a))
        update = ref_pb2.UpdateReferencesRequest.Update(
            reference=b"refs/keep-around/x", old_object_id=b"0" * 40, new_object_id=tip.encode()
        )
        await self.call("RefService/UpdateReferences", ref_pb2.UpdateReferencesRequest(repository=fork, updates=[update]))
        point = repository_pb2.WriteRefRequest(repository=fork, ref=b"HEAD", revision=b"refs/heads/next")
        for _ in range(2):
            await self.call("RepositoryService/WriteRef", point)
        await self.call("ObjectPoolService/CreateObjectPool", objectpool_pb2.CreateObjectPoolRequest(object_pool=pool, origin=a))
        fetch = objectpool_pb2.FetchIntoObjectPoolRequest(object_pool=pool, origin=a)
        for _ in range(2):
            await self.call("ObjectPoolService/FetchIntoObjectPool", fetch)
        await self.call("RepositoryService/RemoveRepository", repository_pb2.RemoveRepositoryRequest(repository=a))
        made = {MAIN: tip, "HEAD": MAIN}
        expected: list[tuple[str, Change, dict[str, str]]] = [
            ("a.git", Change.CREATED, {"HEAD": MAIN}),
            ("a.git", Change.MOVED, {MAIN: tip}),
            ("fork.git", Change.CREATED, made),
            ("fork.git", Change.MOVED, {"refs/keep-around/x": tip}),
            ("fork.git", Change.MOVED, {"HEAD": "refs/heads/next"}),
            (POOL, Change.CREATED, made),
            (POOL, Change.MOVED, {"refs/remotes/origin/heads/main": tip}),
            ("a.git", Change.REMOVED, {}),
        ]
        heard = [(path, change, refs) for (path, change), refs in zip(self.sink.changes, self.sink.heard, strict=True)]
        self.assertEqual(heard, expected)
        self.assertEqual([event.push.user for event in self.sink.events if event.push.user], ["alpha"])
