"""
Tests for :mod:`gitaly_tx.services.ref.exists`.
"""

from __future__ import annotations

import os

from gitaly_tx.errors import Code
from tests.services.ref.case import RefCase


class RefExistsTests(RefCase):
    """
    ``RefExists``
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.point("refs/heads/ʕ•ᴥ•ʔ", self.second)

    async def test_value(self):
        """
        A ref exists or does not; patterns and directories are none, and no git is needed.
        """
        for name, expected in [
            ("refs/heads/main", True),
            ("refs/heads/ʕ•ᴥ•ʔ", True),
            ("refs/heads", False),
            ("refs/heads/", False),
            ("refs/heads/*", False),
            ("refs/heads/nope", False),
            ("refs/ /heads", False),
            ("refs/heads/../heads/main", False),
            ("refs/heads/main\0", False),
            ("refs/" + "a" * 5000, False),
            ("refs/", False),
        ]:
            self.assertEqual((await self.reply(self.call("RefExists", ref=name.encode()))).value, expected, name)
        self.assertEqual(self.started, [])

    async def test_missing(self):
        """
        A ref to an object that is missing is neither there nor not: git show-ref fails for it.
        """
        with open(os.path.join(self.directory.path, "refs/heads/broken"), "w") as ref:
            ref.write("12" * 20 + "\n")
        refused = await self.refusal(self.call("RefExists", ref=b"refs/heads/broken"))
        self.assertEqual(refused, (Code.INTERNAL, "exit status 128"))

    async def test_invalid(self):
        """
        What is not below ``refs/`` is no name of a ref (fault 64).
        """
        for name in ("", "HEAD", "main", "config", "-x", "in valid", "../refs/heads/main"):
            refused = await self.refusal(self.call("RefExists", ref=name.encode()))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, "invalid refname"), name)
