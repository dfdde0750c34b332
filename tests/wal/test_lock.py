"""
One server for each storage, one layout.
"""

from __future__ import annotations

import os
import subprocess
import sys
from posixpath import join

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.wal.layout import Layout
from gitaly_tx.wal.lock import LayoutUnknown, StorageInUse, StorageLock, boot_id, prepare_layout


class LockCase(SynchronousTestCase):
    """
    An empty storage.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)
        self.layout = Layout(self.root)


class StorageLockTests(LockCase):
    """
    ``StorageLock``.
    """

    def test_second(self) -> None:
        """
        A second server is refused, and told the first one's process (L4).
        """
        first = StorageLock(self.layout)
        first.acquire()
        error = self.assertRaises(StorageInUse, StorageLock(self.layout).acquire)
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn(f"is in use by pid {os.getpid()}", error.message)
        first.release()
        first.release()
        second = StorageLock(self.layout)
        second.acquire()
        second.release()

    def test_goes_with_the_process(self) -> None:
        """
        A process that ends without a word leaves no lock.
        """
        program = (
            "import sys, os; from gitaly_tx.wal.lock import StorageLock; from gitaly_tx.wal.layout import Layout\n"
            "StorageLock(Layout(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", program, self.root], check=False)
        lock = StorageLock(self.layout)
        lock.acquire()
        lock.release()


class LayoutTests(LockCase):
    """
    ``prepare_layout``.
    """

    def test_empty(self) -> None:
        """
        An empty storage gets everything, and is known again.
        """
        for _ in range(2):
            prepare_layout(self.layout)
        with open(join(self.layout.own, "version")) as file:
            self.assertEqual(file.read(), "1\n")
        for directory in self.layout.directories():
            self.assertTrue(os.path.isdir(directory))

    def test_caches_of_others(self) -> None:
        """
        A Gitaly's caches and temporary files are no reason to refuse its storage.
        """
        os.makedirs(join(self.layout.own, "cache"))
        os.makedirs(join(self.layout.own, "tmp"))
        prepare_layout(self.layout)

    def assertRefused(self, words: str) -> None:
        before = sorted(os.listdir(self.layout.own))
        error = self.assertRaises(LayoutUnknown, prepare_layout, self.layout)
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn(words, error.message)
        self.assertEqual(sorted(os.listdir(self.layout.own)), before)

    def test_newer(self) -> None:
        """
        A newer layout, or one that nobody knows, is refused and left alone.
        """
        os.makedirs(self.layout.own)
        for content in ("2\n", "", "junk"):
            with open(join(self.layout.own, "version"), "w") as file:
                file.write(content)
            self.assertRefused("start the version that made it")

    def test_log_without_a_version(self) -> None:
        """
        A log of which nobody says what made it is refused.
        """
        os.makedirs(self.layout.log)
        self.assertRefused("a wal without a version")

    def test_boot_id(self) -> None:
        """
        The kernel's run has 16 bytes, the same ones each time.
        """
        self.assertEqual(len(boot_id()), 16)
        self.assertEqual(boot_id(), boot_id())
