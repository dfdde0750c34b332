"""
Tests for BackupRepository and RestoreRepository.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.support.backupcase import BackupCase
from tests.support.git import git

SKIPPED = (Code.FAILED_PRECONDITION, "backup repository: manager: write bundle: repository skipped: no changes to bundle")


class BackupRepositoryTests(BackupCase):
    """
    ``BackupRepository``
    """

    async def test_full(self) -> None:
        """
        Refs, bundle, hooks, pointers and manifests are where Gitaly has them; the refs are those of the bundle.
        """
        self.run_git("update-ref", "refs/keep-around/x", "main~1")
        self.run_git("tag", "-a", "-m", "t", "v1", "main")
        self.hook()
        self.assertEqual(await self.backup("20240131"), pb.BackupRepositoryResponse())
        base = "team/thing/20240131"
        manifests = "manifests/elsewhere/team/thing.git"
        parts = [f"{base}/001.bundle", f"{base}/001.custom_hooks.tar", f"{base}/001.refs"]
        expected = [f"{manifests}/+latest.toml", f"{manifests}/20240131.toml", f"{base}/LATEST", "team/thing/LATEST", *parts]
        self.assertEqual(self.kept(), sorted(expected))
        self.assertEqual((self.content("team/thing/LATEST"), self.content(f"{base}/LATEST")), (b"20240131", b"001"))
        self.assertEqual(self.content(f"{base}/001.refs"), self.show_refs())
        heads = git("bundle", "list-heads", os.path.join(self.sink_root, parts[0]))
        self.assertEqual(sorted(heads.splitlines()), sorted(self.show_refs().splitlines()))
        manifest = tomllib.loads(self.content(f"{manifests}/20240131.toml").decode())
        step = {"bundle_path": parts[0], "custom_hooks_path": parts[1], "ref_path": parts[2]}
        self.assertEqual((manifest["object_format"], manifest["head_reference"]), ("sha1", "refs/heads/main"))
        self.assertEqual({key: value for key, value in manifest["steps"][0].items() if key in step}, step)
        self.assertEqual(len(manifest["steps"]), 1)
        self.assertEqual((self.begun(), self.left()), ([], []))
        self.assertEqual(set(self.phases), {"refs", "bundle", "custom_hooks"})
        self.assertEqual(self.bundles, [os.path.getsize(os.path.join(self.sink_root, parts[0]))])

    async def test_empty(self) -> None:
        """
        A repository without refs has a backup, too: an empty list of refs and no bundle.
        """
        self.run_git("update-ref", "-d", "refs/heads/main")
        await self.backup()
        self.assertEqual(self.kept("team"), ["team/thing/LATEST", "team/thing/a/001.refs", "team/thing/a/LATEST"])
        self.assertEqual((self.content("team/thing/a/001.refs"), self.bundles), (b"", []))
        await self.restore()
        self.assertEqual(self.state()["refs"], {})

    async def test_incremental(self) -> None:
        """
        An incremental backup has what is new since the latest one, and is full if there is none.
        """
        await self.backup("a", incremental=True)
        first, new = self.rev("main"), self.commit()
        await self.backup("b", incremental=True)
        second = os.path.join(self.sink_root, "team/thing/a/002.bundle")
        self.assertEqual(self.content("team/thing/a/LATEST"), b"002")
        self.assertEqual(self.content("team/thing/LATEST"), b"a")
        self.assertIn(f"-{self.rev('main~1')}".encode(), self.content("team/thing/a/002.bundle"))
        heads = {line.split()[1]: line.split()[0].decode() for line in git("bundle", "list-heads", second).splitlines()}
        self.assertEqual(heads, {b"HEAD": new, b"refs/heads/main": new})
        steps = tomllib.loads(self.content("manifests/elsewhere/team/thing.git/b.toml").decode())["steps"]
        self.assertEqual([step.get("previous_ref_path") for step in steps], [None, "team/thing/a/001.refs"])
        wanted = self.state()
        shutil.rmtree(self.directory.path)
        await self.restore("b")
        self.assertEqual(self.state(), wanted)
        await self.restore("a")
        self.assertEqual(self.rev("main"), first)

    async def test_nothing_new(self) -> None:
        """
        Where nothing changed there is nothing to do, which a detail tells; nothing is written then.
        """
        self.hook()
        await self.backup("a")
        before = self.kept()
        error = await self.error(self.backup("b", incremental=True))
        self.assertEqual((error.code, error.message), SKIPPED)
        self.assertEqual(error.details, (pb.BackupRepositoryResponse.SkippedError(),))
        self.assertEqual((self.kept(), self.begun(), self.left()), (before, [], []))

    async def test_changes_without_objects(self) -> None:
        """
        Refs that went or came to old commits, HEAD and hooks are part of an incremental backup, whether there is a new commit
        or not.
        """
        self.commit("other", "main")
        self.commit("root", "main~1")
        await self.backup("full")
        changes: list[Any] = [
            lambda: self.run_git("update-ref", "-d", "refs/heads/root"),
            lambda: self.run_git("update-ref", "refs/heads/new", "main~1"),
            lambda: self.run_git("symbolic-ref", "HEAD", "refs/heads/other"),
            self.hook,
            lambda: shutil.rmtree(os.path.join(self.directory.path, "custom_hooks")),
            lambda: self.run_git("symbolic-ref", "HEAD", "refs/heads/unborn"),
            lambda: self.run_git("update-ref", "-d", "refs/heads/new"),
        ]
        for number, change in enumerate(changes):
            change()
            await self.backup(f"i{number}", incremental=True)
            wanted = self.state()
            await self.restore()
            self.assertEqual(self.state(), wanted)
            self.run_git("fsck", "--strict")
        self.assertEqual(len(self.packed), len(changes))

    async def test_all_refs_gone(self) -> None:
        """
        A backup after the last ref is gone restores to nothing.
        """
        await self.backup("full")
        self.run_git("update-ref", "-d", "refs/heads/main")
        await self.backup("none", incremental=True)
        await self.restore()
        self.assertEqual(self.refs(), {})
        await self.restore("full")
        self.assertEqual(list(self.refs()), ["refs/heads/main"])

    async def test_odd_refs(self) -> None:
        """
        Refs to blobs, trees and tags of tags, and a detached HEAD, come back.
        """
        blob = self.run_git("hash-object", "-w", "--stdin", stdin=b"odd")
        self.run_git("update-ref", "refs/odd/blob", blob)
        self.run_git("update-ref", "refs/odd/tree", self.rev("main^{tree}"))
        self.run_git("tag", "-a", "-m", "t", "t1", "main")
        self.run_git("tag", "-a", "-m", "t", "t2", "t1")
        self.run_git("update-ref", "--no-deref", "HEAD", self.rev("main"))
        await self.backup("full")
        self.run_git("update-ref", "refs/odd/tree2", self.rev("main~1^{tree}"))
        self.commit("more")
        await self.backup("inc", incremental=True)
        wanted = self.refs()
        await self.restore()
        self.assertEqual((self.refs(), self.state()["HEAD"]), (wanted, "refs/heads/main"))
        self.run_git("fsck")

    async def test_again(self) -> None:
        """
        The same id once more is another backup, and the one before keeps its files.
        """
        await self.backup("a")
        first = self.content("team/thing/a/001.bundle")
        new = self.commit()
        await self.backup("a")
        self.assertEqual(self.content("team/thing/a/001.bundle"), first)
        self.assertIn("team/thing/a+2/001.refs", self.kept())
        await self.restore("a")
        self.assertEqual(self.rev("main"), new)

    async def test_borrowed(self) -> None:
        """
        What a repository borrows from another one is in the bundle.
        """
        pool = self.make("pool.git")
        git("clone", "-q", "--bare", self.directory.path, f"{pool}.tmp")
        lender = os.path.join(f"{pool}.tmp", "objects")
        shutil.rmtree(os.path.join(self.directory.path, "objects"))
        os.makedirs(os.path.join(self.directory.path, "objects", "info"))
        os.makedirs(os.path.join(self.directory.path, "objects", "pack"))
        with open(os.path.join(self.directory.path, "objects", "info", "alternates"), "w") as file:
            file.write(f"{lender}\n")
        wanted = self.refs()
        await self.backup()
        shutil.rmtree(f"{pool}.tmp")
        await self.restore()
        self.assertEqual(self.refs(), wanted)
        self.run_git("fsck", "--strict")
        self.assertFalse(os.path.exists(os.path.join(self.directory.path, "objects", "info", "alternates")))

    async def test_shallow(self) -> None:
        """
        A repository whose history is cut cannot be backed up whole, and is not.
        """
        with open(os.path.join(self.directory.path, "shallow"), "w") as file:
            file.write(self.rev("main") + "\n")
        expected = (Code.FAILED_PRECONDITION, "backup repository: manager: write bundle: history is not complete")
        self.assertEqual(await self.refusal(self.backup()), expected)
        self.assertEqual((self.kept(), self.begun(), self.left()), ([], [], []))

    async def test_missing_objects(self) -> None:
        """
        A repository that is broken has no backup, and the answer names no path.
        """
        shutil.rmtree(os.path.join(self.directory.path, "objects"))
        os.makedirs(os.path.join(self.directory.path, "objects"))
        code, message = await self.refusal(self.backup())
        self.assertEqual(code, Code.INTERNAL)
        self.assertRegex(message, r"^backup repository: manager: write bundle: create bundle: exit status \d+$")
        self.assertEqual((self.kept(), self.begun(), self.left()), ([], [], []))

    async def test_hooks_that_cannot_come_back(self) -> None:
        """
        Hooks that a restore would refuse are refused by the backup: it would be worth nothing.
        """
        os.makedirs(os.path.join(self.directory.path, "custom_hooks"))
        os.symlink("/bin/true", os.path.join(self.directory.path, "custom_hooks", "update"))
        expected = "backup repository: manager: write custom hooks: hooks could not be restored"
        self.assertEqual(await self.refusal(self.backup()), (Code.FAILED_PRECONDITION, expected))

    async def test_bad_requests(self) -> None:
        """
        What is wrong with a request is told in Gitaly's order, and nothing is written.
        """
        invalid = Code.INVALID_ARGUMENT
        other = Repository(storage_name="default", relative_path="none.git")
        self.assertEqual(
            await self.refusal(self.backup("", repository=None, vanity_repository=None)), (invalid, "empty BackupId")
        )
        for missing, expected in (
            ({"repository": None, "vanity_repository": None}, (invalid, "repository not set")),
            ({"repository": other, "vanity_repository": None}, (Code.NOT_FOUND, "repository not found")),
            ({"vanity_repository": None}, (invalid, "repository not set")),
            ({"vanity_repository": Repository(storage_name="x")}, (invalid, "repository path not set")),
        ):
            self.assertEqual(await self.refusal(self.backup(**missing)), expected)
        for bad in ("..", "../x", "a/b", "/a", "a\0b", ".", ".hidden", "+latest", "a\nb", "x" * 201):
            self.assertEqual(await self.refusal(self.backup(bad)), (invalid, "invalid BackupId"), bad)
        for path in ("..", "../x", "a/../../x", "+gitaly/begun", "a\0b", "/", ".", "a/.git", "x" * 256):
            vanity = Repository(storage_name="s", relative_path=path)
            self.assertEqual((await self.refusal(self.backup(vanity_repository=vanity)))[0], invalid, path)
        for name in ("..", ".", "a/b", "a\0", "+gitaly", "x" * 256):
            vanity = Repository(storage_name=name, relative_path="x")
            self.assertEqual((await self.refusal(self.backup(vanity_repository=vanity)))[0], invalid, name)
        self.assertFalse(os.path.exists(self.sink_root))
        self.service = self.make_service(None)
        expected = (Code.FAILED_PRECONDITION, "backup repository: server-side backups are not configured")
        self.assertEqual(await self.refusal(self.backup("", repository=None)), expected)

    async def test_no_storage(self) -> None:
        """
        The other name needs no storage, and may be written in odd ways.
        """
        await self.backup(vanity_repository=Repository(relative_path="/x/../y/z.git/"))
        self.assertIn("manifests/y/z.git/a.toml", self.kept())
        self.assertIn("y/z/a/001.refs", self.kept())


class RestoreRepositoryTests(BackupCase):
    """
    ``RestoreRepository``
    """

    async def test_restored(self) -> None:
        """
        The repository is as it was, in the place of what there is; those who listen hear of both.
        """
        self.hook()
        self.run_git("update-ref", "refs/keep-around/x", "main~1")
        self.run_git("update-ref", "refs/heads/side", "main~1")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/side")
        wanted = self.state()
        await self.backup()
        self.commit()
        self.run_git("symbolic-ref", "HEAD", "refs/heads/main")
        self.run_git("config", "core.bigFileThreshold", "1m")
        self.assertEqual(await self.restore(), pb.RestoreRepositoryResponse())
        self.assertEqual(self.state(), wanted)
        self.run_git("fsck", "--strict")
        self.assertEqual(self.sink.changes, [("thing.git", Change.REMOVED), ("thing.git", Change.CREATED)])
        self.assertEqual(
            sorted(os.listdir(self.directory.path)), ["HEAD", "config", "custom_hooks", "objects", "packed-refs", "refs"]
        )
        self.assertEqual([str(repository.partition) for repository in self.packed], ["default:thing.git"])
        self.assertEqual(self.left(), [])

    async def test_elsewhere(self) -> None:
        """
        A repository comes back under another name, where there is none.
        """
        await self.backup()
        new = Repository(storage_name="default", relative_path="deep/new.git")
        await self.restore(repository=new)
        self.assertEqual(self.state(os.path.join(self.root, "deep/new.git")), self.state())
        self.assertEqual(self.sink.changes, [("deep/new.git", Change.CREATED)])

    async def test_broken_target(self) -> None:
        """
        What is no repository any more makes room.
        """
        wanted = self.state()
        await self.backup()
        os.unlink(os.path.join(self.directory.path, "HEAD"))
        await self.restore()
        self.assertEqual(self.state(), wanted)

    async def test_no_backup(self) -> None:
        """
        Without a backup nothing is touched, which a detail tells; unless an empty repository is wanted then.
        """
        before = self.state()
        error = await self.error(self.restore())
        expected = "restore repository: manager: repository skipped: read refs: doesn't exist"
        self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, expected))
        self.assertEqual(error.details, (pb.RestoreRepositoryResponse.SkippedError(),))
        for always in (False, True):
            error = await self.error(self.restore("none", always))
            expected = "restore repository: manager: repository skipped: pointer locator: find: find latest ID: doesn't exist"
            self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, expected))
            self.assertEqual(error.details, (pb.RestoreRepositoryResponse.SkippedError(),))
        self.assertEqual(self.state(), before)
        await self.restore(always_create=True)
        self.assertEqual((self.refs(), self.state()["HEAD"]), ({}, "refs/heads/main"))

    async def test_bad_requests(self) -> None:
        """
        What is wrong with a request is told in Gitaly's order.
        """
        invalid = Code.INVALID_ARGUMENT
        start = "restore repository: "
        for fields, expected in (
            ({"repository": None, "vanity_repository": None}, (invalid, f"{start}repository: repository not set")),
            (
                {"repository": Repository(storage_name="none", relative_path="x")},
                (invalid, f"{start}repository: storage name not found"),
            ),
            (
                {"repository": Repository(storage_name="default", relative_path="../x")},
                (invalid, f"{start}repository: relative path escapes root directory"),
            ),
            ({"vanity_repository": None}, (invalid, f"{start}vanity repository: repository not set")),
            (
                {"vanity_repository": Repository(storage_name="x")},
                (invalid, f"{start}vanity repository: repository path not set"),
            ),
            ({"backup_id": "../x"}, (invalid, f"{start}invalid BackupId")),
        ):
            self.assertEqual(await self.refusal(self.restore(**fields)), expected)
        self.service = self.make_service(None)
        expected = (Code.FAILED_PRECONDITION, f"{start}server-side backups are not configured")
        self.assertEqual(await self.refusal(self.restore(repository=None)), expected)

    async def test_file_in_the_way(self) -> None:
        """
        A file in the place of the repository stays.
        """
        await self.backup()
        path = os.path.join(self.root, "file")
        with open(path, "w") as file:
            file.write("text")
        target = Repository(storage_name="default", relative_path="file")
        error = await self.error(self.restore(repository=target))
        self.assertTrue(error.message.startswith("restore repository: manager: "), error.message)
        self.assertTrue(os.path.isfile(path))
        self.assertEqual(self.left(), [])


class Sha256Tests(BackupCase):
    """
    A repository with long ids, and backups without pointers.
    """

    object_format = "sha256"
    pointers = False

    async def test_there_and_back(self) -> None:
        """
        Both kinds of backups keep how objects are named.
        """
        await self.backup("a")
        self.commit()
        await self.backup("b", incremental=True)
        wanted = self.state()
        self.assertIn("elsewhere/team/thing.git/b/002.bundle", self.kept())
        self.assertFalse([path for path in self.kept() if path.endswith("LATEST")])
        shutil.rmtree(self.directory.path)
        await self.restore()
        self.assertEqual(self.state(), wanted)
        self.assertEqual(wanted["format"], "sha256")
        self.run_git("fsck", "--strict")

    async def test_another_format(self) -> None:
        """
        A repository that names its objects otherwise now is backed up in full.
        """
        await self.backup("a")
        shutil.rmtree(self.directory.path)
        self.make("thing.git", 3)
        await self.backup("b", incremental=True)
        self.assertIn("elsewhere/team/thing.git/b/001.bundle", self.kept())
        wanted = self.state()
        await self.restore()
        self.assertEqual(self.state(), wanted)
