"""
Lines of the log, on their way to a file or a pipe.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

PAUSE: Final = 0.02
"""Seconds in which lines come together before they are written."""

MOST: Final = 50_000
"""Lines that wait at most. A disk that takes none for so long loses those that come then."""


class LineWriter:
    """
    Writes lines in a thread of its own, some at a time: a write costs as much as making ten lines, and a disk that is slow or
    full must not hold up the reactor. Before it is started, and after it was stopped, it writes at once.

    :param write: takes text; may block, and may raise :class:`OSError` or :class:`ValueError`.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()
        self._asked = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._lost = 0

    def start(self) -> None:
        """
        Begin to write in a thread.
        """
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="log-lines", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """
        Write what waits, and from now on at once.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping = True
            self._asked.set()
            thread.join()
        self.flush()

    def write(self, line: str) -> None:
        """
        :param line: with its newline.
        """
        if len(self._lines) >= MOST:
            self._lost += 1
            return
        self._lines.append(line)
        if self._thread is None:
            self.flush()
        elif not self._asked.is_set():
            self._asked.set()

    def flush(self) -> None:
        """
        Write what waits, here.
        """
        with self._writing:
            lines = []
            while self._lines:
                lines.append(self._lines.popleft())
            if not lines:
                return
            try:
                self._write("".join(lines))
            except (OSError, ValueError):
                self._lost += len(lines)
            else:
                self._lost = 0

    def apart(self, job: Callable[[], object]) -> None:
        """
        Do something to the file while nobody writes to it.
        """
        self.flush()
        with self._writing:
            job()

    def lost(self) -> int:
        """
        How many lines could not be written since the last one that could.
        """
        return self._lost

    def _work(self) -> None:
        while not self._stopping:
            self._asked.wait()
            if not self._stopping:
                time.sleep(PAUSE)
            self._asked.clear()
            self.flush()


__all__ = ["LineWriter"]
