"""
Tests for :mod:`gitaly_tx.cli.backup` and :mod:`gitaly_tx.cli.backingup`; the acceptance tests have them ask a real server.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Coroutine
from io import StringIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.cli.backingup import Wish, backup, restore
from gitaly_tx.cli.backup import address_of
from gitaly_tx.cli.gitaly import main
from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.config.load import parse
from gitaly_tx.errors import Code
from protocols.gitaly import internal_pb2, repository_pb2


class FakeClient:
    """
    A server with some repositories.

    :param refusals: how it answers, by path.
    """

    def __init__(self, refusals: dict[str, Exception] | None = None) -> None:
        self.refusals = refusals or {}
        self.asked: list[tuple[str, Any]] = []
        self.waiting: list[tuple[str, Deferred[None]]] = []
        self.busiest = 0

    def unary(self, method: str, request: Any) -> Deferred[None]:
        """
        Answer when told to.
        """
        self.asked.append((method, request))
        answer: Deferred[None] = Deferred()
        self.waiting.append((request.repository.relative_path, answer))
        self.busiest = max(len(self.waiting), self.busiest)
        return answer

    def answer(self) -> None:
        """
        Answer whoever has waited for longest.
        """
        path, answer = self.waiting.pop(0)
        if path in self.refusals:
            answer.errback(self.refusals[path])
        else:
            answer.callback(None)

    async def replies(self, method: str, request: Any) -> AsyncIterator[Any]:
        """
        Four repositories.
        """
        self.asked.append((method, request))
        for path in ("a.git", "b.git", "c.git", "d.git"):
            yield internal_pb2.WalkReposResponse(relative_path=path)


class WorkTests(SynchronousTestCase):
    """
    ``backup`` and ``restore``
    """

    def done(self, client: FakeClient, work: Coroutine[Any, Any, int]) -> Deferred[int]:
        done = Deferred.fromCoroutine(work)
        while client.waiting:
            client.answer()
        return done

    def wish(self, *paths: str, incremental: bool = False) -> Wish:
        return Wish("default", paths, "id", incremental, 2)

    def test_all(self) -> None:
        """
        All repositories are backed up, so many at once; one that fails holds up nobody, and one without changes is no failure.
        """
        said: list[str] = []
        skipped = PeerError(
            "skipped", Code.FAILED_PRECONDITION, details=(repository_pb2.BackupRepositoryResponse.SkippedError(),)
        )
        client = FakeClient({"b.git": PeerError("no room", Code.INTERNAL), "c.git": skipped})
        self.assertEqual(self.successResultOf(self.done(client, backup(self.wish(incremental=True), said.append, client))), 1)
        self.assertEqual(said, ["b.git: no room", "id: 2 backed up, 1 unchanged, 1 failed"])
        self.assertEqual(client.busiest, 2)
        method, request = client.asked[-1]
        self.assertEqual(method, "RepositoryService/BackupRepository")
        self.assertEqual((request.backup_id, request.incremental), ("id", True))
        self.assertEqual(request.repository, request.vanity_repository)
        self.assertEqual(request.repository.storage_name, "default")

    def test_some(self) -> None:
        """
        Repositories that are named are not looked for.
        """
        said: list[str] = []
        client = FakeClient()
        self.assertEqual(self.successResultOf(self.done(client, backup(self.wish("x.git"), said.append, client))), 0)
        self.assertEqual(said, ["id: 1 backed up, 0 unchanged, 0 failed"])
        self.assertEqual([request.repository.relative_path for _, request in client.asked], ["x.git"])

    def test_unexpected(self) -> None:
        """
        An error that is no answer of the server is not passed over.
        """
        said: list[str] = []
        client = FakeClient({"a.git": ValueError("x")})
        self.failureResultOf(self.done(client, backup(self.wish(), said.append, client)), ValueError)

    def test_restore(self) -> None:
        """
        A repository comes back where it was, or beside.
        """
        said: list[str] = []
        client = FakeClient()
        for to, expected in (("", "x.git"), ("y.git", "y.git")):
            self.assertEqual(
                self.successResultOf(self.done(client, restore("default", "x.git", "id", to, said.append, client))), 0
            )
            request = client.asked[-1][1]
            found = request.repository.relative_path, request.vanity_repository.relative_path, request.backup_id
            self.assertEqual(found, (expected, "x.git", "id"))
        self.assertEqual(said, ["x.git is what it was", "y.git is what it was"])


class CommandTests(SynchronousTestCase):
    """
    What is said before a server is asked.
    """

    def command(self, text: str, *argv: str) -> tuple[int, str]:
        path = os.path.abspath(self.mktemp())
        with open(path, "w") as file:
            file.write(text)
        stderr = StringIO()
        return main([*argv, "--config", path], StringIO(), stderr, {}), stderr.getvalue()

    def test_wrong(self) -> None:
        """
        An unknown storage and a server that cannot be reached this way are told.
        """
        status, text = self.command("", "backup", "--storage", "none")
        self.assertEqual((status, text), (2, "there is no storage called 'none': default\n"))
        status, text = self.command('listen_addr = ""\n', "restore", "x.git")
        self.assertEqual((status, text[:29]), (2, "the server listens nowhere fo"))

    def test_addresses(self) -> None:
        """
        The socket is asked first, then the port on this machine.
        """
        for text, expected in (
            ("", "tcp://127.0.0.1:8075"),
            ('socket_path = "/s"\n', "unix:/s"),
            ('listen_addr = "0.0.0.0:1"\n[auth]\ntoken = "x"\n', "tcp://127.0.0.1:1"),
            ('listen_addr = "[::1]:1"\n', "tcp://[::1]:1"),
            ('listen_addr = "localhost:1"\n', "tcp://localhost:1"),
        ):
            self.assertEqual(address_of(parse(text, None, insecure=True)), expected)
