"""
How calls are measured.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.catalogue import gitaly_methods
from tests.load import rpcs
from tests.support.git import make_repository


class CallTests(SynchronousTestCase):
    """
    The calls that are measured.
    """

    def setUp(self) -> None:
        self.directory = make_repository(os.path.abspath(self.mktemp()), 2)
        self.known = rpcs.facts(Path(self.directory.path))

    def test_requests(self) -> None:
        """
        Each is a method, has a request, and a figure that it is held to.
        """
        paths = {info.path for info in gitaly_methods()}
        for call in rpcs.CALLS:
            self.assertIn(f"/gitaly.{call.method}", paths)
            request = rpcs.request_of(call, self.known)
            self.assertTrue(call.method == "ServerService/ServerInfo" or request.ByteSize() > 10, call.method)
            self.assertEqual(call.milliseconds is None, bool(call.git), call.method)

    def test_git(self) -> None:
        """
        What git does for the same can be measured.
        """
        for call in rpcs.CALLS:
            if call.git:
                words = [word.format(**self.known) for word in call.git]
                self.assertGreaterEqual(round(rpcs.git_cost(Path(self.directory.path), words), 6), 0)

    def test_children(self) -> None:
        """
        The CPU of a process counts with that of its children.
        """
        before = rpcs.with_children(os.getpid())
        subprocess.run(["sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"], check=True)
        self.assertGreater(rpcs.with_children(os.getpid()), before)

    def test_failure(self) -> None:
        """
        A call that fails is no figure.
        """
        call = rpcs.CALLS[0]
        with self.assertRaises(AssertionError):
            rpcs.cost(os.getpid(), "127.0.0.1:1", call.method, rpcs.request_of(call, self.known), 0.1)
