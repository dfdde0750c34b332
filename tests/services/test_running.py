"""
Tests for :mod:`gitaly_tx.services.running`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.git.records import pieces
from gitaly_tx.services.running import Failed, running
from tests.support.readcase import ReadCase


class RunningTests(ReadCase):
    """
    ``running``
    """

    def command(self) -> Command:
        """
        A git that says of each line that there is no such object.
        """
        return Command("cat-file", ["--batch-check"], directory=self.directory)

    async def test_stdin(self):
        """
        It reads what it is given, from a list or from another child.
        """
        with running(self.git_port, self.command(), [b"a\n", b"b\n"]) as first:
            with running(self.git_port, self.command(), pieces(first)) as second:
                output = b"".join([piece async for piece in pieces(second)])
                self.assertEqual(output, b"a missing missing\nb missing missing\n")
                self.assertEqual((await second.wait()).status, 0)
            self.assertEqual((await first.wait()).status, 0)

    async def test_stdin_in_block(self):
        """
        Its standard input stays open if the block wants that.
        """
        with running(self.git_port, self.command(), None) as child:
            await child.stdin.write(b"a\n")
            self.assertEqual(await child.stdout.read(), b"a missing\n")
        await self.no_children()

    async def test_left(self):
        """
        It is gone when the block is left, whatever it still had to read.
        """
        try:
            with running(self.git_port, self.command(), [b"x" * 10_000_000]):
                raise ZeroDivisionError
        except ZeroDivisionError:
            await self.no_children()
        with running(self.git_port, self.command(), [b"x\n" * 1_000_000]) as child:
            await child.stdout.read()
        await self.no_children()

    def test_failed(self):
        """
        The error says how it ended, and keeps git's words for the log.
        """
        error = Failed(Ended(128, b"fatal: /path\n"), Code.INTERNAL, "waiting: ")
        self.assertEqual((error.code, error.message), (Code.INTERNAL, "waiting: exit status 128"))
        self.assertEqual(error.facts, {"stderr": "fatal: /path\n"})
