"""
Tests for :mod:`gitaly_tx.git.ancestry`.
"""

from __future__ import annotations

from gitaly_tx.git.ancestry import NoCommit, is_ancestor, merge_base
from gitaly_tx.git.objectid import ObjectID
from tests.support.history import History
from tests.support.readcase import ReadCase


class AncestryTests(ReadCase):
    """
    ``is_ancestor`` and ``merge_base``.
    """

    def fill(self) -> None:
        """
        Two commits on top of a third, and one with a history of its own.
        """
        self.history = History(self.directory)
        self.base = self.history.commit({"a": "a"})
        self.one = self.history.commit({"a": "b"}, self.base)
        self.two = self.history.commit({"a": "c"}, self.base)
        self.other = self.history.commit({"o": "o"})

    async def test_is_ancestor(self) -> None:
        """
        A commit comes before those that are made on top of it, and is its own ancestor.
        """
        for ancestor, commit, expected in (
            (self.base, self.one, True),
            (self.one, self.one, True),
            (self.one, self.base, False),
            (self.one, self.two, False),
            (self.other, self.one, False),
        ):
            self.assertEqual(await is_ancestor(self.git_port, self.directory, ancestor, commit), expected)

    async def test_merge_base(self) -> None:
        """
        Two commits part where their histories do, or nowhere.
        """
        for one, other, expected in (
            (self.one, self.two, self.base),
            (self.one, self.base, self.base),
            (self.one, self.other, None),
        ):
            self.assertEqual(await merge_base(self.git_port, self.directory, one, other), expected)

    async def test_missing(self) -> None:
        """
        Nothing can be said of what is not there.
        """
        missing = ObjectID(b"1" * 40)
        for asked in (is_ancestor, merge_base):
            with self.assertRaises(NoCommit) as caught:
                await asked(self.git_port, self.directory, self.one, missing)
            self.assertEqual(caught.exception.message, "exit status 128")
