"""
The log on disks that fail and forget.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from posixpath import join

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.wal.interfaces import (
    Head,
    LogFailed,
    LogFull,
    Manifest,
    Partition,
)
from gitaly_tx.wal.layout import read_whole
from tests.support.logcase import LogCase
from tests.support.wal import NEXT_BOOT
from tests.support.waldisk import ALPHA, BETA, EIO, ENOSPC, EROFS, FaultyDisk, LogOnDisk


class FailingDiskTests(LogCase):
    """
    Errors of the disk under the log.
    """

    def assertRead(self, site: LogOnDisk, expected: list[Head]) -> None:
        """
        After a restart exactly these entries are there.
        """
        made, told = self.again(site)
        self.assertEqual(told, expected)
        self.assertEqual(made.log.refused, {})

    def test_no_space(self) -> None:
        """
        Without space an append fails and leaves nothing; with space again the next one passes (S7, S10).
        """
        site = self.started()
        first = site.append()
        size = os.path.getsize(site.layout.segment(1))
        for number in (ENOSPC, errno.EDQUOT):
            self.disk.fail("write", number)
            error = self.assertFailsWith(LogFull, site.begin())
            self.assertEqual((error.code, error.message), (Code.RESOURCE_EXHAUSTED, "No space left on device"))
            self.assertEqual(os.path.getsize(site.layout.segment(1)), size)
        second = site.append()
        self.assertEqual(site.segments(), [1])
        self.assertRead(site, [first.head, second.head])

    def test_no_space_for_the_first_segment(self) -> None:
        """
        A server with a full disk starts; it takes writes as soon as there is space.
        """
        for operation in ("create", "write", "sync", "rename", "sync_directory"):
            self.disk.fail(operation, ENOSPC)
            site = self.started()
            self.assertFailsWith(LogFull, site.begin())
            self.assertEqual(os.listdir(site.layout.log), ["pending"])
            site.die()
        site = self.started()
        self.assertEqual(site.append().head.lsn, 1)

    def test_no_space_and_no_way_back(self) -> None:
        """
        If what was written cannot be cut off again, the segment ends before it and a new one begins.
        """
        for step in ("truncate", "sync"):
            site = self.started()
            site.append()
            self.disk.fail("write", ENOSPC)
            self.disk.fail(step, EIO)
            self.assertFailsWith(LogFull, site.begin())
            last = site.append()
            self.assertEqual(len(site.segments()), 2)
            made, told = self.again(site)
            self.assertEqual(told[-1], last.head)
            self.assertEqual([head.lsn for head in told], [1, 2])
            made.die()
            shutil.rmtree(self.root)
            os.mkdir(self.root)

    def test_read_only(self) -> None:
        """
        A disk that has become read-only is named as such (S13).
        """
        site = self.started()
        self.disk.fail("write", EROFS)
        error = self.assertFailsWith(GitalyError, site.begin())
        self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, "storage is read-only"))

    def test_failed_fsync(self) -> None:
        """
        A failed fsync is never repeated: its entries fail, a new segment leaves them out for good, and the log goes on (S11).
        """
        site = self.started()
        first = site.append()
        self.disk.fail("sync", EIO)
        self.disk.counts.clear()
        error = self.assertFailsWith(LogFailed, site.begin())
        assert isinstance(error, LogFailed)
        self.assertEqual((error.code, error.uncertain), (Code.UNAVAILABLE, False))
        self.assertEqual(self.disk.counts["sync"], 2)
        self.assertEqual(site.head(), first.head)
        second = site.append(ALPHA, Manifest(ALPHA, head=b"refs/heads/other"))
        self.assertEqual(site.segments(), [1, 2])
        self.assertNotIn(second.head.digest, read_whole(site.layout.segment(1)))
        self.assertRead(site, [first.head, second.head])

    def test_failed_fsync_for_want_of_space(self) -> None:
        """
        Some file systems find out only then that there is no space.
        """
        site = self.started()
        self.disk.fail("sync", None, None)
        first = site.append()
        self.disk.fail("sync", ENOSPC)
        self.assertFailsWith(LogFull, site.begin())
        self.assertRead(site, [first.head])

    def test_dead_disk(self) -> None:
        """
        If a new segment cannot be made either, the log has failed: every append says so, and heads can still be read.
        """
        site = self.started()
        first = site.append()
        self.disk.fail("sync", EIO, EIO)
        error = self.assertFailsWith(LogFailed, site.begin())
        assert isinstance(error, LogFailed)
        self.assertTrue(error.uncertain)
        for _ in range(2):
            error = self.assertFailsWith(LogFailed, site.begin())
            assert isinstance(error, LogFailed)
            self.assertFalse(error.uncertain)
        self.assertRaises(LogFailed, site.checkpoint)
        self.assertEqual(site.head(), first.head)
        site.run(site.log.stop)
        self.assertEqual(len(self.flushLoggedErrors(LogFailed)), 1)

    def test_notes_that_cannot_be_written(self) -> None:
        """
        A note waits for the next batch if it cannot be written now.
        """
        site = self.started()
        site.log.applied(site.append())
        self.disk.fail("write", ENOSPC)
        site.clock.advance(1)
        other = site.append(BETA)
        self.assertRead(site, [other.head])

    def test_forgetful_disk(self) -> None:
        """
        Whatever the disk forgets that was not synced, what was acknowledged is there (W10).
        """
        forgetful = ForgetfulDisk(self.root)
        site = LogOnDisk(self.root, disk=forgetful)
        site.start()
        acknowledged: list[Head] = []
        copies: list[tuple[str, list[Head]]] = []
        forgetful.before = lambda: copies.append((forgetful.crashed(self.mktemp()), list(acknowledged)))
        for number in range(4):
            entry = site.append(ALPHA if number % 2 else BETA)
            acknowledged.append(entry.head)
            site.log.applied(entry)
            if number == 1:
                site.clock.advance(1)
            if number == 2:
                site.checkpoint()
        forgetful.before = lambda: None
        self.assertGreater(len(copies), 15)
        for root, promised in copies:
            made = LogOnDisk(root, NEXT_BOOT)
            made.start()
            self.assertEqual(made.log.refused, {})
            for partition in (ALPHA, BETA):
                own = [head.lsn for head in promised if _partition_of(head, acknowledged) == partition]
                self.assertGreaterEqual(made.head(partition).lsn, max(own, default=0))
            made.die()


def _partition_of(head: Head, acknowledged: list[Head]) -> Partition:
    return ALPHA if acknowledged.index(head) % 2 else BETA


class ForgetfulDisk(FaultyDisk):
    """
    Knows what of each file was synced.

    :param root: the storage.
    """

    before: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, root: str) -> None:
        super().__init__()
        self.root = root
        self.paths: dict[int, str] = {}
        self.synced: dict[str, bytes] = {}

    def create(self, path: str) -> int:
        self.before()
        made = super().create(path)
        self.paths[made] = path
        return made

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self.before()
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self.before()
        super().sync(descriptor)
        path = self.paths[descriptor]
        with open(path, "rb") as file:
            self.synced[path] = file.read()

    def rename(self, old: str, new: str) -> None:
        self.before()
        super().rename(old, new)
        self.synced[new] = self.synced.pop(old)
        self.paths = {number: new if path == old else path for number, path in self.paths.items()}

    def sync_directory(self, path: str) -> None:
        self.before()
        super().sync_directory(path)

    def crashed(self, target: str) -> str:
        """
        A copy of the storage in which segments hold only what was synced.
        """
        shutil.copytree(self.root, target)
        for path, content in self.synced.items():
            copy = join(target, os.path.relpath(path, self.root))
            if os.path.exists(copy):
                with open(copy, "wb") as file:
                    file.write(content)
        return target
