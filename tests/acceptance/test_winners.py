"""
Several clients and one ref.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from protocols.gitaly.shared_pb2 import Repository
from tests.acceptance.winners import compete, prepared
from tests.support.gitclient import GitClient
from tests.support.server import shared_server

ROUNDS = 40


class WinnersTests(TestCase):
    """
    ``UpdateReferences`` by clients who all believe the same.
    """

    timeout = 240
    skip = None if isinstance(reactor, AsyncioSelectorReactor) else "needs --reactor=asyncio"

    async def test_one_winner(self) -> None:
        """
        In each round one client moves the ref, and all others are told that it has moved.
        """
        server = shared_server("")
        values = prepared(server, "winners", GitClient(Path(self.mktemp()).resolve()))
        repository = Repository(storage_name="default", relative_path="winners.git")
        won = await Deferred.fromFuture(asyncio.ensure_future(compete(server.grpc, repository, values, ROUNDS)))
        self.assertEqual(sum(won.values()), ROUNDS)
