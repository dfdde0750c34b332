"""
Which mailmap counts.
"""

from __future__ import annotations

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.git.parse.mailmap import NONE
from tests.support.readcase import ReadCase


class MailmapsTests(ReadCase):
    """
    ``Mailmaps``
    """

    def fill(self) -> None:
        """
        Somebody to ask.
        """
        self.mailmaps = Mailmaps(maximum=2)

    def commit(self, content: str | None, branch: str = "main") -> None:
        """
        A commit with a mailmap, or without.
        """
        file = "" if content is None else f"M 100644 inline .mailmap\ndata {len(content)}\n{content}\n"
        self.import_stream(f"feature force\ncommit refs/heads/{branch}\ncommitter C <c@x> 1 +0000\ndata 0\ndeleteall\n{file}\n")

    async def shown(self) -> bytes:
        """
        The name that A is shown by.
        """
        return (await self.mailmaps.of(self.repository)).shown(b"A", b"a@x")[0]

    async def test_head(self):
        """
        It is the one at HEAD that counts, as it is now.
        """
        self.assertIs(await self.mailmaps.of(self.repository), NONE)
        self.commit(None)
        self.assertIs(await self.mailmaps.of(self.repository), NONE)
        self.commit("B <a@x>\n", "other")
        self.assertEqual(await self.shown(), b"A")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/other")
        self.assertEqual(await self.shown(), b"B")
        self.run_git("update-ref", "--no-deref", "HEAD", "refs/heads/main")
        self.assertEqual(await self.shown(), b"A")

    async def test_remembered(self):
        """
        A commit is looked at once, and only the last few are remembered.
        """
        for name in ("B", "D", "E", "F"):
            self.commit(f"{name} <a@x>\n")
            first = await self.mailmaps.of(self.repository)
            self.assertEqual(first.shown(b"A", b"a@x"), (name.encode(), b"a@x"))
            self.assertIs(await self.mailmaps.of(self.repository), first)

    async def test_no_file(self):
        """
        A directory of that name is no mailmap.
        """
        self.import_stream("commit refs/heads/main\ncommitter C <c@x> 1 +0000\ndata 0\nM 100644 inline .mailmap/x\ndata 0\n\n")
        self.assertIs(await self.mailmaps.of(self.repository), NONE)
