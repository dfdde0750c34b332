"""
Tests for :mod:`gitaly_tx.observability.notify`.
"""

from __future__ import annotations

import os
import socket
import tempfile

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability.notify import Notifier, notifier_of


class NotifierTests(SynchronousTestCase):
    """
    systemd is told, one datagram each.
    """

    def listen(self, address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(address)
        listener.setblocking(False)
        return listener

    def test_all(self) -> None:
        """
        Every message has systemd's words, and a status is one line.
        """
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "notify")
            listener = self.listen(path)
            notifier = notifier_of({"NOTIFY_SOCKET": path})
            notifier.ready("serving\nwell")
            notifier.ready()
            notifier.reloading(12.5)
            notifier.status("x")
            notifier.stopping("bye")
            received = [listener.recv(1000) for _ in range(5)]
        self.assertEqual(
            received,
            [
                b"READY=1\nSTATUS=serving well",
                b"READY=1",
                b"RELOADING=1\nMONOTONIC_USEC=12500000",
                b"STATUS=x",
                b"STOPPING=1\nSTATUS=bye",
            ],
        )

    def test_abstract(self) -> None:
        """
        A name in the abstract namespace is written with ``@``.
        """
        name = f"gitaly-tx-test-{os.getpid()}"
        listener = self.listen(f"\0{name}")
        Notifier(f"@{name}").ready()
        self.assertEqual(listener.recv(1000), b"READY=1")

    def test_nobody(self) -> None:
        """
        Without a service manager nothing is sent and nothing is logged.
        """
        with capturedLogs() as events:
            notifier_of({}).ready()
        self.assertEqual(events, [])

    def test_gone(self) -> None:
        """
        A service manager that cannot be reached is a warning, and no error.
        """
        with capturedLogs() as events:
            Notifier("/nowhere/notify").ready()
        self.assertEqual(len(events), 1)
        self.assertIn("No such file", events[0]["error"])
