"""
Tests for :mod:`gitaly_tx.transport.standin`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.transport import standin


class StandinTests(SynchronousTestCase):
    """
    The program that git runs in the place of ssh.
    """

    def test_passed_on(self) -> None:
        """
        What the server says comes out as it is, however much it is; then the program ends, whatever git may still want to say.
        """
        answer = os.urandom(300_000)
        inward, outward = os.pipe(), os.pipe()
        words = [sys.executable, "-I", "-S", standin.__file__, str(inward[0]), str(outward[1]), "peer", "git-upload-pack 'x'"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(inward[0], outward[1]), env={})
        os.close(inward[0])
        os.close(outward[1])

        def serve() -> None:
            with os.fdopen(inward[1], "wb") as pipe:
                pipe.write(answer)

        server = threading.Thread(target=serve)
        server.start()
        assert process.stdin is not None and process.stdout is not None
        with process.stdin, process.stdout:
            self.assertEqual(process.stdout.read(), answer)
            self.assertEqual(process.wait(), 0)
        server.join()
        os.close(outward[0])

    def test_framed(self) -> None:
        """
        What git says goes out framed, and its end is told.
        """
        reading, writing = os.pipe()
        source = os.pipe()
        os.write(source[1], b"hello")
        os.close(source[1])
        standin.send(source[0], writing)
        self.assertEqual(os.read(reading, 100), b"\0\0\0\x05hello" + bytes(4))
        for descriptor in (reading, writing, source[0]):
            os.close(descriptor)

    def test_gone(self) -> None:
        """
        If one side is gone, there is nothing left to do.
        """
        closed = os.pipe()
        os.close(closed[0])
        for passing in (standin.send, standin.receive):
            source = os.pipe()
            os.write(source[1], b"hello")
            os.close(source[1])
            passing(source[0], closed[1])
            os.close(source[0])
        os.close(closed[1])
