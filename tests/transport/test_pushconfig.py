"""
A repository's own rules.
"""

from __future__ import annotations

import os

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.transport.pushconfig import ReceiveConfig, parse_config, read_config
from tests.support import pushcase
from tests.support.git import git


class ConfigTests(pushcase.PushCase):
    """
    ``read_config``.
    """

    async def read(self) -> ReceiveConfig:
        """
        The repository's rules.
        """
        return await read_config(self.git, self.threads, self.directory)

    def append(self, text: str) -> None:
        """
        Add to the config file.
        """
        with open(os.path.join(self.directory.path, "config"), "a") as file:
            file.write(text)

    async def test_nothing_said(self) -> None:
        """
        Most repositories have no rules; some have other settings with such names, and some no file.
        """
        self.assertEqual(await self.read(), ReceiveConfig())
        self.append("[receive]\n\tautogc = false\n")
        self.assertEqual(await self.read(), ReceiveConfig())
        os.remove(os.path.join(self.directory.path, "config"))
        self.assertEqual(await self.read(), ReceiveConfig())

    async def test_rules(self) -> None:
        """
        Rules are found, in another file too; the last one counts.
        """
        git("config", "--file", os.path.join(self.root, "more"), "receive.denyDeletes", "yes")
        self.append(f"[include]\n\tpath = {self.root}/more\n[Receive]\n\tdenyNonFastForwards\n\tdenyDeleteCurrent = ignore\n")
        self.assertEqual(await self.read(), ReceiveConfig(True, True, False))
        self.append("[receive]\n\tdenyDeletes = off\n")
        self.assertEqual(await self.read(), ReceiveConfig(False, True, False))

    async def test_unreadable(self) -> None:
        """
        What git does not understand is an error.
        """
        self.append("[receive")
        with self.assertRaises(GitalyError) as caught:
            await self.read()
        self.assertEqual(caught.exception.code, Code.FAILED_PRECONDITION)

    def test_odd_values(self) -> None:
        """
        A value that is none changes nothing.
        """
        self.assertEqual(parse_config(b"receive.denydeletes\nperhaps\0receive.denycurrentbranch\ntrue\0"), ReceiveConfig())
