"""
A repository on disk, a client's repository beside it, and an engine between them.
"""

from __future__ import annotations

import os
import shutil
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from gitaly_tx.storage.threads import Threads
from gitaly_tx.transport.receivepack import ReceivePack

from .git import git, make_git, make_repository
from .leaks import children
from .plainrepository import PlainRepository
from .pushes import Answered, RecordedHooks, answered, make_means, make_pack, request, resolve
from .streams import MemorySink, MemorySource

E = TypeVar("E", bound=Exception)


class PushCase(TestCase):
    """
    :ivar tip: a commit on top of ``main`` that only the client has.
    :ivar pack: what the repository needs of it.
    """

    commits = 2
    timeout = 20
    running: Any = reactor
    hooks: Any

    def setUp(self) -> None:
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)
        self.directory = make_repository(os.path.join(self.root, "thing.git"), self.commits)
        self.clock = Clock()
        self.threads = Threads(self.running, self.running.getThreadPool())
        self.repository = PlainRepository(self.directory, self.threads)
        self.hooks = RecordedHooks()
        self.git = make_git(self.clock)
        self.engine = self.make_engine()
        self.client = os.path.join(self.root, "client.git")
        self.before = children()
        self.addCleanup(lambda: self.assertEqual(children() - self.before, set(), "children are left"))

    def make_engine(self, **more: Any) -> ReceivePack:
        """
        An engine.

        :param more: for :class:`~gitaly_tx.transport.pushmeans.Means`.
        """
        given = {"git": self.git, "hooks": self.hooks, **more}
        return ReceivePack(make_means(threads=self.threads, clock=self.clock, **given))

    def new_commit(self, content: bytes = b"new content\n", name: bytes = b"new") -> tuple[bytes, bytes]:
        """
        Commit on the client's side.

        :returns: the commit, and a pack with it and all that it needs beside ``main``.
        """
        if not os.path.exists(self.client):
            shutil.copytree(self.directory.path, self.client)
        blob = git("--git-dir", self.client, "hash-object", "-w", "--stdin", stdin=content).strip()
        tree = git("--git-dir", self.client, "mktree", stdin=b"100644 blob %b\t%b\n" % (blob, name)).strip()
        parents = ["-p", "main"] if self.commits else []
        tip = git("--git-dir", self.client, "commit-tree", *parents, "-m", "change", tree.decode()).strip()
        return tip, make_pack(self.client, tip.decode(), *(["^main"] if self.commits else []))

    @property
    def main(self) -> bytes:
        """
        What ``main`` is.
        """
        return resolve(self.directory, "refs/heads/main")

    def serve(self, source: MemorySource, stdout: MemorySink, stderr: MemorySink | None = None, **more: Any) -> Deferred[None]:
        """
        Serve a push.

        :param more: for the request.
        """
        return Deferred.fromCoroutine(self.engine.serve(self.repository, request(**more), source, stdout, stderr))

    async def failure(self, served: Deferred[None], kind: type[E]) -> E:
        """
        What a push ended with.
        """
        with self.assertRaises(kind) as caught:
            await served
        return caught.exception

    async def push(self, data: bytes, stderr: MemorySink | None = None, **more: Any) -> Answered:
        """
        Push from beginning to end.
        """
        stdout = MemorySink()
        await self.serve(MemorySource([data]), stdout, stderr, **more)
        return answered(bytes(stdout.data), b"side-band-64k" in data)
