"""
Loose objects in memory.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.loosecache import LARGEST, LooseCache
from gitaly_tx.git.looseobjects import loose_path
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.quarantine import write_loose_object


class LooseCacheTests(SynchronousTestCase):
    """
    ``LooseCache``.
    """

    def setUp(self) -> None:
        self.path = self.mktemp()
        os.mkdir(self.path)

    def write(self, data: bytes) -> ObjectID:
        """
        A blob on disk.
        """
        return write_loose_object(self.path, ObjectFormat.SHA1, b"blob", data)

    def test_as_long_as_its_file_is_there(self) -> None:
        """
        An object counts no longer than its file; when it has gone, nothing is kept of it.
        """
        cache = LooseCache(10_000)
        oid = self.write(b"x" * 1000)
        cache.put(self.path, oid, b"blob", b"x" * 1000)
        self.assertEqual(cache.get(self.path, oid), (b"blob", b"x" * 1000))
        self.assertIsNone(cache.get(os.path.join(self.path, "elsewhere"), oid))
        os.unlink(loose_path(self.path, oid))
        self.assertIsNone(cache.get(self.path, oid))
        self.assertEqual(cache.size, 0)

    def test_bounded(self) -> None:
        """
        The objects that were used last stay; a large one never does.
        """
        cache = LooseCache(5_000)
        oids = [self.write(b"%d" % number * 1000) for number in range(4)]
        for number, oid in enumerate(oids):
            cache.put(self.path, oid, b"blob", b"%d" % number * 1000)
            cache.put(self.path, oid, b"blob", b"%d" % number * 1000)
            cache.get(self.path, oids[0])
        self.assertEqual([cache.get(self.path, oid) is not None for oid in oids], [True, False, True, True])
        self.assertLessEqual(cache.size, 5_000)
        large = self.write(b"x" * (LARGEST + 1))
        cache.put(self.path, large, b"blob", b"x" * (LARGEST + 1))
        self.assertIsNone(cache.get(self.path, large))
