"""
Repositories whose refs are written by us and by git.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.filesrefs import FilesRefs, LockPatience
from gitaly_tx.git.interfaces import RefUpdate, Refusal
from gitaly_tx.git.objectid import ObjectID
from tests.support.git import git, make_repository
from tests.support.immediate import ImmediatePool, ImmediateReactor


def make_refs(clock: ImmediateReactor | None = None, timeout: float = 0.0, stale: float = 10.0) -> FilesRefs:
    """
    Refs that do everything at once, and wait for locks on a clock.
    """
    reactor: Any = clock or ImmediateReactor()
    return FilesRefs(reactor, ImmediatePool(), reactor, patience=LockPatience(timeout, stale))


def for_each_ref(directory: GitDirectory) -> dict[bytes, ObjectID]:
    """
    The refs as git sees them.
    """
    output = git("-C", directory.path, "for-each-ref", "--format=%(objectname) %(refname)")
    return {name: ObjectID(target) for target, name in (line.split(b" ", 1) for line in output.splitlines())}


def litter(directory: GitDirectory) -> list[str]:
    """
    Lock files and temporary files that were left behind.
    """
    found = [os.path.join(parent, name) for parent, _, names in os.walk(directory.path) for name in names]
    return [path for path in found if path.endswith((".lock", ".new"))]


def commits(directory: GitDirectory, count: int) -> list[ObjectID]:
    """
    The ids of the last commits, newest first.
    """
    output = git("-C", directory.path, "rev-list", f"--max-count={count}", "refs/heads/main")
    return [ObjectID(line) for line in output.split()]


class RefsCase(SynchronousTestCase):
    """
    A repository with three commits.
    """

    def setUp(self):
        self.clock = ImmediateReactor()
        self.refs = make_refs(self.clock, timeout=1.0)
        self.directory = make_repository(os.path.abspath(self.mktemp()), 3)
        self.one, self.two, self.three = commits(self.directory, 3)

    def do(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def git(self, *words: str, **keywords: Any) -> bytes:
        return git("-C", self.directory.path, *words, **keywords)

    def path(self, name: str) -> str:
        return os.path.join(self.directory.path, name)

    def write(self, name: str, content: bytes) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content)

    def prepare(self, *updates: RefUpdate) -> Any:
        return self.do(self.refs.prepare(self.directory, updates))

    def change(self, *updates: RefUpdate) -> dict[bytes, Refusal]:
        prepared = self.prepare(*updates)
        self.do(prepared.commit())
        self.assertEqual(litter(self.directory), [])
        return {name: refused.why for name, refused in prepared.refused.items()}

    def listed(self) -> dict[bytes, ObjectID]:
        return {reference.name: reference.target for reference in self.do(self.refs.list(self.directory))}

    def read(self, name: bytes) -> Any:
        return self.do(self.refs.read(self.directory, name))
