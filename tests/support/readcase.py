"""
Services that read, over one real repository, called as the dispatcher calls them.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.linguist.linguist import Linguist
from protocols.gitaly.shared_pb2 import Repository

from .git import git, make_git, make_repository
from .reading import GivenRepositories, Reading

RELATIVE_PATH = "thing.git"

NAME = Repository(storage_name="default", relative_path=RELATIVE_PATH)


class ReadCase(TestCase):
    """
    :cvar object_format: of the repository.
    """

    object_format = "sha1"

    def setUp(self) -> None:
        running: Any = reactor
        self.children = Children(running, running)
        self.started: list[str] = []
        self.git_port = make_git(children=self.children, observer=self._observe)
        self.reading = Reading(self.git_port)
        self.addCleanup(self.reading.stop)
        self.directory = make_repository(os.path.abspath(self.mktemp()), object_format=self.object_format)
        self.repository = self.reading.repository(self.directory)
        self.storage = GivenRepositories({RELATIVE_PATH: self.repository})
        self.fill()

    def make_linguist(self) -> Linguist:
        """
        One whose process does not outlive the test.
        """
        running: Any = reactor
        self.addCleanup(self.children.wait_all)
        self.addCleanup(self.children.kill_all)
        return Linguist(self.git_port, running)

    def _observe(self, name: str, ended: object) -> None:
        if ended is None:
            self.started.append(name)

    def fill(self) -> None:
        """
        Put something into the repository.
        """

    def run_git(self, *words: str, stdin: bytes = b"", **environment: Any) -> str:
        """
        Run git in the repository.

        :returns: its output, without the last newline.
        """
        return git("-C", self.directory.path, *words, stdin=stdin, **environment).decode().removesuffix("\n")

    def import_stream(self, stream: str) -> None:
        """
        ``git fast-import``
        """
        git("-C", self.directory.path, "fast-import", "--quiet", stdin=stream.encode("utf-8", "surrogateescape"))

    def object_id(self, digits: str) -> ObjectID:
        """
        An id as the server has it.
        """
        return ObjectID(digits)

    def write(self, type: str, content: bytes) -> str:
        """
        An object of any content.
        """
        return self.run_git("hash-object", "-t", type, "-w", "--literally", "--stdin", stdin=content)

    async def replies(self, called: Any) -> list[Any]:
        """
        All that a method answers.
        """
        if isinstance(called, AsyncIterator):
            return [reply async for reply in called]
        return [await called]

    async def reply(self, called: Any) -> Any:
        """
        The one message that a method answers.
        """
        (only,) = await self.replies(called)
        return only

    async def refusal(self, called: Any) -> tuple[Code, str]:
        """
        How a method refuses.
        """
        error = await self.error(called)
        return error.code, error.message

    async def error(self, called: Any) -> GitalyError:
        """
        What a method raises.
        """
        try:
            await self.replies(called)
        except GitalyError as error:
            return error
        raise AssertionError("not refused")

    async def stop_after_first(self, called: Any) -> Any:
        """
        Take one reply, and go away; then wait until no child is left.
        """
        first = await anext(called)
        await called.aclose()
        await self.no_children()
        return first

    def no_children(self) -> Awaitable[None]:
        """
        Wait until all children were reaped.
        """

        async def wait() -> None:
            running: Any = reactor
            for _ in range(6000):
                if not len(self.children):
                    return
                await deferLater(running, 0.01)
            raise AssertionError("a child is left")

        return Deferred.fromCoroutine(wait())
