"""
Tests for :mod:`gitaly_tx.services.elsewhere`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.services.elsewhere import Elsewhere, elsewhere
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import make_call
from tests.support.history import History
from tests.support.ownpeers import OwnPeers, own_services
from tests.support.stack import Stack

HERE = Repository(storage_name="default", relative_path="here.git")
THERE = Repository(storage_name="default", relative_path="there.git")
SERVERS = {KEY: (encode_servers({"default": Server("unix:/there")}),)}


class ElsewhereTests(TestCase):
    """
    ``Elsewhere``.
    """

    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(os.path.abspath(self.mktemp()))
        await self.stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stack.stop()))
        self.here = await self.stack.provider.create(HERE)
        self.there = await self.stack.provider.create(THERE)
        running: Any = reactor
        self.peers = OwnPeers(running, *own_services(self.stack, running))

    def elsewhere(self, source: Repository = THERE, metadata: Any = SERVERS) -> Elsewhere:
        """
        A repository that somebody names.
        """
        return elsewhere(self.stack.git, self.peers, make_call("OperationService/UserRevert", metadata=metadata), source)

    async def test_commit(self) -> None:
        """
        A commit is looked up there; a repository may have branches or none.
        """
        there = self.elsewhere()
        self.assertFalse(await there.has_branches())
        self.assertIsNone(await there.commit(b"main"))
        history = History(self.there.directory)
        commit = history.ref("refs/heads/main", history.commit({"a": "a"}))
        self.assertEqual(await there.commit(b"main"), commit)
        self.assertTrue(await there.has_branches())

    async def test_bring(self) -> None:
        """
        A commit is brought into a quarantine, unless it is in the repository or in the quarantine already.
        """
        history = History(self.there.directory)
        commit = history.commit({"a": "a"})
        staging = await self.here.stage()
        self.addCleanup(staging.discard)
        for _ in range(2):
            await self.elsewhere().bring(commit, self.here, staging)
        self.assertEqual(self.peers.called, ["SSHService/SSHUploadPack"])
        self.assertEqual((await self.here.through(staging).object(commit)).type, b"commit")

    async def test_refused(self) -> None:
        """
        What the peer says is told as Gitaly tells it.
        """
        missing = self.elsewhere(Repository(storage_name="default", relative_path="no.git"))
        staging = await self.here.stage()
        self.addCleanup(staging.discard)
        commit = History(self.there.directory).commit({"a": "a"})
        for asked in (missing.commit(b"main"), missing.has_branches(), missing.bring(commit, self.here, staging)):
            with self.assertRaises(GitalyError) as caught:
                await asked
            self.assertEqual(caught.exception.code, Code.NOT_FOUND)
            self.assertEqual(caught.exception.message, "rpc error: code = NotFound desc = repository not found")

    def test_nowhere(self) -> None:
        """
        Without the caller's telling where, nothing is asked.
        """
        for metadata, text in (
            ({}, "remote repository: empty gitaly-servers metadata"),
            ({KEY: (encode_servers({"other": Server("unix:/x")}),)}, "remote repository: storage name not found"),
        ):
            error = self.assertRaises(GitalyError, self.elsewhere, THERE, metadata)
            self.assertEqual((error.given_code, error.message), (None, text))
