"""
Which file system a storage is.
"""

from __future__ import annotations

import json
import os
from posixpath import join
from uuid import UUID

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.storage.metadata import ensure_filesystem_id, read_filesystem_id


class MetadataTests(SynchronousTestCase):
    """
    The file ``.gitaly-metadata``.
    """

    def setUp(self) -> None:
        self.root = self.mktemp()
        os.makedirs(self.root)
        self.path = join(self.root, ".gitaly-metadata")

    def test_made_once(self):
        """
        An identifier is made where none is, in Gitaly's form, and kept from then on; nothing else is left.
        """
        self.assertEqual(read_filesystem_id(self.root), "")
        made = ensure_filesystem_id(self.root)
        self.assertEqual(str(UUID(made)), made)
        with open(self.path) as file:
            self.assertEqual(json.load(file), {"gitaly_filesystem_id": made})
        self.assertEqual(ensure_filesystem_id(self.root, lambda: "another"), made)
        self.assertEqual(read_filesystem_id(self.root), made)
        self.assertEqual(os.listdir(self.root), [".gitaly-metadata"])
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o644)

    def test_race(self):
        """
        Of two servers that make it at once, one wins, and both use its identifier.
        """

        def slow() -> str:
            ensure_filesystem_id(self.root, lambda: "first")
            return "second"

        self.assertEqual(ensure_filesystem_id(self.root, slow), "first")
        self.assertEqual(os.listdir(self.root), [".gitaly-metadata"])

    def test_unreadable(self):
        """
        A file that says nothing useful gives no identifier and is not overwritten.
        """
        for content in (b"", b"{", b"[]", b'"x"', b"{}", b'{"gitaly_filesystem_id": 7}', b"\xff"):
            with open(self.path, "wb") as file:
                file.write(content)
            self.assertEqual(ensure_filesystem_id(self.root), "")
            with open(self.path, "rb") as file:
                self.assertEqual(file.read(), content)

    def test_unwritable(self):
        """
        A storage that cannot be written to is the caller's problem.
        """
        self.assertRaises(OSError, ensure_filesystem_id, join(self.root, "missing"))
