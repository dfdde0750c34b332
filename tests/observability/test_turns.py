"""
Tests for the watch on the reactor's turns.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability import turns


class TurnTests(SynchronousTestCase):
    """
    Long turns are noticed, and so is the disk.
    """

    def gauge(self) -> Gauge:
        """
        Something to measure with.
        """
        return Gauge("x", "A test's.", registry=CollectorRegistry())

    def test_longest(self) -> None:
        """
        The longest turn is remembered, by its CPU time.
        """
        self.patch(asyncio.Handle, "_run", asyncio.Handle._run)
        gauge = self.gauge()
        turns.watch_turns(gauge)
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)

        def busy() -> None:
            began = time.thread_time()
            while time.thread_time() - began < 0.02:
                pass

        loop.call_soon(busy)
        loop.call_soon(loop.stop)
        loop.run_forever()
        self.assertGreaterEqual(gauge._value.get(), 0.02)

    def test_disk(self) -> None:
        """
        What may wait for the disk is counted if this thread does it.
        """
        hooks: list[Any] = []
        self.patch(sys, "addaudithook", hooks.append)
        gauge = self.gauge()
        turns.watch_disk(gauge)
        (hook,) = hooks
        hook("os.rename", ())
        hook("socket.connect", ())
        self.assertEqual(gauge._value.get(), 1)
        self.patch(threading, "get_ident", lambda: -os.getpid())
        hook("os.rename", ())
        self.assertEqual(gauge._value.get(), 1)
