"""
A descriptor that a thread may be using while its owner closes it.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .pipes import large_pipes


class Descriptor:
    """
    Closed when its owner has closed it and nobody uses it any more: the number cannot come to stand for another file while a
    thread still works with it.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._users = 0
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def used(self) -> Iterator[int]:
        """
        Use it, in any thread.

        :raises OSError: EBADF, if it was closed.
        """
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._users += 1
        try:
            yield self._number
        finally:
            self._change(-1, False)

    def close(self) -> None:
        """
        It is not needed any more. Safe to repeat.
        """
        self._change(0, True)

    def _change(self, users: int, closing: bool) -> None:
        with self._lock:
            if closing and self._closed:
                return
            self._users += users
            self._closed = self._closed or closing
            last = self._closed and not self._users
        if last:
            large_pipes.close(self._number)
