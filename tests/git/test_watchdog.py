"""
Tests for :mod:`gitaly_tx.git.watchdog`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

import gitaly_tx
from gitaly_tx.git.children import Children
from gitaly_tx.git.interfaces import Limits
from gitaly_tx.git.watchdog import Watchdog
from tests.support.leaks import LeakCheck

reactor: Any = _reactor

SERVER = """
import os, signal, sys
from twisted.internet import reactor
from gitaly_tx.git.children import Children
from gitaly_tx.git.interfaces import Limits
from gitaly_tx.git.watchdog import Watchdog

watchdog = Watchdog()
watchdog.start()
children = Children(reactor, reactor, watchdog)

def start(script):
    return children.start(["/bin/sh", "-c", script], environment={"PATH": os.defpath}, cwd="/", stderr=None,
                          limits=Limits(), told=lambda child, ended: None)

short = start("exit 0")
lasting = start("sleep 1000 & echo $! $$; sleep 1000")

def die(data):
    sys.stdout.write(data.decode())
    sys.stdout.flush()
    os.killpg(0, signal.SIGKILL)

short.wait().addCallback(lambda _: lasting.stdout.read()).addCallback(die)
reactor.run()
"""


def alive(pid: int) -> bool:
    """
    Whether there is such a process, and it is no zombie.
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class WatchdogTests(LeakCheck, TestCase):
    """
    No child outlives a server.
    """

    def start(self, children: Children, script: str) -> Any:
        """
        Start a shell.
        """
        return children.start(
            ["/bin/sh", "-c", script],
            environment={"PATH": os.environ["PATH"]},
            cwd="/",
            stderr=None,
            limits=Limits(),
            told=lambda child, ended: None,
        )

    async def test_server_killed(self):
        """
        When a server is killed with its whole process group, its children and theirs end at once.
        """
        server = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SERVER)],
            stdout=subprocess.PIPE,
            cwd=os.path.dirname(os.path.dirname(gitaly_tx.__file__)),
            start_new_session=True,
            check=False,
        )
        self.assertEqual(server.returncode, -signal.SIGKILL)
        pids = [int(word) for word in server.stdout.split()]
        self.assertEqual(len(pids), 2)
        for _ in range(6000):
            if not any(map(alive, pids)):
                return
            later: Deferred[None] = Deferred()
            reactor.callLater(0.01, later.callback, None)
            await later
        self.fail("children outlived their server")

    async def test_orderly_end(self):
        """
        Children that have ended are none of its business any more, and it ends when it is told to.
        """
        watchdog = Watchdog()
        watchdog.start()
        children = Children(reactor, reactor, watchdog)
        running = [self.start(children, "exit 0") for _ in range(20)]
        for child in running:
            await child.wait()
        last = self.start(children, "sleep 1000")
        watchdog.stop()
        self.assertEqual((await last.wait()).status, -signal.SIGKILL)
        watchdog.stop()

    async def test_killed_itself(self):
        """
        If somebody kills it, the server goes on, and says that something is missing.
        """
        watchdog = Watchdog()
        watchdog.start()
        assert watchdog._shell is not None
        watchdog._shell.kill()
        watchdog._shell.wait()
        children = Children(reactor, reactor, watchdog)
        with capturedLogs() as events:
            self.assertEqual((await self.start(children, "exit 3").wait()).status, 3)
        self.assertEqual([event["log_level"].name for event in events if "survive" in event["log_format"]], ["error"])
        watchdog.stop()

    async def test_not_started(self):
        """
        One that was not started does nothing.
        """
        children = Children(reactor, reactor, Watchdog())
        self.assertEqual((await self.start(children, "exit 3").wait()).status, 3)
