"""
A server that is killed at any step of a write that brings something from elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable
from typing import Any

from protocols.gitaly import repository_pb2 as pb
from tests.support.git import git
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.stack import Stack
from tests.support.wal import snapshots
from tests.support.writecase import NAME, RELATIVE_PATH, each

LOGGED = "wal.append.after_write"
"""From here on the write is in the log, whatever comes."""


class KilledTests(OutwardCase):
    """
    What is there after the next start.
    """

    def fill(self) -> None:
        super().fill()
        # Too large for the log itself.
        blob = self.run_git("hash-object", "-w", "--stdin", stdin=os.urandom(1 << 21), path=self.far)
        self.run_git("update-ref", "refs/tags/large", blob, path=self.far)
        self.far_ref("refs/heads/other", "main~1")

    async def killed_everywhere(self, write: Awaitable[Any], path: str, before: object) -> None:
        """
        :param path: of the repository that is written.
        :param before: its refs and HEAD.
        """
        with snapshots(self.root, os.path.abspath(self.mktemp())) as taken:
            await write
        after = self.state(os.path.join(self.root, path))
        self.assertNotEqual(before, after)
        logged = [name for name, _ in taken].index(LOGGED)
        self.assertGreater(logged, 2)
        for at, (name, copy) in enumerate(taken):
            folder = os.path.abspath(self.mktemp())
            os.mkdir(folder)
            root = os.path.join(folder, "default")
            os.rename(copy, root)
            again = Stack(folder)
            await again.start()
            await again.stop()
            self.assertEqual(self.state(os.path.join(root, path)), before if at < logged else after, name)
            for area in ("staging", "wal/pending"):
                self.assertEqual(os.listdir(os.path.join(root, "+gitaly", area)), [], name)
            shutil.rmtree(folder)

    def state(self, path: str) -> object:
        """
        What a repository says, if there is one and nothing is missing from it.
        """
        if not os.path.exists(path):
            return None
        git("--git-dir", path, "fsck", "--connectivity-only")
        return self.refs(path), self.head(path)

    async def test_fetch(self) -> None:
        """
        A fetch has happened with all its refs and objects, or not at all.
        """
        request = pb.FetchRemoteRequest(repository=NAME, remote_params=pb.Remote(url=self.far), force=True)
        before = self.state(self.directory.path)
        await self.killed_everywhere(self.service.FetchRemote(None, request), RELATIVE_PATH, before)  # type: ignore[arg-type]

    async def test_creation(self) -> None:
        """
        A repository with content exists with all of it, or not at all.
        """
        data = git("--git-dir", self.far, "bundle", "create", "-", "HEAD", "--all")
        requests = each([pb.CreateRepositoryFromBundleRequest(repository=NEW, data=data)])
        write = self.service.CreateRepositoryFromBundle(None, requests)  # type: ignore[arg-type]
        await self.killed_everywhere(write, NEW.relative_path, None)
