"""
Our receive-pack beside git's own.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.storage.threads import Threads
from gitaly_tx.transport.receivepack import ReceivePack

from .git import git, make_git, make_repository
from .plainrepository import PlainRepository
from .pushes import Answered, RecordedHooks, answered, make_means, real_receive_pack, refs_of, request, resolve
from .streams import MemorySink, MemorySource

_FAILED = (
    # What git since 2.50 says more precisely.
    b"incorrect old value provided",
    b"reference already exists",
    b"refname conflict",
    b"reference does not exist",
    b"failed to update refs",
)


def normal(lines: list[bytes]) -> list[bytes]:
    """
    The report in the words of git before 2.50.
    """
    found = []
    for line in lines:
        for text in _FAILED:
            if line.startswith(b"ng ") and line.endswith(b" " + text):
                line = line.removesuffix(text) + b"failed to update ref"
        found.append(line)
    return found


class DifferentialCase(TestCase):
    """
    Two equal repositories get the same bytes; the report and the refs afterwards must be the same.
    """

    object_format = "sha1"

    def setUp(self) -> None:
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)
        self.directory = make_repository(
            os.path.join(self.root, "ours.git"), 3, refs=["refs/heads/other", "refs/tags/v1"], object_format=self.object_format
        )
        git("--git-dir", self.directory.path, "update-ref", "refs/heads/old", "refs/heads/main~1")
        self.main = resolve(self.directory, "main")
        self.older = resolve(self.directory, "main~1")
        running: Any = reactor
        self.threads = Threads(running, running.getThreadPool())
        self.repository = PlainRepository(self.directory, self.threads, object_format=ObjectFormat(self.object_format))

    async def ours(self, data: bytes, *settings: str) -> Answered:
        receive_pack = ReceivePack(make_means(make_git(), RecordedHooks(), self.threads, reactor))
        stdout = MemorySink()
        await receive_pack.serve(self.repository, request(config=settings), MemorySource([data]), stdout, None)
        return answered(bytes(stdout.data), b"side-band-64k" in data)

    async def compare(self, data: bytes, *settings: str) -> Answered:
        """
        Let both answer.

        :param settings: what the caller sets.
        """
        theirs = os.path.join(self.root, "theirs.git")
        shutil.rmtree(theirs, ignore_errors=True)
        shutil.copytree(self.directory.path, theirs)
        expected = real_receive_pack(theirs, data, settings)
        ours = await self.ours(data, *settings)
        self.assertEqual(normal(ours.report), normal(expected.report), (ours, expected))
        self.assertEqual(refs_of(self.directory), refs_of(GitDirectory(theirs)))
        self.assertEqual(self.repository.stagings, [])
        git("--git-dir", self.directory.path, "fsck", "--connectivity-only")
        return ours
