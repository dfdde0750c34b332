"""
Tests for :mod:`gitaly_tx.storage.poolpaths`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.storage.poolpaths import is_pool_path

DIGEST = "abcd" + "0" * 60


class PoolPathTests(SynchronousTestCase):
    """
    ``is_pool_path``
    """

    def test_paths(self) -> None:
        """
        A pool lies below ``@pools`` by its digest, or is numbered by a cluster.
        """
        for path, expected in (
            (f"@pools/ab/cd/{DIGEST}.git", True),
            ("@cluster/pools/ab/cd/123", True),
            (f"@pools/ab/ce/{DIGEST}.git", False),
            (f"@hashed/ab/cd/{DIGEST}.git", False),
            (f"@pools/ab/cd/{DIGEST}", False),
            (f"@pools/ab/cd/{DIGEST}.git/x", False),
            ("@cluster/repositories/ab/cd/123", False),
            ("@cluster/pools/ab/cd/x", False),
        ):
            self.assertEqual(is_pool_path(path), expected, path)
