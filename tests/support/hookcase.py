"""
Hooks on disk, and pushes for them to judge.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from gitaly_tx.git.interfaces import IGit, RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.hooks.custom import CustomHooks
from gitaly_tx.hooks.interfaces import Push
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.storage.threads import Threads

from .git import make_git, make_repository
from .leaks import children
from .plainrepository import PlainRepository

ONE = ObjectID(b"1" * 40)
ZERO = ObjectFormat.SHA1.zero


def make_push(repository: IRepository, git: IGit, *updates: RefUpdate, **more: Any) -> Push:
    """
    Somebody wants to create ``refs/heads/new``, or what ``updates`` say.
    """
    given: dict[str, Any] = {
        "options": [],
        "user": "alpha",
        "gl_id": "user-1",
        "gl_repository": "project-1",
        "project_path": "team/thing",
        "protocol": "ssh",
        **more,
    }
    return Push(repository=repository, updates=list(updates) or [RefUpdate(b"refs/heads/new", ZERO, ONE)], git=git, **given)


class Told:
    """
    Remembers what the user was told.
    """

    def __init__(self) -> None:
        self.data = b""

    async def __call__(self, data: bytes) -> None:
        self.data += data


class HookCase(TestCase):
    """
    :ivar everywhere: the directory with hooks for all repositories.
    """

    timeout = 20

    def setUp(self) -> None:
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)
        self.directory = make_repository(os.path.join(self.root, "thing.git"))
        self.everywhere = os.path.join(self.root, "hooks")
        self.clock = Clock()
        running: Any = reactor
        self.threads = Threads(running, running.getThreadPool())
        self.repository = PlainRepository(self.directory, self.threads)
        self.git = make_git()
        self.out, self.err = Told(), Told()
        before = children()
        self.addCleanup(lambda: self.assertEqual(children() - before, set(), "children are left"))

    def make_hooks(self, **more: Any) -> CustomHooks:
        """
        What runs the hooks.
        """
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "SECRET": "x"}
        return CustomHooks(self.git, self.clock, self.threads, environ, (self.everywhere,), **more)

    def write(self, path: str, content: str, mode: int = 0o755) -> str:
        """
        A file below the test's directory.
        """
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w") as file:
            file.write(content)
        os.chmod(whole, mode)
        return whole

    def hook(self, name: str, *lines: str) -> str:
        """
        A hook of the repository, as a shell script.
        """
        return self.write(f"thing.git/custom_hooks/{name}", "\n".join(["#!/bin/sh", *lines, ""]))

    def push(self, *updates: RefUpdate, **more: Any) -> Push:
        """
        A push into the repository.
        """
        return make_push(self.repository, self.git, *updates, **more)
