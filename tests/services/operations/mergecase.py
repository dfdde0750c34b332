"""
A repository whose branches part.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended, IGit
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.services.operations.service import OperationService
from tests.support.history import Files, History

from .case import OperationCase

BASE = {"a": "1\n2\n3\n", "d/e": "e\n"}

IDENT = "Alpha <alpha@example.org> 1700000000 +0530"
"""The usual user, now."""


class Busy:
    """
    A git that can start some commands no more.

    :param fails: or cannot bring them to a good end.
    """

    def __init__(self, git: IGit, *commands: str, fails: bool = False) -> None:
        self.fails = fails
        self._git = git
        self._commands = commands

    def __getattr__(self, name: str) -> Any:
        return getattr(self._git, name)

    def spawn(self, command: Command, **more: Any) -> Any:
        """
        Start others.
        """
        self._check(command)
        return self._git.spawn(command, **more)

    async def run(self, command: Command, **more: Any) -> Any:
        """
        Run others.
        """
        if self.fails and command.name in self._commands:
            return b"", Ended(128, b"fatal: no")
        self._check(command)
        return await self._git.run(command, **more)

    def _check(self, command: Command) -> None:
        if command.name in self._commands:
            raise GitalyError("no process", Code.RESOURCE_EXHAUSTED)


class MergeCase(OperationCase):
    """
    ``main`` and ``side`` have changed different lines of ``a``, ``clash`` the same as ``main``; ``other`` has a history of its
    own.

    :ivar history: makes more.
    :ivar base: the commit where they part.
    """

    def fill(self) -> None:
        """
        Make the history.
        """
        self.history = History(self.repository.directory, ObjectFormat(self.object_format))
        self.base = self.history.commit(BASE)
        self.main = self.branch("main", {**BASE, "a": "0\n1\n2\n3\n"}, self.base)
        self.side = self.branch("side", {**BASE, "a": "1\n2\n3\n4\n"}, self.base)
        self.clash = self.branch("clash", {**BASE, "a": "x\n"}, self.base)
        self.other = self.branch("other", {"o": "o\n"})

    def busy(self, *commands: str, fails: bool = False) -> None:
        """
        Let git start these no more, or let them fail.
        """
        git: Any = Busy(self.stack.git, *commands, fails=fails)
        self.service = OperationService(evolve(self.ports, git=git))

    def branch(self, name: str, files: Files, *parents: ObjectID, **more: Any) -> ObjectID:
        """
        Set a branch to a new commit.
        """
        return self.history.ref(f"refs/heads/{name}", self.history.commit(files, *parents, **more))

    def shown(self, revision: str | bytes) -> list[str]:
        """
        A commit as git has it, without its tree: lines.
        """
        return self.history.read(revision).decode().split("\n")[1:]
