"""
Places in the write queue.
"""

from __future__ import annotations

import gc

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.storage.errors import WriteInTheWay
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.storage.naming import Place
from gitaly_tx.storage.partitions import Claims, Lifetimes, partition_of
from gitaly_tx.wal.interfaces import Partition

A = Partition("default", "a")


class PartitionTests(SynchronousTestCase):
    """
    From a place to a partition.
    """

    def test_partition(self):
        """
        The partition of a repository is its storage and its path.
        """
        place = Place(StorageInfo("default", "/srv", ""), "a")
        self.assertEqual(partition_of(place), A)


class LifetimeTests(SynchronousTestCase):
    """
    A repository and its successor at the same path are told apart.
    """

    def test_shared(self):
        """
        All who hold a repository hold the same lifetime, and learn of its end; the successor has another.
        """
        lifetimes = Lifetimes()
        first = lifetimes.of(A)
        self.assertIs(lifetimes.of(A), first)
        lifetimes.end(A)
        self.assertTrue(first.over)
        second = lifetimes.of(A)
        self.assertIsNot(second, first)
        self.assertFalse(second.over)

    def test_nobody_cares(self):
        """
        The end of a repository that nobody holds is no matter, and nothing is remembered for nobody.
        """
        lifetimes = Lifetimes()
        lifetimes.end(A)
        lifetimes.of(A)
        gc.collect()
        self.assertEqual(len(lifetimes._known), 0)


class ClaimTests(SynchronousTestCase):
    """
    What is being made or removed keeps what is above and below it from being made or removed.
    """

    def test_related(self):
        """
        A path above or below a claimed one cannot be claimed; any other can, and so can the same in another storage.
        """
        claims = Claims()
        with claims.claim(Partition("default", "a/b")):
            for path in ("a", "a/b/c", "a/b/c/d"):
                with self.assertRaises(WriteInTheWay) as caught, claims.claim(Partition("default", path)):
                    pass
                self.assertEqual(caught.exception.code, Code.ABORTED)
            for storage, path in [("default", "a/bc"), ("default", "a/c"), ("default", "b"), ("other", "a")]:
                with claims.claim(Partition(storage, path)):
                    pass

    def fail_inside(self) -> None:
        raise ZeroDivisionError

    def test_released(self):
        """
        A claim ends with its block, however that ends; two claims of one path end with the last.
        """
        claims = Claims()
        below = Partition("default", "a/b")
        with self.assertRaises(ZeroDivisionError), claims.claim(A):
            self.fail_inside()
        with claims.claim(A):
            with claims.claim(A):
                pass
            with self.assertRaises(WriteInTheWay), claims.claim(below):
                pass
        with claims.claim(below):
            pass
