"""
Many clients at once.
"""

from __future__ import annotations

import asyncio
import os
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.load import crowd, readers

ANSWER = b"HTTP/1.1 200 OK\r\n\r\n" + b"1" * 5000 + readers.WHOLE


class ReadersTests(SynchronousTestCase):
    """
    The clients, and a server that has nothing but answers.
    """

    def fetched(self, *answers: bytes) -> tuple[float, float]:
        """
        Let as many clients as there are answers have them; the first client is slow.
        """
        left = list(answers)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"request")
            writer.write(left.pop())
            writer.close()

        async def run() -> tuple[float, float]:
            async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                return await readers.read_all(port, b"request", len(answers), 1, 1e6)

        # asyncio.run would leave this thread without the loop that the reactor runs on.
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(run())
        finally:
            loop.close()

    def test_alike(self) -> None:
        """
        All have to get the same, as far as it goes; chunks may be cut elsewhere.
        """
        self.assertGreater(min(self.fetched(ANSWER, ANSWER, ANSWER[:30] + ANSWER[40:])), 0)

    def test_not_whole(self) -> None:
        """
        An answer that breaks off, a refusal, and one that is another than the others' are failures.
        """
        for bad in (ANSWER[:-1], ANSWER.replace(b"200", b"500"), ANSWER[:-5000] + readers.WHOLE, b""):
            with self.assertRaises(AssertionError):
                self.fetched(ANSWER, bad)


class CrowdTests(SynchronousTestCase):
    """
    How it is watched.
    """

    def test_request(self) -> None:
        """
        What git says about a clone becomes the request for its pack.
        """
        trace = "".join(
            f"20:30:35.480318 pkt-line.c:80           packet: {line}\n"
            for line in (
                "       clone> command=ls-refs", "       clone> 0000", "       clone< 0123 refs/heads/main", "       clone< 0000",
                "       clone> command=fetch", "       clone> 0001", "       clone> want 0123", "upload-pack< want 0123",
                "       clone> done", "       clone> 0000",
            )
        )  # fmt: skip
        self.assertEqual(crowd.fetch_request(trace), b"0012command=fetch\n0001000ewant 0123\n0009done\n0000")

    def test_git_below(self) -> None:
        """
        A git is seen below the process that started it, and not below itself.
        """
        command = ["git", "hash-object", "--stdin-paths"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
            assert git.stdin is not None and git.stdout is not None
            git.stdin.write(os.fsencode(os.path.abspath(__file__)) + b"\n")
            git.stdin.flush()
            # Before it has said something the kernel may not know it by its name.
            git.stdout.readline()
            self.assertTrue(crowd.git_below(os.getpid()))
            self.assertFalse(crowd.git_below(git.pid))
            git.stdin.close()
