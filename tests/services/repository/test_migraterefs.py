"""
Tests for RepositoryService: MigrateReferenceBackend.
"""

from __future__ import annotations

import os
import shutil
from typing import Any
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest

from gitaly_tx.errors import Code
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.hooks.interfaces import Change
from gitaly_tx.services.repository import migraterefs
from gitaly_tx.services.repository.service import RepositoryService
from gitaly_tx.wal.apply import Applier
from protocols.gitaly import repository_pb2 as pb
from tests.contracts.storageprovider import named
from tests.pools.poolcase import PoolCase
from tests.support.git import git, program
from tests.support.hearing import Sink, make_unasked
from tests.support.stack import Stack

UNUSED: Any = None

FILES = pb.MigrateReferenceBackendRequest.REFERENCE_BACKEND_FILES
REFTABLE = pb.MigrateReferenceBackendRequest.REFERENCE_BACKEND_REFTABLE

SHOWN = "--format=%(refname) %(objectname) %(symref)"


class MigrateCase(PoolCase):
    """
    A repository with refs of all kinds.
    """

    object_format = "sha1"

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        stack = self.stack
        outward = mock.Mock(clock=Clock())
        self.sink = Sink()
        unasked = make_unasked(stack.git, self.sink)
        self.service: Any = RepositoryService(stack.provider, stack.git, stack.threads, unasked, UNUSED, outward, UNUSED, UNUSED)
        await self.make("a.git", object_format=self.object_format, refs=["refs/heads/x/y", "refs/keep-around/z"])
        self.git("a.git", "pack-refs", "--all")
        self.git("a.git", "tag", "-a", "-m", "t", "v1", "main")
        self.git("a.git", "symbolic-ref", "refs/heads/name", "refs/heads/main")
        self.git("a.git", "symbolic-ref", "HEAD", "refs/heads/x/y")

    async def migrate(self, target: Any, name: str = "a.git") -> pb.MigrateReferenceBackendResponse:
        request = pb.MigrateReferenceBackendRequest(repository=named(name), target_reference_backend=target)
        reply: pb.MigrateReferenceBackendResponse = await self.service.MigrateReferenceBackend(None, request)
        return reply

    async def backend(self) -> int:
        info = await self.service.RepositoryInfo(None, pb.RepositoryInfoRequest(repository=named("a.git")))
        return int(info.references.reference_backend)

    def refs(self) -> tuple[bytes, bytes]:
        """
        What git says of all refs, and of HEAD.
        """
        return self.git("a.git", "for-each-ref", SHOWN), self.git("a.git", "symbolic-ref", "HEAD")


class RefusedTests(MigrateCase):
    """
    What is not done, whatever the git.
    """

    async def test_bad_target(self) -> None:
        """
        The format must be one that there is.
        """
        told = (Code.INVALID_ARGUMENT, "target reference backend not set")
        self.assertEqual(await self.refusal(self.migrate(0)), told)
        told = (Code.INVALID_ARGUMENT, "unknown target reference backend")
        self.assertEqual(await self.refusal(self.migrate(7)), told)
        code, _ = await self.refusal(self.migrate(REFTABLE, "missing.git"))
        self.assertEqual(code, Code.NOT_FOUND)

    async def test_old_git(self) -> None:
        """
        A git that cannot do it is said to be too old; nothing changes, and what is right already needs no git.
        """
        before = self.refs()
        with mock.patch.object(migraterefs, "OLDEST", (99, 1, 0)):
            told = f"migration failed: git {program().version_text} is too old, 99.1 or newer is needed"
            self.assertEqual(await self.refusal(self.migrate(REFTABLE)), (Code.FAILED_PRECONDITION, told))
            self.assertEqual((await self.migrate(FILES)).time.nanos, 0)
        self.assertEqual((self.refs(), await self.backend()), (before, 1))
        self.assertEqual(self.stack.alive, 0)

    async def test_bad_config(self) -> None:
        """
        A config that git would not take is not touched; without one refs are files.
        """
        config = self.path("a.git/config")
        os.unlink(config)
        await self.migrate(FILES)
        with open(config, "w") as file:
            file.write("[extensions]\n\trefstorage = clouds\n")
        code, message = await self.refusal(self.migrate(FILES))
        self.assertEqual((code, message), (Code.FAILED_PRECONDITION, "invalid repository configuration"))
        os.unlink(config)
        with mock.patch.object(migraterefs, "parse_config", side_effect=ValueError("changed meanwhile")):
            with open(config, "w"):
                pass
            self.assertEqual(await self.refusal(self.migrate(FILES)), (code, message))


class MigrateTests(MigrateCase):
    """
    There and back again.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        if program().version < migraterefs.OLDEST:
            raise SkipTest("this git cannot migrate refs")
        await super().setUp()

    async def test_there_and_back(self) -> None:
        """
        All refs and HEAD are what they were, in the other format and back in the first; writes go on in either.
        """
        repository = await self.found("a.git")
        before = self.refs()
        for target, other in ((REFTABLE, FILES), (FILES, REFTABLE)):
            for _ in range(2):
                reply = await self.migrate(target)
                self.assertTrue(reply.HasField("time"))
                self.assertEqual((self.refs(), await self.backend()), (before, target))
            self.git("a.git", "fsck", "--strict")
            self.assertEqual(os.path.exists(self.path("a.git/reftable")), target == REFTABLE)
            name = b"refs/heads/new-%d" % other
            tip = ObjectID(self.git("a.git", "rev-parse", "main").strip())
            outcome = await repository.commit([RefUpdate(name, tip.format.zero, tip)])
            self.assertEqual(outcome.refused, {})
            self.assertIn(name, self.git("a.git", "for-each-ref"))
            before = self.refs()
        self.assertEqual(self.stack.alive, 0)
        self.assertEqual(self.sink.changes, [("a.git", Change.CONVERTED)] * 2)

    async def test_missing_object(self) -> None:
        """
        A ref whose object is missing stays what it is: it may be all that tells what is lost.
        """
        lost = "1" * len(self.git("a.git", "rev-parse", "main").strip())
        with open(self.path("a.git/refs/heads/lost"), "w") as file:
            file.write(lost + "\n")
        await self.migrate(REFTABLE)
        self.assertIn(lost.encode(), self.git("a.git", "for-each-ref", SHOWN))

    async def test_not_replayed(self) -> None:
        """
        What another git writes in the new format stays when the server was killed and starts again.
        """
        await self.migrate(REFTABLE)
        self.git("a.git", "update-ref", "refs/heads/foreign", "main")
        before = self.refs()
        self.assertEqual(await self.after_restart(self.killed()), before)

    async def test_killed(self) -> None:
        """
        A server that is killed once the write is in its log, before or after it has taken effect, ends it at the next start.
        """
        before = self.refs()
        killed: list[str] = []
        apply = Applier.apply

        async def watched(applier: Applier, *arguments: Any) -> None:
            if applier is not self.stack.stores["default"].applier:
                await apply(applier, *arguments)
                return
            killed.append(self.killed())
            await apply(applier, *arguments)
            killed.append(self.killed())

        self.patch(Applier, "apply", watched)
        for target in (REFTABLE, FILES):
            await self.migrate(target)
            self.assertEqual(len(killed), 2)
            for root in killed:
                self.assertEqual(await self.after_restart(root), before)
                self.assertEqual(os.path.exists(os.path.join(root, "default", "a.git", "reftable")), target == REFTABLE)
            killed.clear()

    def killed(self) -> str:
        """
        What a server leaves behind that is killed now.
        """
        root = os.path.abspath(self.mktemp())
        shutil.copytree(self.root, root)
        return root

    async def after_restart(self, root: str) -> tuple[bytes, bytes]:
        """
        The refs and HEAD that there are once a server has started with what one left behind.
        """
        again = Stack(root, ["default", "other"])
        await again.start()
        await again.stop()
        path = os.path.join(again.storages[0].path, "a.git")
        return git("-C", path, "for-each-ref", SHOWN), git("-C", path, "symbolic-ref", "HEAD")

    async def test_failure(self) -> None:
        """
        A repository that git cannot convert stays as it is, and so does one with more refs than go through the log.
        """
        before = self.refs()
        with mock.patch.object(migraterefs, "LARGEST", 10):
            told = (Code.FAILED_PRECONDITION, "migration failed: too many references")
            self.assertEqual(await self.refusal(self.migrate(REFTABLE)), told)
        with mock.patch.object(migraterefs, "_copy", lambda path, scratch: None):
            told = (Code.INTERNAL, "migration failed: refs: exit status 128")
            self.assertEqual(await self.refusal(self.migrate(REFTABLE)), told)
        self.assertEqual((self.refs(), await self.backend()), (before, 1))


class Sha256Tests(MigrateTests):
    """
    The same with longer names.
    """

    object_format = "sha256"
