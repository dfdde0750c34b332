"""
Tests for InternalGitaly: WalkRepos.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.internal import walk
from gitaly_tx.services.internal.service import InternalService
from gitaly_tx.storage.interfaces import StorageInfo
from protocols.gitaly.internal_pb2 import WalkReposRequest
from tests.support.threads import inline_threads


class WalkReposTests(SynchronousTestCase):
    """
    ``WalkRepos``
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.service = InternalService({"default": StorageInfo("default", self.root, "")}, inline_threads)

    def make(self, path: str, *entries: str) -> None:
        """
        A directory with some entries in it.
        """
        for entry in entries or ("objects", "refs", "HEAD"):
            os.makedirs(os.path.join(self.root, path, entry))

    def walk(self, storage: str = "default") -> Deferred[list[Any]]:
        service: Any = self.service

        async def collect() -> list[Any]:
            return [reply async for reply in service.WalkRepos(None, WalkReposRequest(storage_name=storage))]

        return Deferred.fromCoroutine(collect())

    def paths(self) -> list[str]:
        return [reply.relative_path for reply in self.successResultOf(self.walk())]

    def test_interface(self) -> None:
        """
        The service is a table of methods.
        """
        verifyObject(IMethods, self.service)

    def test_repositories(self) -> None:
        """
        Repositories come sorted, pools too; nobody looks into them, into the server's area or takes what is incomplete.
        """
        for path in ("b.git", "a/x.git", "@pools/p.git", "+gitaly/staging/s.git", "b.git/modules/m.git"):
            self.make(path)
        self.make("incomplete", "objects", "refs")
        self.assertEqual(self.paths(), ["@pools/p.git", "a/x.git", "b.git"])

    def test_time(self) -> None:
        """
        The time is the one at which the directory was changed.
        """
        self.make("a.git")
        os.utime(os.path.join(self.root, "a.git"), ns=(0, 1_700_000_000_000_000_005))
        (reply,) = self.successResultOf(self.walk())
        self.assertEqual((reply.modification_time.seconds, reply.modification_time.nanos), (1_700_000_000, 5))

    def test_vanished(self) -> None:
        """
        What vanishes meanwhile is left out, and batches do not show.
        """
        for number in range(5):
            self.make(f"{number}.git")
        gone = os.path.join(self.root, "3.git")
        real = os.stat

        def stat(path: str) -> os.stat_result:
            if path == gone:
                raise FileNotFoundError(path)
            return real(path)

        with mock.patch.object(walk, "BATCH", 2), mock.patch.object(os, "stat", stat):
            self.assertEqual(self.paths(), ["0.git", "1.git", "2.git", "4.git"])

    def test_storages(self) -> None:
        """
        The storage must be one of this server's.
        """
        for name, wrong in (("nowhere", "not found"), ("", "not set")):
            error = self.failureResultOf(self.walk(name), GitalyError).value
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, f"looking up storage: storage name {wrong}"))
