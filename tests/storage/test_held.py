"""
Tests for :mod:`gitaly_tx.storage.held`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.storage.held import Held
from tests.support.git import git, make_repository


class HeldTests(SynchronousTestCase):
    """
    ``Held``.
    """

    def test_written(self) -> None:
        """
        git finds the objects once they are written, in both formats; writing them again does no harm.
        """
        for object_format in ObjectFormat:
            directory = make_repository(os.path.abspath(self.mktemp()), object_format=object_format.value)
            held = Held(object_format)
            oids = [held.add(b"blob", data) for data in (b"", b"x", b"y" * 1000)]
            for _ in range(2):
                held.write(directory.objects)
            self.assertEqual(git("-C", directory.path, "cat-file", "blob", str(oids[2])), b"y" * 1000)
            git("-C", directory.path, "fsck", "--strict")

    def test_room(self) -> None:
        """
        There is as much less room as there are bytes; an object that is there twice is staged once.
        """
        held = Held(ObjectFormat.SHA1, 10)
        held.add(b"blob", b"abc")
        held.add(b"blob", b"abc")
        self.assertEqual((held.room, len(held.staged())), (4, 1))
        self.assertRaises(ValueError, held.add, b"glob", b"")
