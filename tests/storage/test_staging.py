"""
Quarantine directories on disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Callable
from posixpath import join
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.storage.errors import RepositoryGone, StagingFailed
from gitaly_tx.storage.held import ROOM
from gitaly_tx.storage.naming import Place, quarantine_prefix
from gitaly_tx.storage.staging import FilesystemStaging, Stagings
from gitaly_tx.wal.interfaces import StagedFile
from tests.support.disk import make_bare, make_storage
from tests.support.threads import ParkedThreads


class StagingTests(SynchronousTestCase):
    """
    Staging directories are made and removed in threads, and none is left.
    """

    def setUp(self) -> None:
        root = self.mktemp()
        os.makedirs(root)
        self.storage = make_storage(root)
        self.repository = GitDirectory(make_bare(self.storage, "r.git"))
        self.threads = ParkedThreads()
        self.alive = 0
        self.stagings = Stagings(self.threads, self.count)

    def count(self, change: int) -> None:
        self.alive += change

    def left(self) -> list[str]:
        """
        What is in the storage's staging area.
        """
        area = join(self.storage.path, "+gitaly/staging")
        return os.listdir(area) if os.path.exists(area) else []

    def make(self) -> FilesystemStaging:
        making = self.stagings.make(Place(self.storage, "r.git"), self.repository, ObjectFormat.SHA1)
        self.assertNoResult(making)
        self.threads.all()
        return self.successResultOf(making)

    def write(self, staging: FilesystemStaging, data: bytes = b"hi\n") -> None:
        writing = staging.write_object(b"blob", data)
        self.threads.all()
        self.successResultOf(writing)

    def test_made(self):
        """
        A staging directory is named for its repository, is nobody else's to read, and is counted.
        """
        staging = self.make()
        (name,) = self.left()
        self.assertTrue(name.startswith(quarantine_prefix("r.git")))
        self.assertEqual(os.stat(staging.path).st_mode & 0o777, 0o700)
        self.assertEqual(self.alive, 1)
        self.assertEqual(staging.directory.path, self.repository.path)
        self.assertEqual(staging.directory.object_directory, join(self.storage.path, "+gitaly/staging", name, "objects"))
        self.assertEqual(staging.directory.alternates, (self.repository.objects,))

    def hold(self) -> FilesystemStaging:
        """
        A staging that has no directory yet.
        """
        return self.stagings.hold(Place(self.storage, "r.git"), self.repository, ObjectFormat.SHA1)

    def test_held(self):
        """
        Objects that are held touch no disk, from the beginning to the end.
        """
        staging = self.hold()
        self.assertEqual((self.alive, self.left(), staging.in_memory), (1, [], True))
        oid = str(staging.write_blocking(b"blob", 3, [b"h", b"i\n"]))
        (staged,) = self.successResultOf(staging.staged())
        self.assertEqual((staged.path, staged.source), (f"objects/{oid[:2]}/{oid[2:]}", ""))
        assert staged.content is not None
        self.assertEqual((staged.size, staged.sha256), (len(staged.content), hashlib.sha256(staged.content).digest()))
        self.assertEqual(zlib.decompress(staged.content), b"blob 3\0hi\n")
        self.successResultOf(staging.discard())
        self.assertEqual((self.alive, self.left(), self.threads.parked), (0, [], []))

    def test_shown(self):
        """
        What is shown lies on disk as if it had always been there, and what comes after it, too.
        """
        staging = self.hold()
        first = str(staging.write_blocking(b"blob", 1, [b"a"]))
        showing = staging.show()
        self.threads.all()
        self.successResultOf(showing)
        self.assertFalse(staging.in_memory)
        second = str(staging.write_blocking(b"blob", 1, [b"b"]))
        self.successResultOf(staging.show())
        assert staging.directory.object_directory is not None
        for oid in (first, second):
            self.assertTrue(os.path.exists(join(staging.directory.object_directory, oid[:2], oid[2:])))
        self.assertEqual(os.stat(staging.path).st_mode & 0o777, 0o700)
        listing = staging.staged()
        self.threads.all()
        self.assertEqual({file.source != "" for file in self.successResultOf(listing)}, {True})
        discarding = staging.discard()
        self.threads.all()
        self.successResultOf(discarding)
        self.assertEqual((self.alive, self.left()), (0, []))

    def test_too_much_to_hold(self):
        """
        What there is no room for goes to the disk, with all that was held.
        """
        staging = self.hold()
        staging.write_blocking(b"blob", 1, [b"a"])
        staging.write_blocking(b"blob", ROOM, [b"x" * ROOM])
        self.assertEqual(len(self.left()), 1)
        listing = staging.staged()
        self.threads.all()
        self.assertEqual(len(self.successResultOf(listing)), 2)

    def test_shown_too_late(self):
        """
        Nobody makes a directory for what is not wanted any more, and a removal waits for one that is being made.
        """
        staging = self.hold()
        showing = staging.show()
        staging.discard()
        self.threads.all()
        self.failureResultOf(showing, RepositoryGone)
        self.assertEqual(self.left(), [])
        staging = self.hold()
        with staging._lock:
            discarding = staging.discard()
            self.assertNoResult(discarding)
        self.threads.all()
        self.successResultOf(discarding)

    def test_cannot_be_shown(self):
        """
        A disk that refuses is told as always, and nothing is left.
        """
        for act in (
            lambda staging: staging.show(),
            lambda staging: staging.scratch(),
            lambda staging: staging.write_object(b"blob", b"x" * ROOM + b"x"),
        ):
            staging = self.hold()
            self.patch(os, "makedirs", _raising(OSError(errno.ENOSPC, "why", "/srv/secret")))
            acting = act(staging)
            self.threads.all()
            self.assertEqual(self.failureResultOf(acting, StagingFailed).value.code, Code.RESOURCE_EXHAUSTED)
            discarding = staging.discard()
            self.threads.all()
            self.successResultOf(discarding)
        self.assertEqual((self.alive, self.left()), (0, []))

    def test_scratch(self):
        """
        A place for other files lies beside the objects, is not committed, and goes with them.
        """
        staging = self.make()
        made = []
        for _ in range(2):
            making = staging.scratch()
            self.threads.all()
            made.append(self.successResultOf(making))
        self.assertEqual(len(set(made)), 2)
        for path in made:
            self.assertEqual(os.path.dirname(path), staging.path)
            os.mkdir(join(path, "objects"))
        listing = staging.staged()
        self.threads.all()
        self.assertEqual(self.successResultOf(listing), ())
        discarding = staging.discard()
        self.threads.all()
        self.successResultOf(discarding)
        self.assertFalse(os.path.exists(made[0]))

    def test_staged(self):
        """
        Loose objects and packs are listed, relative to the storage and to the repository, indices last, unfinished files never.
        """
        staging = self.make()
        self.write(staging)
        objects = staging.directory.object_directory or ""
        pack = "pack-" + "a" * 40
        for name in (f"{pack}.idx", f"{pack}.pack", f"{pack}.rev", "tmp_pack_x"):
            with open(join(objects, "pack", name), "w"):
                pass
        listing = staging.staged()
        self.threads.all()
        source = os.path.relpath(objects, self.storage.path)
        names = ["45/b983be36b73c0788dc9cbcb76cbb80fc7bb057", f"pack/{pack}.pack", f"pack/{pack}.rev", f"pack/{pack}.idx"]
        expected = tuple(StagedFile(f"{source}/{name}", f"objects/{name}") for name in names)
        self.assertEqual(self.successResultOf(listing), expected)

    def test_discarded(self):
        """
        A discarded directory is gone when everybody who asked for that hears of it.
        """
        staging = self.make()
        self.write(staging)
        first, second = staging.discard(), staging.discard()
        self.assertNoResult(first)
        self.threads.all()
        for discarding in (first, second, staging.discard()):
            self.assertIsNone(self.successResultOf(discarding))
        self.assertEqual((self.left(), self.alive), ([], 0))

    def test_cancelled_while_made(self):
        """
        If nobody waits for the directory any more, it is removed as soon as it is made.
        """
        making = self.stagings.make(Place(self.storage, "r.git"), self.repository, ObjectFormat.SHA1)
        making.cancel()
        self.failureResultOf(making, CancelledError)
        self.threads.all()
        self.assertEqual((self.left(), self.alive), ([], 0))

    def test_cannot_be_made(self):
        """
        Why a directory cannot be made is told, and nothing is counted; nobody is told who does not wait any more.
        """
        with open(join(self.storage.path, "+gitaly"), "w"):
            pass
        for cancelled in (False, True):
            making = self.stagings.make(Place(self.storage, "r.git"), self.repository, ObjectFormat.SHA1)
            if cancelled:
                making.cancel()
            self.threads.all()
            self.failureResultOf(making, CancelledError if cancelled else StagingFailed)
        self.assertEqual(self.alive, 0)

    def test_disk_refuses(self):
        """
        A full or read-only disk is told as such, without a path (faults S8, S13); any other mistake is told as it is.
        """
        staging = self.make()
        module = __import__("gitaly_tx.storage.staging", fromlist=["staging"])
        for number, code, text in [
            (errno.ENOSPC, Code.RESOURCE_EXHAUSTED, "No space left on device"),
            (errno.EROFS, Code.FAILED_PRECONDITION, "Read-only file system"),
            (errno.EIO, Code.INTERNAL, "Input/output error"),
            (None, Code.INTERNAL, "input/output error"),
        ]:
            self.patch(module, "write_loose_pieces", _raising(OSError(number, "why", "/srv/secret")))
            writing = staging.write_object(b"blob", b"")
            self.threads.all()
            error = self.failureResultOf(writing, StagingFailed).value
            self.assertEqual((error.code, error.message), (code, text))
        self.patch(module, "write_loose_pieces", _raising(ValueError("unknown object type")))
        writing = staging.write_object(b"blub", b"")
        self.threads.all()
        self.failureResultOf(writing, ValueError)

    def test_discarded_while_used(self):
        """
        A directory that a commit uses stays until the commit has ended, whoever discards it meanwhile, and a second commit cannot
        begin.
        """
        staging = self.make()
        staging.use()
        discarding = staging.discard()
        abandoned = staging.discard()
        abandoned.cancel()
        self.failureResultOf(abandoned, CancelledError)
        self.threads.all()
        self.assertNoResult(discarding)
        self.assertEqual(len(self.left()), 1)
        self.assertEqual(self.assertRaises(RepositoryGone, staging.use).code, Code.NOT_FOUND)
        staging.release()
        self.threads.all()
        self.assertIsNone(self.successResultOf(discarding))
        self.assertEqual((self.left(), self.alive), ([], 0))

    def test_used_and_kept(self):
        """
        The end of a commit alone removes nothing: a failed one can be tried again.
        """
        staging = self.make()
        staging.use()
        staging.release()
        self.threads.all()
        self.assertEqual(len(self.left()), 1)

    def test_cannot_be_removed(self):
        """
        What cannot be removed is logged and left to the next start; who discards is not troubled by it.
        """
        staging = self.make()
        failing = PermissionError(13, "no")

        def refuse(path: str) -> None:
            raise failing

        self.patch(__import__("gitaly_tx.storage.staging", fromlist=["staging"]), "remove_tree", refuse)
        discarding = staging.discard()
        self.threads.all()
        self.assertIsNone(self.successResultOf(discarding))
        self.assertEqual([failure.value for failure in self.flushLoggedErrors(PermissionError)], [failing])


def _raising(error: Exception) -> Callable[..., Any]:
    def refuse(*given: object, **named: object) -> None:
        raise error

    return refuse
