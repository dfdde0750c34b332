"""
Tests for :mod:`gitaly_tx.backup.create` and :mod:`gitaly_tx.backup.bundling`: what happens meanwhile, and what is left if it ends
early.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from gitaly_tx.backup.bundling import BundleFailed, write_bundle
from gitaly_tx.backup.locator import Locator
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.observability import failpoints
from gitaly_tx.observability.failpoints import POINTS
from gitaly_tx.storage.interfaces import ITurn
from protocols.gitaly.shared_pb2 import Repository
from tests.support.awaiting import begin
from tests.support.backupcase import NAME, BackupCase
from tests.support.git import git

STEPS = tuple(point for point in POINTS if point.startswith("backup."))


class MomentTests(BackupCase):
    """
    A backup is one moment.
    """

    async def test_refs_move(self) -> None:
        """
        Refs that are moved, made and deleted after they were listed are in the backup as they were.
        """
        self.commit("gone", "main~1")
        self.hook()
        wanted, listed = self.state(), self.show_refs()

        def change() -> None:
            self.commit()
            self.commit("new")
            self.run_git("update-ref", "-d", "refs/heads/gone")
            self.run_git("pack-refs", "--all")
            self.run_git("symbolic-ref", "HEAD", "refs/heads/new")

        self.meddle("bundle", change)
        await self.backup()
        self.assertEqual(self.content("team/thing/a/001.refs"), listed)
        heads = git("bundle", "list-heads", os.path.join(self.sink_root, "team/thing/a/001.bundle"))
        self.assertEqual(sorted(heads.splitlines()), sorted(listed.splitlines()))
        self.assertNotEqual(self.state(), wanted)
        await self.restore()
        self.assertEqual(self.state(), wanted)

    async def test_turn(self) -> None:
        """
        A write that is under way is in the backup with all of its refs, or with none.
        """
        repository = await self.provider.repository(NAME)
        asked: list[Deferred[Any]] = []

        async def write(turn: ITurn) -> None:
            self.run_git("update-ref", "refs/heads/a", "main")
            asked.append(begin(self.backup()))
            while not self.stack.queue.backlog:
                await self.stack.threads(lambda: None)
            self.run_git("update-ref", "refs/heads/b", "main")

        await repository.turn(write)
        await asked[0]
        self.assertEqual(self.content("team/thing/a/001.refs"), self.show_refs())
        self.assertIn(b"refs/heads/b\n", self.show_refs())

    async def test_removed(self) -> None:
        """
        A repository that is removed meanwhile is skipped, and there is no backup.
        """

        async def removing(*arguments: Any) -> Any:
            raise GitalyError("repository was concurrently removed", Code.NOT_FOUND)

        self.patch(Locator, "full", removing)
        error = await self.error(self.backup())
        expected = "backup repository: manager: repository not found: repository skipped"
        self.assertEqual((error.code, error.message, len(error.details)), (Code.FAILED_PRECONDITION, expected, 1))
        self.assertEqual((self.kept(), self.begun(), self.left()), ([], [], []))

    async def test_no_pruning(self) -> None:
        """
        As long as a backup is made there is somebody who prepares something, so that nothing is dropped.
        """
        repository = await self.provider.repository(NAME)
        own = await repository.stage()
        quiet: list[bool] = []

        async def look(turn: ITurn) -> None:
            quiet.append(turn.quiet(own))

        await repository.turn(look)
        waiting: Deferred[None] = Deferred()
        real = Locator.commit

        async def commit(locator: Locator, *arguments: Any) -> None:
            await repository.turn(look)
            waiting.callback(None)
            await real(locator, *arguments)

        self.patch(Locator, "commit", commit)
        await self.backup()
        await waiting
        await repository.turn(look)
        self.assertEqual(quiet, [True, False, True])
        await own.discard()


class BundleTests(BackupCase):
    """
    ``write_bundle``
    """

    async def test_git_reads_nothing(self) -> None:
        """
        A git that ends before it has read all that it is told is an error like any other.
        """
        with open(os.devnull, "wb") as nowhere:
            known = b"^%s\n" % (b"1" * 40) * 100_000
            asked = begin(write_bundle(self.stack.git, self.directory, nowhere.fileno(), ["--nonsense", "--stdin"], known))
            await self.assertFailure(asked, BundleFailed)


class EndTests(BackupCase):
    """
    A backup that ends early.
    """

    async def copies(self, work: Callable[[], Any]) -> list[tuple[str, str]]:
        """
        What a kill at each step would leave.

        :returns: steps and copies of the sink.
        """
        made: list[tuple[str, str]] = []

        def take(point: str) -> Callable[[], None]:
            def copy() -> None:
                path = os.path.abspath(self.mktemp())
                shutil.copytree(self.sink_root, path)
                made.append((point, path))

            return copy

        with failpoints.active({point: take(point) for point in STEPS}):
            await work()
        return made

    async def restored(self, root: str, number: int) -> Any:
        """
        What the latest backup of a copy says.
        """
        self.sink_root = root
        self.service = self.make_service(self.make_backups(True))
        name = Repository(storage_name="default", relative_path=f"copy{number}.git")
        await self.restore(repository=name)
        await self.place.stop()
        return self.state(os.path.join(self.root, name.relative_path))

    async def test_killed(self) -> None:
        """
        Wherever a backup is killed, full or incremental, the one before can be restored, or the new one; and the next one does
        well.
        """
        self.hook()
        await self.backup("a")
        states = [self.state()]
        copies = []
        for backup_id, incremental in (("b", True), ("a", False)):
            self.commit()
            self.hook("update", f"#!/bin/sh\n# {backup_id}\n")
            states.append(self.state())
            copies.append(await self.copies(lambda b=backup_id, i=incremental: self.backup(b, i)))  # type: ignore[misc]
        number = 0
        for before, after, taken in zip(states[:-1], states[1:], copies, strict=True):
            self.assertEqual({point for point, _ in taken}, set(STEPS))
            found = []
            for _, root in taken:
                number += 1
                found.append(await self.restored(root, number))
            self.assertEqual([state for state in found if state not in (before, after)], [])
            self.assertEqual((found[0], found[-1]), (before, after))
        self.commit()
        for taken in copies:
            for _, root in taken[1::3]:
                number += 1
                self.sink_root = root
                self.service = self.make_service(self.make_backups(True))
                await self.backup("next", incremental=True)
                await self.place.stop()
                self.assertEqual(await self.restored(root, number), self.state())

    async def test_full_disk(self) -> None:
        """
        If the disk is full at any step the error is told without a path, and the backup before is there.
        """
        await self.backup("a")
        wanted = self.state()
        self.commit()
        self.hook()
        for point in STEPS[:-1]:
            with failpoints.active(failpoints.parse(f"{point}=error(ENOSPC)")):
                expected = (Code.INTERNAL, "backup repository: manager: no space left on device")
                self.assertEqual(await self.refusal(self.backup("b", incremental=True)), expected)
            self.assertEqual((self.begun(), self.left()), ([], []))
            shutil.rmtree(os.path.join(self.sink_root, "team/thing/a"))
            for name in ("b", "+latest"):
                path = os.path.join(self.sink_root, f"manifests/elsewhere/team/thing.git/{name}.toml")
                if os.path.exists(path):
                    os.unlink(path)
            new = self.state()
            self.run_git("update-ref", "refs/heads/main", wanted["refs"]["refs/heads/main"])
            await self.backup("a")
            self.run_git("update-ref", "refs/heads/main", new["refs"]["refs/heads/main"])

    async def test_cancelled(self) -> None:
        """
        A caller who goes away while git works ends it, and nothing is left.
        """
        stuck = self.stuck_at("bundle")
        asked = begin(self.backup())
        await stuck
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        self.assertEqual((self.kept(), self.begun(), self.left()), ([], [], []))

    async def test_base_is_damaged(self) -> None:
        """
        Nothing is added to a backup that is damaged: that is told.
        """
        self.hook()
        await self.backup("a")
        self.commit()
        start = "backup repository: manager: "
        for path, words in (
            ("team/thing/a/001.custom_hooks.tar", "write custom hooks: checksum does not match"),
            ("team/thing/a/001.refs", "read refs: checksum does not match"),
        ):
            content = self.content(path)
            self.put(path, content.replace(b"a", b"b"))
            self.assertEqual(await self.refusal(self.backup("b", True)), (Code.INTERNAL, start + words))
            self.put(path, content)
        os.unlink(os.path.join(self.sink_root, "team/thing/a/001.refs"))
        expected = (Code.INTERNAL, f"{start}write bundle: read refs: doesn't exist")
        self.assertEqual(await self.refusal(self.backup("b", True)), expected)
        self.assertEqual((self.begun(), self.left()), ([], []))

    async def test_left_parts(self) -> None:
        """
        Parts that a backup left which was broken off are no part of the next one.
        """
        self.put("team/thing/a/001.custom_hooks.tar", b"old")
        self.put("team/thing/a/001.bundle", b"old")
        self.run_git("update-ref", "-d", "refs/heads/main")
        await self.backup("a")
        self.assertEqual(self.kept("team"), ["team/thing/LATEST", "team/thing/a/001.refs", "team/thing/a/LATEST"])
