"""
Services that write, over real repositories, called as the dispatcher calls them.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from typing import Any

from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from protocols.gitaly.shared_pb2 import Repository

from .git import git, make_repository
from .hearing import Sink, make_unasked
from .leaks import children
from .stack import Stack

RELATIVE_PATH = "thing.git"

NAME = Repository(storage_name="default", relative_path=RELATIVE_PATH)


class WriteCase(TestCase):
    """
    A repository with some commits on main, and all that it takes to change it durably.

    :cvar commits: how many.
    :cvar names: the storages.
    :ivar sink: hears of writes.
    """

    timeout = 60
    commits = 2
    object_format = "sha1"
    names = ("default",)

    async def setUp(self) -> None:  # type: ignore[override]
        self.before = children()
        self.addCleanup(lambda: self.assertEqual(children() - self.before, set(), "children are left"))
        self.stack = Stack(self.mktemp(), self.names)
        self.root = self.stack.storages[0].path
        self.directory = make_repository(os.path.join(self.root, RELATIVE_PATH), self.commits, object_format=self.object_format)
        await self.stack.start()
        self.addCleanup(self.stack.stop)
        self.provider = self.stack.provider
        self.sink = Sink()
        self.unasked = make_unasked(self.stack.git, self.sink)
        self.fill()

    def fill(self) -> None:
        """
        Put more into the repository, and make the service.
        """

    def run_git(self, *words: str, path: str | None = None, stdin: bytes = b"", **environment: Any) -> str:
        """
        Run git in the repository, or in another one.

        :returns: its output, without the last newline.
        """
        output = git("--git-dir", path or self.directory.path, *words, stdin=stdin, **environment)
        return output.decode("utf-8", "surrogateescape").removesuffix("\n")

    def rev(self, revision: str, path: str | None = None) -> str:
        """
        The id of a revision.
        """
        return self.run_git("rev-parse", revision, path=path)

    def refs(self, path: str | None = None) -> dict[str, str]:
        """
        All refs, as git sees them.
        """
        lines = self.run_git("for-each-ref", "--format=%(refname) %(objectname)", path=path).splitlines()
        return dict(map(str.split, lines))

    def make(self, relative_path: str, commits: int = 0, storage: int = 0, **more: Any) -> str:
        """
        Another repository in a storage.

        :returns: its path.
        """
        return make_repository(os.path.join(self.stack.storages[storage].path, relative_path), commits, **more).path

    def left(self, storage: int = 0) -> list[str]:
        """
        What is left of writes that are over.
        """
        found = []
        for area in ("staging", "wal/pending", "tmp"):
            path = os.path.join(self.stack.storages[storage].path, "+gitaly", area)
            found += [f"{area}/{name}" for name in sorted(os.listdir(path))] if os.path.isdir(path) else []
        return found

    async def error(self, asked: Any) -> GitalyError:
        """
        What a method raises.
        """
        try:
            found = await asked
        except GitalyError as error:
            return error
        raise AssertionError(f"not refused: {found!r}")

    async def refusal(self, asked: Any) -> tuple[Code, str]:
        """
        How a method refuses.
        """
        error = await self.error(asked)
        return error.code, error.message


async def each(messages: Iterable[Any]) -> AsyncIterator[Any]:
    """
    A stream of requests.
    """
    for message in messages:
        yield message


__all__ = ["NAME", "RELATIVE_PATH", "WriteCase", "each"]
