"""
Tests for gitaly_tx.git.lockfiles.
"""

from __future__ import annotations

import itertools
import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import lockfiles


class TakeTests(SynchronousTestCase):
    """
    Locks that we make, while others are at work.
    """

    def setUp(self):
        self.root = os.fsencode(os.path.abspath(self.mktemp()))
        os.mkdir(self.root)
        self.path = self.root + b"/a/b/c.lock"

    def test_directory_goes(self):
        """
        A directory that another git removes as soon as it is made is made again, but not for ever.
        """
        real, asked = os.makedirs, itertools.count(1)

        def removed(path, exist_ok):
            real(path, exist_ok=exist_ok)
            if next(asked) < 4:
                os.rmdir(path)

        patched = self.patch(os, "makedirs", removed)
        lockfiles.take(self.path)
        patched.restore()
        lockfiles.release(self.path)
        os.rmdir(os.path.dirname(self.path))

        def never(path, exist_ok):
            raise FileNotFoundError(path)

        self.patch(os, "makedirs", never)
        self.assertRaises(FileNotFoundError, lockfiles.take, self.path)

    def test_file_appears(self):
        """
        A file that appears where a directory is needed is an error of its own.
        """

        def appeared(path, exist_ok):
            raise FileExistsError(path)

        self.patch(os, "makedirs", appeared)
        self.assertRaises(NotADirectoryError, lockfiles.take, self.path)

    def test_held(self):
        """
        A lock is made once; who releases it twice does no harm.
        """
        lockfiles.take(self.path)
        self.assertRaises(FileExistsError, lockfiles.take, self.path)
        lockfiles.release(self.path)
        lockfiles.release(self.path)
        lockfiles.take(self.path)


class StaleTests(SynchronousTestCase):
    """
    Locks that somebody forgot.
    """

    def setUp(self):
        self.path = os.fsencode(os.path.abspath(self.mktemp()))
        lockfiles.take(self.path)
        self.made = os.stat(self.path).st_mtime

    def test_age(self):
        """
        A lock is stale once it is old enough, by the clock that is given.
        """
        self.assertFalse(lockfiles.break_stale(self.path, 10.0, now=lambda: self.made + 9.9))
        self.assertTrue(lockfiles.break_stale(self.path, 10.0, now=lambda: self.made + 10.1))
        self.assertFalse(os.path.exists(self.path))
        self.assertTrue(lockfiles.break_stale(self.path, 10.0))

    def test_companion(self):
        """
        A lock is as young as the file that its owner writes to.
        """
        companion = self.path + b".new"
        lockfiles.take(companion)
        os.utime(companion, (self.made + 5, self.made + 5))
        self.assertFalse(lockfiles.break_stale(self.path, 10.0, companion, now=lambda: self.made + 14))
        self.assertTrue(lockfiles.break_stale(self.path, 10.0, companion, now=lambda: self.made + 16))

    def test_somebody_else_was_quicker(self):
        """
        A lock that became another's while we looked is left alone.
        """

        def replaced():
            os.rename(self.path, self.path + b".old")
            lockfiles.take(self.path)
            return self.made + 60

        self.assertFalse(lockfiles.break_stale(self.path, 10.0, now=replaced))
        self.assertTrue(os.path.exists(self.path))
