"""
Tests for :mod:`gitaly_tx.backup.restore`: backups of others, and backups that are damaged.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from gitaly_tx.hooks.unasked import Unasked
from tests.support.awaiting import begin
from tests.support.backupcase import BackupCase
from tests.support.git import git

MANIFEST = """object_format = 'sha1'
head_reference = 'refs/heads/main'

[[steps]]
bundle_path = '{directory}/001.bundle'
ref_path = '{directory}/001.refs'
custom_hooks_path = '{directory}/001.custom_hooks.tar'
"""


class DamageTests(BackupCase):
    """
    A backup that cannot be right touches nothing.
    """

    async def assert_refused(self, backup_id: str = "", start: str = "restore repository: manager: ") -> str:
        """
        The restore is refused without a path of the server, and the repository is as it was.
        """
        error = await self.error(self.restore(backup_id))
        self.assertTrue(error.message.startswith(start), error.message)
        self.assertNotIn(self.sink_root, error.message)
        self.assertNotIn(self.root, error.message)
        self.assertEqual((self.state(), self.sink.events, self.left()), (self.now, [], []))
        return error.message

    async def prepare(self) -> None:
        """
        Two steps, and a repository that went on.
        """
        self.hook()
        await self.backup("a")
        self.commit(text="second")
        await self.backup("b", True)
        self.commit(text="third")
        self.now = self.state()

    async def test_bundles(self) -> None:
        """
        Bundles that are cut off, changed, empty, missing or another repository's are found out.
        """
        await self.prepare()
        other = self.make("other.git", 3)
        lonely = self.run_git("commit-tree", "main^{tree}", stdin=b"other", path=other)
        self.run_git("update-ref", "refs/heads/main", lonely, path=other)
        swapped = git("--git-dir", other, "bundle", "create", "-", "--all")
        for path in ("team/thing/a/001.bundle", "team/thing/a/002.bundle"):
            good = self.content(path)
            middle = len(good) * 2 // 3
            flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
            for bad in (b"", b"junk", *(good[: len(good) * part // 4] for part in (1, 2, 3)), good[:-1], flipped, swapped):
                self.put(path, bad)
                await self.assert_refused()
            os.unlink(os.path.join(self.sink_root, path))
            message = await self.assert_refused()
            self.assertEqual(message, f'restore repository: manager: restore bundle: "{path}": doesn\'t exist')
            self.put(path, good)
        await self.restore()

    async def test_swapped(self) -> None:
        """
        Steps in another order are found out: bundles, refs, manifests.
        """
        await self.prepare()
        for kind in ("bundle", "refs"):
            first, second = (f"team/thing/a/00{number}.{kind}" for number in (1, 2))
            contents = self.content(first), self.content(second)
            self.put(first, contents[1])
            self.put(second, contents[0])
            await self.assert_refused()
            self.put(first, contents[0])
            self.put(second, contents[1])
        await self.restore()

    async def test_missing_refs(self) -> None:
        """
        A chain of which the refs of a step are missing is refused, whether an empty repository is wanted otherwise or not.
        """
        await self.prepare()
        for number in (1, 2):
            path = f"team/thing/a/00{number}.refs"
            content = self.content(path)
            os.unlink(os.path.join(self.sink_root, path))
            message = await self.assert_refused()
            self.assertEqual(message, "restore repository: manager: repository skipped: read refs: doesn't exist")
            error = await self.error(self.restore(always_create=True))
            self.assertEqual((error.code, self.state()), (Code.FAILED_PRECONDITION, self.now))
            self.put(path, content)

    async def test_refs_without_digest(self) -> None:
        """
        Where nobody noted a checksum, refs must still be such, and lead to what is there.
        """
        await self.prepare()
        shutil.rmtree(os.path.join(self.sink_root, "manifests"))
        path = "team/thing/a/002.refs"
        good = self.content(path)
        for bad in (good[:-1], good[:30], good.replace(b"refs/heads", b"refs/..")):
            self.put(path, bad)
            self.assertIn("read refs: ", await self.assert_refused())
        self.put(path, b"%s refs/heads/x\n" % (b"1" * 40))
        self.assertIn("restore bundle: objects are missing", await self.assert_refused())
        self.put(path, good)
        await self.restore()

    async def test_hooks(self) -> None:
        """
        Hooks that lead elsewhere, or are no archive, are refused.
        """
        await self.prepare()
        path = "team/thing/a/002.custom_hooks.tar"
        good = self.content(path)
        for bad in (good[:-1600], good.replace(b"pre-receive", b"../p-receiv")):
            self.put(path, bad)
            await self.assert_refused(start="restore repository: manager: restore custom hooks: ")
        os.unlink(os.path.join(self.sink_root, path))
        await self.assert_refused(start="restore repository: manager: restore custom hooks: ")
        shutil.rmtree(os.path.join(self.sink_root, "manifests"))
        self.put(path, good.replace(b"pre-receive", b"../p-receiv"))
        await self.assert_refused(start="restore repository: manager: restore custom hooks: ")

    async def test_manifests_that_lead_elsewhere(self) -> None:
        """
        No manifest makes the server read what is not in the sink.
        """
        await self.prepare()
        outside = os.path.join(os.path.dirname(self.sink_root), "outside")
        shutil.copytree(os.path.join(self.sink_root, "team/thing/a"), outside)
        self.addCleanup(shutil.rmtree, outside)
        os.symlink(outside, os.path.join(self.sink_root, "link"))
        for directory in ("../outside", outside, "team/../../outside", "link", "+gitaly/begun", ""):
            text = MANIFEST.format(directory=directory)
            self.put("manifests/elsewhere/team/thing.git/evil.toml", text.encode())
            self.assertIn("path escapes the backup sink", await self.assert_refused("evil"))

    async def test_manifest_damaged(self) -> None:
        """
        A manifest that is not as it was written is refused.
        """
        await self.prepare()
        path = "manifests/elsewhere/team/thing.git/+latest.toml"
        good = self.content(path)
        self.put(path, good.replace(b"refs/heads/main", b"refs/heads/mein"))
        self.assertIn("manifest: checksum does not match", await self.assert_refused())


class OthersTests(BackupCase):
    """
    Backups that Gitaly made.
    """

    def files(self, start: str, *words: str) -> None:
        """
        Refs and a bundle, as Gitaly writes them.
        """
        self.put(f"{start}.refs", self.show_refs())
        self.put(f"{start}.bundle", git("--git-dir", self.directory.path, "bundle", "create", "-", *(words or ("--all",))))

    async def test_legacy(self) -> None:
        """
        What was made before there were ids is found.
        """
        self.files("team/thing")
        wanted = self.state()
        self.commit()
        await self.restore()
        self.assertEqual(self.state(), wanted)

    async def test_pointers(self) -> None:
        """
        A chain without manifests is found by its pointers; HEAD is a branch at its commit.
        """
        self.run_git("branch", "-m", "main", "trunk")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/trunk")
        self.files("team/thing/x/001")
        old = self.rev("trunk")
        self.commit("trunk", "trunk")
        self.files("team/thing/x/002", "--all", f"^{old}")
        self.put("team/thing/x/LATEST", b"002")
        self.put("team/thing/LATEST", b"x")
        wanted = self.state()
        for backup_id in ("", "x"):
            shutil.rmtree(self.directory.path)
            await self.restore(backup_id)
            self.assertEqual(self.state(), wanted)
        self.commit("trunk", "trunk")
        await self.backup("more", incremental=True)
        self.assertIn("team/thing/x/003.refs", self.kept())
        wanted = self.state()
        await self.restore()
        self.assertEqual(self.state(), wanted)

    async def test_manifest(self) -> None:
        """
        A manifest of Gitaly's leads to a backup without hooks.
        """
        self.files("elsewhere/team/thing.git/x/001")
        text = MANIFEST.format(directory="elsewhere/team/thing.git/x")
        self.put("manifests/elsewhere/team/thing.git/+latest.toml", text.encode())
        wanted = self.state()
        self.hook()
        await self.restore()
        self.assertEqual(self.state(), wanted)
        self.assertEqual((await self.refusal(self.backup("y", True)))[0], Code.FAILED_PRECONDITION)


class CarriedTests(BackupCase):
    """
    A restore that nobody waits for.
    """

    async def test_after_removal(self) -> None:
        """
        A caller who goes away once the old repository is removed gets the new one all the same.
        """
        await self.backup()
        wanted = self.state()
        waiting: list[Deferred[Any]] = []
        real = Unasked.remove

        async def removing(unasked: Unasked, *arguments: Any) -> None:
            await real(unasked, *arguments)
            waiting[0].cancel()

        self.patch(Unasked, "remove", removing)
        waiting.append(begin(self.restore()))
        await self.assertFailure(waiting[0], CancelledError)
        await self.unasked.settle()
        self.assertEqual((self.state(), self.left()), (wanted, []))
        self.assertEqual(self.sink.changes, [("thing.git", Change.REMOVED), ("thing.git", Change.CREATED)])

    async def test_while_git_works(self) -> None:
        """
        One who goes away before leaves everything as it was.
        """
        await self.backup()
        self.commit()
        now = self.state()
        stuck = self.stuck_at("rev-list")
        asked = begin(self.restore())
        await stuck
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        await self.unasked.settle()
        self.assertEqual((self.state(), self.left()), (now, []))

    async def test_cannot_be_removed(self) -> None:
        """
        What cannot be removed stays, and that is told.
        """
        await self.backup()
        now = self.state()
        with open(f"{self.directory.path}.lock", "w"):
            pass
        code, message = await self.refusal(self.restore())
        self.assertEqual((code, self.state(), self.left()), (Code.FAILED_PRECONDITION, now, []))
        self.assertTrue(message.startswith("restore repository: manager: "), message)
