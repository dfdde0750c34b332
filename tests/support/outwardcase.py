"""
RepositoryService with a way to other servers.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import reactor

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.services.objectpool.service import ObjectPoolService
from gitaly_tx.services.ref.service import RefService
from gitaly_tx.services.repository.outward import Outward
from gitaly_tx.services.repository.service import RepositoryService
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.transport.clones import Clones
from gitaly_tx.transport.peerpipe import PeerPipes
from gitaly_tx.transport.remotefetch import RemoteFetch
from gitaly_tx.transport.remotes import RemotePolicy, Remotes
from protocols.gitaly.shared_pb2 import Repository

from .localpeer import LocalPeers
from .writecase import WriteCase

UNUSED: Any = None
"""What no method here works with."""

NEW = Repository(storage_name="default", relative_path="new.git")


class OutwardCase(WriteCase):
    """
    A repository, and another one elsewhere.

    :cvar private: whether addresses that are not public may be asked.
    :ivar packed: the repositories that housekeeping is told of.
    :ivar far: the other one, on the storage ``far`` of a peer.
    """

    private = True

    def fill(self) -> None:
        running: Any = reactor
        self.clock: Any = running
        self.packed: list[IRepository] = []
        self.far = self.make("far.git", 3)
        self.peers = LocalPeers(self.stack.git, {"far": self.root, "default": self.root})
        self.service = self.make_service()
        git, threads = self.stack.git, self.stack.threads
        self.peers.services = {
            "RepositoryService": self.service,
            "RefService": RefService(git, self.provider, Mailmaps(), self.unasked),
            "ObjectPoolService": ObjectPoolService(git, self.provider, threads, self.unasked, UNUSED),
        }

    def make_service(self) -> RepositoryService:
        """
        The service, with what is there by now.
        """
        running: Any = reactor
        peers: Any = self.peers
        git, threads = self.stack.git, self.stack.threads
        fetches = RemoteFetch(git, threads, self.unasked, self.packed.append)
        outward = Outward(
            Remotes(self.provider, threads, RemotePolicy(self.private)),
            fetches,
            Clones(self.provider, git, fetches, threads),
            peers,
            PeerPipes(running),
            threads,
            self.clock,
        )
        return RepositoryService(self.provider, git, threads, self.unasked, UNUSED, outward, UNUSED, UNUSED)

    @property
    def new(self) -> str:
        """
        Where :data:`NEW` is made.
        """
        return os.path.join(self.root, NEW.relative_path)

    def far_ref(self, name: str, revision: str = "main") -> str:
        """
        Make a ref in the other repository.
        """
        oid = self.rev(revision, self.far)
        self.run_git("update-ref", name, oid, path=self.far)
        return oid

    def head(self, path: str) -> str:
        """
        The ref that HEAD is a name for.
        """
        return self.run_git("symbolic-ref", "HEAD", path=path)

    def assert_nothing(self) -> None:
        """
        Nothing was made, and nothing is left of the attempt.
        """
        self.assertFalse(os.path.lexists(self.new))
        self.assertEqual(self.left(), [])
