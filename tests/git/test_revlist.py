"""
Tests for :mod:`gitaly_tx.git.revlist`.
"""

from __future__ import annotations

from contextlib import aclosing

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.revlist import WalkFailed, arranged, walked
from tests.support.readcase import ReadCase

OPTIONS = ["--objects", "--no-object-names"]

MANY = 3000


class ArrangedTests(SynchronousTestCase):
    """
    ``arranged``.
    """

    def words(self, revisions: list[bytes], pseudo_in_stdin: bool) -> tuple[list[bytes], bytes]:
        options, lines = arranged(revisions, pseudo_in_stdin)
        return [word for option in options for word in option.words()], lines

    def test_few(self):
        """
        A few revisions are words of the command line, in their order.
        """
        given = [b"main", b"--not", b"--all", b"^x", b"a b\nc"]
        for pseudo_in_stdin in (True, False):
            self.assertEqual(self.words(given, pseudo_in_stdin), (given, b""))

    def test_many(self):
        """
        Many are lines, as they are if git understands pseudo revisions there.
        """
        given = [b"a" * 40] * MANY + [b"--not", b"--all"]
        self.assertEqual(self.words(given, True), ([b"--stdin"], b"\n".join(given) + b"\n"))

    def test_many_for_old_git(self):
        """
        For an older git, what is pseudo stays on the command line, and the others are turned around after ``--not``.
        """
        first = b"".join(b"a%d\n" % number for number in range(6000))
        given = [
            *first.split(),
            b"--branches",
            b"--not",
            b"b",
            b"^c",
            b"d..e",
            b"f^@",
            b"--all",
            b"--not",
            b"g",
            b"x:y\nz",
            b"--not",
        ]
        expected = [b"--branches", b"--not", b"d..e", b"f^@", b"--all", b"--not", b"x:y\nz", b"--not", b"--not", b"--stdin"]
        self.assertEqual(self.words(given, False), (expected, first + b"^b\nc\ng\n"))


class WalkedTests(ReadCase):
    """
    ``walked``.
    """

    def fill(self) -> None:
        self.import_stream("".join(_commit(number) for number in range(3)))

    async def walk(self, *revisions: str) -> list[bytes]:
        source = walked(self.git_port, self.directory, OPTIONS, [revision.encode() for revision in revisions])
        return [line async for batch in source for line in batch]

    async def test_walk(self):
        """
        The walk is that of git, however many revisions there are.
        """
        expected = self.run_git("rev-list", *OPTIONS, "main", "--not", "main~1").encode().split()
        self.assertEqual(await self.walk("main", "--not", "main~1"), expected)
        self.assertEqual(await self.walk(*["main"] * MANY * 5, "--not", "main~1"), expected)
        self.assertEqual(await self.walk(*["main"] * MANY * 5, "--not", "--all"), [])

    async def test_unresolvable(self):
        """
        A revision that does not resolve is told in git's words.
        """
        missing = "1" * 40
        error = await self.failed(self.walk(missing))
        self.assertEqual(error.message, f'rev-list pipeline command: exit status 128, stderr: "fatal: bad object {missing}\\n"')
        self.assertEqual(error.status, 128)
        await self.failed(self.walk(*["nope"] * MANY * 20))

    async def failed(self, walking) -> WalkFailed:
        try:
            await walking
        except WalkFailed as error:
            return error
        raise AssertionError("walked")

    async def test_stopped(self):
        """
        The child is gone once nobody wants its output.
        """
        async with aclosing(walked(self.git_port, self.directory, OPTIONS, [b"main"])) as source:
            await anext(source)
        await self.no_children()


def _commit(number: int) -> str:
    return (
        f"commit refs/heads/main\ncommitter C <c@example.org> {1700000000 + number} +0000\ndata 2\nm\n"
        f"M 100644 inline file-{number}\ndata 2\n{number}\n"
    )
