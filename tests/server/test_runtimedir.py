"""
The directory of a process's sockets, and those that others left.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.server.runtimedir import RuntimeDirectory, sweep
from tests.support.threads import inline_threads


class SweepTests(SynchronousTestCase):
    """
    ``sweep`` and ``RuntimeDirectory``
    """

    def setUp(self) -> None:
        self.base = tempfile.mkdtemp(prefix="gitaly-tx-run-")  # The paths of sockets have to be short.
        self.addCleanup(shutil.rmtree, self.base)
        child = subprocess.Popen(["true"])
        child.wait()
        self.dead = f"gitaly-{child.pid}"

    def make(self, name: str) -> str:
        path = os.path.join(self.base, name)
        os.makedirs(os.path.join(path, "sock.d"))
        with open(os.path.join(path, "sock.d", "file"), "xb"):
            pass
        return path

    def left(self) -> list[str]:
        return sorted(os.listdir(self.base))

    def test_dead(self) -> None:
        """
        What a process left that is gone is removed, and nothing else: not what is a living process's, has another name, is a link
        or a file.
        """
        path = self.make(self.dead)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(os.path.join(path, "sock.d", "intern"))
        kept = [f"gitaly-{os.getpid()}", "gitaly-x", "gitaly-01", f"{self.dead}.old", "other"]
        for name in kept:
            self.make(name)
        os.symlink(self.make("elsewhere"), os.path.join(self.base, f"{self.dead}9"))
        with open(os.path.join(self.base, f"{self.dead}8"), "xb"):
            pass
        never = self.make("gitaly-9999999999")  # No process has such a number.
        self.assertEqual(sorted(sweep(self.base)), sorted([path, never]))
        self.assertEqual(self.left(), sorted([*kept, "elsewhere", f"{self.dead}9", f"{self.dead}8"]))
        self.assertEqual(os.listdir(os.path.join(self.base, "elsewhere")), ["sock.d"])

    def test_somebody_listens(self) -> None:
        """
        A directory in which somebody listens stays, whether we see the process or not, even if it has no time just now.
        """
        path = os.path.join(self.make(self.dead), "sock.d", "intern")
        with (
            socket.socket(socket.AF_UNIX) as listener,
            socket.socket(socket.AF_UNIX) as first,
            socket.socket(socket.AF_UNIX) as second,
        ):
            listener.bind(path)
            listener.listen(0)
            self.assertEqual(sweep(self.base), [])
            for client in (first, second):
                client.setblocking(False)
                client.connect_ex(path)
            self.assertEqual(sweep(self.base), [])
        self.assertEqual(len(sweep(self.base)), 1)

    def test_others(self) -> None:
        """
        What belongs to another user stays; a process of another user has nothing to do with a directory of ours.
        """
        self.make(self.dead)
        self.patch(os, "geteuid", lambda: os.getuid() + 1)
        self.assertEqual(sweep(self.base), [])
        self.patch(os, "geteuid", os.getuid)

        def forbidden(pid: int, signal: int) -> None:
            raise PermissionError

        self.patch(os, "kill", forbidden)
        self.assertEqual(len(sweep(self.base)), 1)

    def test_own(self) -> None:
        """
        A process's own directory is for its user only, and goes in the end with all that is in it; so do those of the dead.
        """
        self.make(self.dead)
        threads: Any = inline_threads
        runtime = RuntimeDirectory(self.base, threads)
        self.successResultOf(Deferred.fromCoroutine(runtime.start()))
        self.assertEqual(self.left(), [f"gitaly-{os.getpid()}"])
        self.assertEqual(os.stat(runtime.path).st_mode & 0o777, 0o700)
        self.successResultOf(Deferred.fromCoroutine(runtime.start()))
        self.make(f"gitaly-{os.getpid()}/more")
        self.successResultOf(Deferred.fromCoroutine(runtime.stop()))
        self.successResultOf(Deferred.fromCoroutine(runtime.stop()))
        self.assertEqual(self.left(), [])
