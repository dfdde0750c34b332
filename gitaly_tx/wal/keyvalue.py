"""
The small durable map on disk: SQLite, which has every crash behind it already.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..errors import Code, GitalyError
from .interfaces import IKeyValue
from .threads import InThread


class StateUnreadable(GitalyError):
    """
    The map's file is no map, or is damaged.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            "write-ahead log's state.db cannot be read: restore it from a backup", Code.FAILED_PRECONDITION, {"error": why}
        )


@implementer(IKeyValue)
@define(eq=False)
class SQLiteKeyValue:
    """
    One table in one file, opened with the first question. Only one thread uses it at a time.

    :param path: the file.
    """

    _path: str
    _in_thread: InThread
    _connection: sqlite3.Connection | None = field(default=None, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def get(self, key: bytes) -> Deferred[bytes | None]:
        """
        One value.
        """
        return self._in_thread(self._get, key)

    def put(self, items: Sequence[tuple[bytes, bytes | None]]) -> Deferred[None]:
        """
        Many values, in one transaction.
        """
        return self._in_thread(self._put, items)

    def close(self) -> Deferred[None]:
        """
        Close the file.
        """
        return self._in_thread(self._close)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                # With EXTRA the directory is synced too, after the journal is gone: without it a commit may be undone.
                connection.execute("PRAGMA synchronous=EXTRA")
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("CREATE TABLE IF NOT EXISTS map (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _get(self, key: bytes) -> bytes | None:
        try:
            with self._lock:
                row = self._open().execute("SELECT value FROM map WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise StateUnreadable(str(error)) from error
        return None if row is None else bytes(row[0])

    def _put(self, items: Sequence[tuple[bytes, bytes | None]]) -> None:
        try:
            with self._lock:
                self._replace(self._open(), items)
        except sqlite3.Error as error:
            raise GitalyError("write-ahead log's state.db cannot be written", Code.INTERNAL, {"error": str(error)}) from error

    def _replace(self, connection: sqlite3.Connection, items: Sequence[tuple[bytes, bytes | None]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for key, value in items:
                if value is None:
                    connection.execute("DELETE FROM map WHERE key = ?", (key,))
                else:
                    connection.execute("REPLACE INTO map VALUES (?, ?)", (key, value))
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
