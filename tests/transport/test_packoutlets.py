"""
Tests for :mod:`gitaly_tx.transport.packoutlets`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.descriptor import Descriptor
from gitaly_tx.storage.threads import Threads
from gitaly_tx.transport.packoutlets import SinkOutlet
from protocols.git.sideband import BAND_DATA, encoded
from tests.support.immediate import ImmediatePool, ImmediateReactor
from tests.support.streams import MemorySink

CONTENT = bytes(range(251)) * 2000
BEGIN = 10
REACTOR: Any = ImmediateReactor()


class CountingPool(ImmediatePool):
    """
    Counts how often a thread is asked.
    """

    asked = 0

    def callInThreadWithCallback(self, onResult: Any, func: Any, *args: Any, **kw: Any) -> None:
        """
        As the pool's.
        """
        self.asked += 1
        super().callInThreadWithCallback(onResult, func, *args, **kw)


class SinkOutletTests(SynchronousTestCase):
    """
    ``SinkOutlet``, on a file of two pieces.
    """

    def sent(self, preadv: Callable[[int, list[memoryview], int, int], int], plain: bool = False) -> tuple[bytes, int]:
        """
        Send all but the beginning.

        :param preadv: stands in for the system's.
        :returns: what the sink took, and how often a thread was asked.
        """
        self.patch(os, "preadv", preadv)
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(CONTENT)
        sink, pool = MemorySink(), CountingPool()
        outlet = SinkOutlet(Threads(REACTOR, pool), Descriptor(os.open(path, os.O_RDONLY)), sink, plain)
        self.successResultOf(Deferred.fromCoroutine(outlet.span(BEGIN, len(CONTENT))))
        self.assertEqual(outlet.sent, len(CONTENT) - BEGIN)
        outlet.close()
        return bytes(sink.data), pool.asked

    def test_in_memory(self) -> None:
        """
        What the kernel has in memory is sent without a thread, in packets or as it is.
        """

        def preadv(file: int, into: list[memoryview], start: int, flags: int) -> int:
            self.assertEqual(flags, os.RWF_NOWAIT)
            into[0][:] = os.pread(file, len(into[0]), start)
            return len(into[0])

        self.assertEqual(self.sent(preadv), (encoded(BAND_DATA, CONTENT[BEGIN:]), 0))
        self.assertEqual(self.sent(preadv, plain=True), (CONTENT[BEGIN:], 0))

    def test_not_in_memory(self) -> None:
        """
        A thread reads what the disk has to be asked for, all or in part, and everything on a file system that cannot tell.
        """

        def answers(number: int) -> Callable[..., int]:
            def preadv(file: int, into: list[memoryview], start: int, flags: int) -> int:
                if number:
                    raise OSError(number, os.strerror(number))
                return 1

            return preadv

        for number in (0, errno.EAGAIN, errno.EOPNOTSUPP):
            self.assertEqual(self.sent(answers(number)), (encoded(BAND_DATA, CONTENT[BEGIN:]), 2))
            self.assertEqual(self.sent(answers(number), plain=True), (CONTENT[BEGIN:], 2))

    def test_cut_off(self) -> None:
        """
        A file that has become shorter is an error.
        """
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(CONTENT)
        outlet = SinkOutlet(Threads(REACTOR, CountingPool()), Descriptor(os.open(path, os.O_RDONLY)), MemorySink(), plain=True)
        self.addCleanup(outlet.close)
        failure = self.failureResultOf(Deferred.fromCoroutine(outlet.span(0, len(CONTENT) + 1)), OSError)
        self.assertIn("shorter", str(failure.value))
