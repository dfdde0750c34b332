"""
The map on disk.
"""

from __future__ import annotations

import os

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.wal.interfaces import IKeyValue
from gitaly_tx.wal.keyvalue import SQLiteKeyValue, StateUnreadable
from tests.contracts import keyvalue
from tests.support.threads import inline_threads


class SQLiteKeyValueTests(keyvalue.KeyValueContract):
    """
    ``SQLiteKeyValue`` keeps the contract.
    """

    def make_map(self) -> IKeyValue:
        self.path = os.path.abspath(self.mktemp())
        return SQLiteKeyValue(self.path, inline_threads)

    def test_durable(self) -> None:
        """
        Another one on the same file has what was put.
        """
        self.put((b"a", b"1"))
        self.close()
        self.map = SQLiteKeyValue(self.path, inline_threads)
        self.assertEqual(self.get(b"a"), b"1")
        self.close()
        self.close()

    def test_all_or_none(self) -> None:
        """
        If one item cannot be put, none is.
        """
        error = self.assertRaises(GitalyError, self.put, (b"a", b"1"), (b"b", object()))
        self.assertEqual(error.message, "write-ahead log's state.db cannot be written")
        self.assertIsNone(self.get(b"a"))
        self.put((b"a", b"2"))
        self.assertEqual(self.get(b"a"), b"2")
        self.close()

    def test_junk(self) -> None:
        """
        A file that is no map is refused, with words that say what to do, and is not overwritten.
        """
        with open(self.path, "wb") as file:
            file.write(b"junk" * 1000)
        error = self.assertRaises(StateUnreadable, self.get, b"a")
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn("restore it from a backup", error.message)
        self.assertRaises(GitalyError, self.put, (b"a", b"1"))
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"junk" * 1000)
