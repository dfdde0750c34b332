"""
Tests for :mod:`gitaly_tx.services.spool`.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from gitaly_tx.services.spool import Spool
from gitaly_tx.storage.threads import Threads
from tests.support.leaks import LeakCheck, open_descriptors


async def content(spool: Spool) -> bytes:
    """
    All that is in a spool.
    """
    async with aclosing(spool.pieces()) as pieces:
        return b"".join([piece async for piece in pieces])


class SpoolTests(LeakCheck, TestCase):
    """
    ``Spool``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        running: Any = reactor
        pool = ThreadPool(1, 1)
        pool.start()
        self.addCleanup(pool.stop)
        self.threads = Threads(running, pool)
        await self.threads(int)
        await super().setUp()

    async def test_order(self):
        """
        What was written is read, in its order, whether it fits into memory or not.
        """
        for count in (0, 1, 5, 40):
            spool = Spool(self.threads, kept=10)
            written = b"".join(b"%03d" % number for number in range(count))
            for number in range(count):
                await spool.append(b"%03d" % number)
            self.assertEqual(spool.size, len(written))
            self.assertEqual(await content(spool), written)
            for _ in range(2):
                self.assertEqual(b"".join(spool.pieces_blocking()), written)
            await spool.close()

    async def test_memory(self):
        """
        A file is used only for what does not fit, and then memory holds no more than it may.
        """
        spool = Spool(self.threads, kept=10)
        await spool.append(b"x" * 10)
        before = len(open_descriptors())
        await spool.append(b"x")
        self.assertEqual(len(open_descriptors()), before + 1)
        await spool.close()
        await spool.close()

    async def test_closed_while_written(self):
        """
        A write that is still waiting for a thread when the spool is closed makes no file.
        """
        spool = Spool(self.threads, kept=0)
        writing = Deferred.fromCoroutine(spool.append(b"x"))
        await spool.close()
        await writing
        self.assertEqual(await content(spool), b"")
