"""
A repository whose branches part.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from tests.support.history import Files, History

from .case import OperationCase

BASE = {"a": "1\n2\n3\n", "d/e": "e\n"}

IDENT = "Alpha <alpha@example.org> 1700000000 +0530"
"""The usual user, now."""


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
