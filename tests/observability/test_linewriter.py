"""
Tests for :mod:`gitaly_tx.observability.linewriter`.
"""

from __future__ import annotations

import threading

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability import linewriter
from gitaly_tx.observability.linewriter import LineWriter
from gitaly_tx.observability.logs import LineObserver


class LineWriterTests(SynchronousTestCase):
    """
    :class:`LineWriter`
    """

    def setUp(self) -> None:
        self.written: list[str] = []
        self.threads: set[int] = set()
        self.broken = False
        self.writer = LineWriter(self.write)

    def write(self, text: str) -> None:
        if self.broken:
            raise OSError
        self.threads.add(threading.get_ident())
        self.written.append(text)

    def test_at_once(self) -> None:
        """
        Without a thread a line is written at once, one by one.
        """
        for line in ("a\n", "b\n"):
            self.writer.write(line)
        self.assertEqual(self.written, ["a\n", "b\n"])
        self.assertEqual(self.threads, {threading.get_ident()})

    def test_together(self) -> None:
        """
        A thread writes what has come together, and nothing is left when it has been stopped. Then lines are written at once.
        """
        self.writer.start()
        for _ in range(1000):
            self.writer.write("a\n")
        self.writer.stop()
        self.assertEqual("".join(self.written), "a\n" * 1000)
        self.assertLess(len(self.written), 1000)
        self.writer.stop()
        self.writer.write("b\n")
        self.assertEqual(self.written[-1], "b\n")

    def test_thread(self) -> None:
        """
        Somebody who waits sees the line, without anybody stopping or flushing.
        """
        seen = threading.Event()
        writer = LineWriter(lambda text: seen.set())
        writer.start()
        self.addCleanup(writer.stop)
        writer.write("a\n")
        self.assertTrue(seen.wait(30))

    def test_lost(self) -> None:
        """
        Lines that could not be written are counted; the log says so on the next line that can be.
        """
        observer = LineObserver(self.writer.write, json=False, lost=self.writer.lost)
        log = Logger("x", observer=observer)
        self.broken = True
        log.info("one")
        log.info("two")
        self.broken = False
        log.info("three")
        log.info("four")
        self.assertIn("lost_lines=2", self.written[0])
        self.assertNotIn("lost_lines", self.written[1])

    def test_bounded(self) -> None:
        """
        A disk that takes nothing for long costs lines and not memory.
        """
        self.patch(linewriter, "MOST", 2)
        writing, waiting = threading.Event(), threading.Event()

        def stuck(text: str) -> None:
            writing.set()
            waiting.wait(30)

        writer = LineWriter(stuck)
        writer.start()
        writer.write("a\n")
        self.assertTrue(writing.wait(30))
        for _ in range(5):
            writer.write("b\n")
        self.assertEqual(writer.lost(), 3)
        waiting.set()
        writer.stop()

    def test_apart(self) -> None:
        """
        What is done to the file is done between two writes, after what waited.
        """
        self.writer.start()
        self.writer.write("a\n")
        self.writer.apart(lambda: self.written.append("apart"))
        self.writer.write("b\n")
        self.writer.stop()
        self.assertEqual(self.written, ["a\n", "apart", "b\n"])
