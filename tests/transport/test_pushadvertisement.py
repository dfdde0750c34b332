"""
What a client is told before it pushes.
"""

from __future__ import annotations

import os

from gitaly_tx.transport.pushadvertisement import advertise, is_hidden
from protocols.git.advertisement import (
    AdvertisementDecoder,
    CapabilitiesAnnounced,
    RefAdvertised,
    ShallowAdvertised,
    VersionAnnounced,
)
from tests.support import pushcase
from tests.support.git import git
from tests.support.pushes import real_advertisement
from tests.support.streams import MemorySink


class AdvertisementTests(pushcase.PushCase):
    """
    The same as git's, byte for byte but for the agent.
    """

    async def told(self, protocol: str = "", service: bool = False) -> bytes:
        """
        What we tell.
        """
        stdout = MemorySink()
        await advertise(self.repository, self.threads, "git/test", protocol, stdout, service=service)
        return bytes(stdout.data)

    async def compare(self, protocol: str = "") -> bytes:
        """
        What both tell.
        """
        ours = await self.told(protocol)
        self.assertEqual(ours, real_advertisement(self.directory.path, protocol, b"git/test"))
        return ours

    async def test_refs(self) -> None:
        """
        All refs but hidden ones, tags not peeled.
        """
        for name in ("refs/heads/other", "refs/keep-around/1", "refs/merge-requests/1/head", "refs/remotes/o/x", "refs/x/y"):
            git("--git-dir", self.directory.path, "update-ref", name, "main")
        git("--git-dir", self.directory.path, "tag", "-a", "-m", "m", "v1", "main")
        await self.compare()

    async def test_versions(self) -> None:
        """
        Version 1 has a line of its own; version 2 and junk are answered like none.
        """
        for protocol in ("version=1", "version=2", "version=3"):
            await self.compare(protocol)
        events = AdvertisementDecoder().receive(await self.told("version=1", service=True))
        self.assertIn(VersionAnnounced(1), events)

    async def test_empty(self) -> None:
        """
        A repository without refs says what it can do nevertheless.
        """
        git("--git-dir", self.directory.path, "update-ref", "-d", "refs/heads/main")
        await self.compare()
        events = AdvertisementDecoder().receive(await self.told())
        self.assertEqual([type(event) for event in events if isinstance(event, RefAdvertised)], [])
        self.assertTrue(any(isinstance(event, CapabilitiesAnnounced) for event in events))

    async def test_shallow(self) -> None:
        """
        A shallow repository says where its history ends.
        """
        with open(os.path.join(self.directory.path, "shallow"), "wb") as file:
            file.write(self.main + b"\n")
        self.assertIn(ShallowAdvertised(self.main), AdvertisementDecoder().receive(await self.compare()))

    def test_hidden(self) -> None:
        """
        Everything below a hidden name is, and the name itself.
        """
        for name in (b"refs/tmp/a", b"refs/tmp", b"refs/environments/a/b"):
            self.assertTrue(is_hidden(name))
        for name in (b"refs/tmpfile", b"refs/heads/refs/tmp/a", b"refs"):
            self.assertFalse(is_hidden(name))
