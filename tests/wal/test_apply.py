"""
What an entry does to files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import zlib
from posixpath import join
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended, RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.wal.apply import Applier, Initialise, only_files
from gitaly_tx.wal.building import StagedFileLost, delete_tree
from gitaly_tx.wal.entry import encode
from gitaly_tx.wal.gitinit import by_git
from gitaly_tx.wal.interfaces import Creation, Entry, FileChange, Head, Manifest, RepositoryVanished, StagedFile
from gitaly_tx.wal.layout import Layout
from gitaly_tx.wal.lock import prepare_layout
from tests.support.git import git
from tests.support.threads import inline_threads
from tests.support.wal import ALPHA, MAIN, creation, inline_refs, outcome_of


class ApplyTests(SynchronousTestCase):
    """
    ``Applier``.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)
        self.layout = Layout(self.root)
        prepare_layout(self.layout)
        self.refs = inline_refs(Clock())
        self.applier = self.make(only_files)
        self.path = join(self.root, ALPHA.path)

    def make(self, initialise: Initialise) -> Applier:
        return Applier(self.layout, self.refs, inline_threads, initialise)

    def apply(self, manifest: Manifest) -> Entry:
        """
        Twice: the second time changes nothing.
        """
        entry = encode(manifest, Head(), "here")[0]
        outcome_of(Deferred.fromCoroutine(self.applier.apply(entry)))
        before = tree(self.root)
        if not any(file.content is None for file in manifest.staged):
            outcome_of(Deferred.fromCoroutine(self.applier.apply(entry)))
            self.assertEqual(tree(self.root), before)
        outcome_of(Deferred.fromCoroutine(self.applier.persist([entry])))
        self.assertEqual(tree(self.root), before)
        return entry

    def test_create(self) -> None:
        """
        A new repository is one for git, in either object format, with nothing in it that is not needed.
        """
        for object_format in ObjectFormat:
            self.apply(Manifest(ALPHA, create=Creation(object_format, b"refs/heads/trunk")))
            self.assertEqual(git("rev-parse", "--show-object-format", cwd=self.path).decode().strip(), object_format.value)
            self.assertEqual(git("symbolic-ref", "HEAD", cwd=self.path), b"refs/heads/trunk\n")
            git("fsck", cwd=self.path)
            self.assertEqual(sorted(os.listdir(self.path)), ["HEAD", "config", "objects", "refs"])
            self.apply(Manifest(ALPHA, remove=True))

    def test_create_in_the_way(self) -> None:
        """
        A repository that somebody else made at the same moment stays.
        """
        os.makedirs(self.path)
        self.apply(creation())
        git("fsck", cwd=self.path)
        with open(join(self.path, "config"), "ab") as file:
            file.write(b"# ours\n")
        self.apply(creation())
        with open(join(self.path, "config"), "rb") as file:
            self.assertIn(b"# ours", file.read())

    def test_files(self) -> None:
        """
        Small files are written with their mode and removed, alone or as a directory.
        """
        self.apply(creation())
        changes = (FileChange("custom_hooks/a/update", b"#!/bin/sh\n", 0o755), FileChange("custom_hooks/b", b""))
        self.apply(Manifest(ALPHA, files=changes))
        self.assertEqual(stat.S_IMODE(os.stat(join(self.path, "custom_hooks/a/update")).st_mode), 0o755)
        self.assertEqual(stat.S_IMODE(os.stat(join(self.path, "custom_hooks/b")).st_mode), 0o644)
        self.apply(Manifest(ALPHA, files=(FileChange("custom_hooks/b", None), FileChange("never/there", None))))
        self.assertFalse(os.path.exists(join(self.path, "custom_hooks/b")))
        self.apply(Manifest(ALPHA, files=(FileChange("custom_hooks", None), FileChange("custom_hooks/c", b"new"))))
        self.assertEqual(os.listdir(join(self.path, "custom_hooks")), ["c"])

    def stage(self, content: bytes, path: str, inline: bool) -> StagedFile:
        file = StagedFile("", path, len(content), hashlib.sha256(content).digest(), content if inline else None)
        if inline:
            return file
        source = os.path.relpath(self.layout.scratch("file"), self.root)
        with open(join(self.root, source), "wb") as made:
            made.write(content)
        return StagedFile(source, path, file.size, file.sha256)

    def test_staged(self) -> None:
        """
        Staged files become read-only files of the repository, and leave nothing behind.
        """
        self.apply(creation())
        for inline in (True, False):
            self.apply(Manifest(ALPHA, staged=(self.stage(b"content", f"objects/pack/{inline}.pack", inline),)))
            path = join(self.path, f"objects/pack/{inline}.pack")
            with open(path, "rb") as file:
                self.assertEqual(file.read(), b"content")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o444)
            self.assertEqual(os.listdir(self.layout.pending), [])

    def test_index_comes_last(self) -> None:
        """
        A pack's index appears after everything else, whatever the order in the manifest.
        """
        self.apply(creation())
        placed = []
        from gitaly_tx.observability import failpoints

        def look() -> None:
            placed.append(sorted(os.listdir(join(self.path, "objects/pack"))))

        files = tuple(self.stage(b"x", f"objects/pack/p.{end}", True) for end in ("idx", "rev", "pack"))
        with failpoints.active({"apply.after_each_staged": look}):
            outcome_of(Deferred.fromCoroutine(self.applier.apply(encode(Manifest(ALPHA, staged=files), Head(), "")[0])))
        self.assertEqual(placed, [["p.rev"], ["p.pack", "p.rev"], ["p.idx", "p.pack", "p.rev"]])

    def test_identical_target(self) -> None:
        """
        A file that is there already is kept; one with another content is replaced.
        """
        self.apply(creation())
        target = join(self.path, "objects/pack/p.pack")
        for inline in (True, False):
            with open(target, "wb") as file:
                file.write(b"content")
            inode = os.stat(target).st_ino
            self.apply(Manifest(ALPHA, staged=(self.stage(b"content", "objects/pack/p.pack", inline),)))
            self.assertEqual(os.stat(target).st_ino, inode)
            self.apply(Manifest(ALPHA, staged=(self.stage(b"another", "objects/pack/p.pack", inline),)))
            with open(target, "rb") as file:
                self.assertEqual(file.read(), b"another")
            self.assertEqual(os.listdir(self.layout.pending), [])
            os.unlink(target)

    def test_lost(self) -> None:
        """
        A large file that is nowhere is an error.
        """
        self.apply(creation())
        file = self.stage(b"content", "objects/pack/p.pack", False)
        os.unlink(join(self.root, file.source))
        self.assertRaises(StagedFileLost, self.apply, Manifest(ALPHA, staged=(file,)))

    def test_vanished(self) -> None:
        """
        Nothing is made where there is no repository.
        """
        self.assertRaises(RepositoryVanished, self.apply, Manifest(ALPHA, head=MAIN))
        self.assertFalse(os.path.exists(self.path))

    def test_remove(self) -> None:
        """
        A removed repository is gone with everything in it, whatever its permissions; links are not followed.
        """
        self.apply(creation())
        elsewhere = os.path.abspath(self.mktemp())
        os.mkdir(elsewhere)
        os.symlink(elsewhere, join(self.path, "link"))
        os.chmod(join(self.path, "refs"), 0o500)
        self.apply(Manifest(ALPHA, remove=True))
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(os.listdir(self.layout.trash), [])
        self.assertTrue(os.path.isdir(elsewhere))

    def test_delete_a_link(self) -> None:
        """
        Deleting a symbolic link deletes the link.
        """
        elsewhere = os.path.abspath(self.mktemp())
        os.mkdir(elsewhere)
        link = join(self.root, "link")
        os.symlink(elsewhere, link)
        delete_tree(link)
        self.assertFalse(os.path.lexists(link))
        self.assertTrue(os.path.isdir(elsewhere))

    def test_other_formats(self) -> None:
        """
        Formats of refs that only git knows are made by git, once.
        """
        made = []

        async def initialise(path: str, creation: Creation) -> None:
            made.append(creation.backend)
            git("init", "--quiet", "--bare", path)

        self.applier = self.make(initialise)
        self.apply(Manifest(ALPHA, create=Creation(ObjectFormat.SHA1, MAIN, "reftable")))
        self.assertEqual(made, ["reftable"])
        git("fsck", cwd=self.path)
        self.apply(Manifest(ALPHA, remove=True))
        content = git("hash-object", "--stdin", stdin=b"").strip()
        blob = self.stage(zlib.compress(b"blob 0\0"), f"objects/{content[:2].decode()}/{content[2:].decode()}", True)
        update = RefUpdate(b"refs/tags/v1", ObjectFormat.SHA1.zero, ObjectID(content))
        other = Creation(ObjectFormat.SHA1, MAIN, "reftable")
        self.apply(Manifest(ALPHA, other, (), (blob,), (update,), head=b"refs/heads/trunk"))
        self.assertEqual(git("for-each-ref", "--format=%(objectname)", cwd=self.path).strip(), content)
        self.assertEqual(git("symbolic-ref", "HEAD", cwd=self.path), b"refs/heads/trunk\n")

    def test_made_meanwhile(self) -> None:
        """
        If somebody else makes a repository while ours is prepared, theirs gets what ours was to have.
        """
        from gitaly_tx.observability import failpoints

        content = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n[x]\n\ty = z\n"
        creation = Creation(ObjectFormat.SHA1, MAIN)
        manifest = Manifest(ALPHA, creation, (FileChange("config", content),), (self.stage(b"x", "objects/pack/p.pack", False),))

        def make() -> None:
            git("init", "--quiet", "--bare", self.path)

        with failpoints.active({"apply.after_refs": make}):
            outcome_of(Deferred.fromCoroutine(self.applier.apply(encode(manifest, Head(), "here")[0])))
        self.assertEqual(git("config", "x.y", cwd=self.path), b"z\n")
        self.assertEqual(os.listdir(join(self.path, "objects/pack")), ["p.pack"])
        self.assertEqual(os.listdir(self.layout.pending), [])

    def test_no_links(self) -> None:
        """
        Where a file cannot have two names, a new repository gets a copy.
        """

        def refuse(source: str, target: str) -> None:
            raise OSError(errno.EPERM, "no")

        self.patch(os, "link", refuse)
        staged = self.stage(b"content", "objects/pack/p.pack", False)
        self.apply(Manifest(ALPHA, Creation(ObjectFormat.SHA1, MAIN), staged=(staged,)))
        with open(join(self.path, "objects/pack/p.pack"), "rb") as file:
            self.assertEqual(file.read(), b"content")
        self.assertEqual(os.listdir(self.layout.pending), [])

    def test_lost_at_creation(self) -> None:
        """
        A repository is not made without one of its files, and nothing is left of it.
        """
        staged = self.stage(b"content", "objects/pack/p.pack", False)
        os.unlink(join(self.root, staged.source))
        manifest = Manifest(ALPHA, Creation(ObjectFormat.SHA1, MAIN), staged=(staged,))
        self.assertRaises(StagedFileLost, self.apply, manifest)
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(os.listdir(self.layout.pending), [])

    def test_no_other_formats(self) -> None:
        """
        Without a git there are none.
        """
        manifest = Manifest(ALPHA, create=Creation(ObjectFormat.SHA1, MAIN, "reftable"))
        self.assertRaises(NotImplementedError, self.apply, manifest)

    def test_by_git(self) -> None:
        """
        git is asked for exactly the repository that is wanted.
        """
        ran: list[bytes] = []

        class Recording:
            async def run(self, command: Command) -> tuple[bytes, Ended]:
                ran.append(b" ".join(command.argv("git")))
                return b"", Ended(0)

        git_: Any = Recording()
        made = by_git(git_)("/x", Creation(ObjectFormat.SHA256, b"refs/heads/trunk", "reftable"))

        async def wait() -> None:
            await made

        outcome_of(Deferred.fromCoroutine(wait()))
        for word in (b" init ", b"--bare", b"--template=", b"--object-format=sha256", b"--ref-format=reftable", b" /x"):
            self.assertIn(word, ran[0] + b" ")
        self.assertTrue(ran[1].endswith(b"symbolic-ref HEAD refs/heads/trunk"))


def tree(root: str) -> dict[str, object]:
    """
    Everything below a directory: contents, and modes.
    """
    found: dict[str, object] = {}
    for directory, _, names in os.walk(root):
        found[directory] = None
        for name in names:
            path = join(directory, name)
            with open(path, "rb") as file:
                found[path] = (file.read(), os.stat(path).st_mode)
    return found
