"""
Tests for :mod:`gitaly_tx.loop`.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import skipIf

from twisted.trial.unittest import SynchronousTestCase

PROGRAM = """
import os, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import gitaly_tx.tap
from twisted.internet import reactor
from twisted.internet.task import deferLater
import asyncio
kinds = []
deferLater(reactor, 0).addCallback(lambda _: kinds.append(type(asyncio.get_running_loop()).__module__.partition(".")[0]))
deferLater(reactor, 0.01).addCallback(lambda _: reactor.stop())
if os.environ.get("FORK"):
    if os.fork():
        os._exit(os.wait()[1] and 1)
reactor.run()
print(*kinds)
"""


def kind(*missing: str, **environ: str) -> str:
    """
    Run a reactor in a process of its own.

    :param missing: modules that are not installed there.
    :returns: whose loop it ran on.
    """
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *missing], cwd=root, env=environ, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr


class LoopTests(SynchronousTestCase):
    """
    What the reactor runs on.
    """

    def test_plain(self):
        """
        asyncio's own loop if there is no uvloop, and for whoever watches turns.
        """
        self.assertEqual(kind("uvloop"), "asyncio")
        self.assertEqual(kind(GITALY_TX_WATCH_TURNS="1"), "asyncio")

    @skipIf(find_spec("uvloop") is None, "uvloop is not installed")
    def test_fast(self):
        """
        uvloop's if there is one, also in a child that goes on alone, as twistd's does.
        """
        self.assertEqual(kind(), "uvloop")
        self.assertEqual(kind(FORK="1"), "uvloop")
