"""
Tests for :mod:`gitaly_tx.git.pipes` and :mod:`gitaly_tx.git.pidfd`: what reactors do in rare cases.
"""

from __future__ import annotations

import os
from typing import Any, cast
from unittest import mock

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.pidfd import ProcessEnd
from gitaly_tx.git.pipes import PipeDrain, PipeReader, PipeWriter
from gitaly_tx.streams import StreamBroken

GONE = Failure(ConnectionDone())


class WatchedDescriptors:
    """
    A reactor that only remembers what it watches.
    """

    def __init__(self) -> None:
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.addReader = self.readers.add
        self.removeReader = self.readers.discard
        self.addWriter = self.writers.add
        self.removeWriter = self.writers.discard


class PipeReaderTests(SynchronousTestCase):
    """
    The reading end.
    """

    def setUp(self) -> None:
        self.reactor = WatchedDescriptors()
        reading, self.writing = os.pipe()
        self.reader = PipeReader(cast(Any, self.reactor), reading)
        self.addCleanup(self.reader.abandon)

    def test_watched_only_when_wanted(self):
        """
        Nothing is read unless somebody asked, and after a read that nobody repeats the pipe is not looked at any more.
        """
        os.write(self.writing, b"one")
        self.assertEqual(self.reactor.readers, set())
        reading = self.reader.read()
        self.assertEqual(self.reactor.readers, {self.reader})
        self.reader.doRead()
        self.assertEqual(self.successResultOf(reading), b"one")
        os.write(self.writing, b"two")
        self.reader.doRead()
        self.assertEqual(self.reactor.readers, set())
        reading = self.reader.read()
        self.reader.doRead()
        self.assertEqual(self.successResultOf(reading), b"two")
        os.close(self.writing)

    def test_woken_for_nothing(self):
        """
        A reactor may call for a descriptor that had the same number; then there is nothing to read.
        """
        reading = self.reader.read()
        self.reader.doRead()
        self.assertNoResult(reading)
        os.close(self.writing)
        self.reader.doRead()
        self.assertEqual(self.successResultOf(reading), b"")
        self.assertEqual((self.reader.fileno(), self.reactor.readers), (-1, set()))

    def test_reactor_sees_the_end(self):
        """
        Some reactors tell of the end of a pipe instead of letting it be read.
        """
        reading = self.reader.read()
        os.close(self.writing)
        self.reader.connectionLost(GONE)
        self.assertEqual(self.successResultOf(reading), b"")
        self.assertTrue(self.reader.exhausted)

    def test_reactor_ends(self):
        """
        When the reactor ends in the middle, a read that waits fails, and so do later ones.
        """
        reading = self.reader.read()
        self.reader.connectionLost(GONE)
        self.failureResultOf(reading, StreamBroken)
        self.failureResultOf(self.reader.read(), StreamBroken)
        os.close(self.writing)

    def test_cannot_read(self):
        """
        A pipe that cannot be read is broken.
        """
        reading = self.reader.read()
        with mock.patch("gitaly_tx.git.pipes.os.read", side_effect=OSError(5, "input/output error")):
            self.reader.doRead()
        self.failureResultOf(reading, StreamBroken)
        os.close(self.writing)


class PipeDrainTests(SynchronousTestCase):
    """
    The reading end of what is read without being asked for.
    """

    def setUp(self) -> None:
        self.reactor = WatchedDescriptors()
        self.taken: list[bytes] = []
        reading, self.writing = os.pipe()
        self.drain = PipeDrain(cast(Any, self.reactor), reading, self.taken.append)
        self.addCleanup(self.drain.abandon)

    def test_takes(self):
        """
        Whatever comes is taken, until the end; the reactor may call in vain.
        """
        self.assertEqual((self.reactor.readers, self.drain.wanted), ({self.drain}, True))
        for piece in (b"one", b"two"):
            os.write(self.writing, piece)
            self.drain.doRead()
            self.drain.doRead()
        self.assertEqual(self.taken, [b"one", b"two"])
        self.assertNoResult(self.drain.ended)
        os.close(self.writing)
        self.drain.doRead()
        self.successResultOf(self.drain.ended)
        self.assertEqual((self.reactor.readers, self.drain.wanted, self.drain.fileno()), (set(), False, -1))

    def test_cannot_read(self):
        """
        A pipe that cannot be read is let go of.
        """
        with mock.patch("gitaly_tx.git.pipes.os.read", side_effect=OSError(5, "input/output error")):
            self.drain.doRead()
        self.successResultOf(self.drain.ended)
        self.assertEqual((self.reactor.readers, self.taken), (set(), []))
        os.close(self.writing)


class PipeWriterTests(SynchronousTestCase):
    """
    The writing end.
    """

    def setUp(self) -> None:
        self.reactor = WatchedDescriptors()
        self.reading, writing = os.pipe()
        self.addCleanup(os.close, self.reading)
        self.writer = PipeWriter(cast(Any, self.reactor), writing)
        self.addCleanup(self.writer.abandon)

    def test_full(self):
        """
        A write is done once all of it is in the pipe; the reactor may call in vain.
        """
        writing = self.writer.write(b"x" * (2 << 20))
        self.assertEqual(self.reactor.writers, {self.writer})
        self.writer.doWrite()
        self.assertNoResult(writing)
        count = 0
        while count < 2 << 20:
            count += len(os.read(self.reading, 1 << 20))
            if writing.called:
                break
            self.writer.doWrite()
        self.successResultOf(writing)
        self.assertEqual(self.reactor.writers, set())

    def test_closed_while_full(self):
        """
        The end comes after what is being written.
        """
        writing = self.writer.write(b"x" * (2 << 20))
        self.writer.close()
        self.assertNotEqual(self.writer.fileno(), -1)
        while not writing.called:
            os.read(self.reading, 1 << 20)
            self.writer.doWrite()
        self.successResultOf(writing)
        self.assertEqual(self.writer.fileno(), -1)

    def test_reactor_tells(self):
        """
        A reactor that says that nobody reads any more breaks the write that waits.
        """
        writing = self.writer.write(b"x" * (2 << 20))
        self.writer.connectionLost(GONE)
        self.failureResultOf(writing, StreamBroken)

    def test_cannot_write(self):
        """
        A pipe that cannot be written to is broken.
        """
        with mock.patch("gitaly_tx.git.pipes.os.write", side_effect=OSError(5, "input/output error")):
            self.failureResultOf(self.writer.write(b"x"), StreamBroken)


class ProcessEndTests(SynchronousTestCase):
    """
    The end of a process.
    """

    def test_woken_for_nothing(self):
        """
        A process that still runs has not ended, whatever the reactor says; when the reactor ends nobody is told.
        """
        reactor: Any = WatchedDescriptors()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:  # pragma: no cover
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        ended: list[bool] = []
        end = ProcessEnd(reactor, pid, lambda: ended.append(True))
        end.doRead()
        self.assertEqual(ended, [])
        end.connectionLost(GONE)
        end.connectionLost(GONE)
        self.assertEqual((ended, end.fileno(), reactor.readers), ([], -1, set()))
        os.close(writing)
        os.close(reading)
        os.waitpid(pid, 0)
