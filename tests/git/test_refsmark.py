"""
Tests for :mod:`gitaly_tx.git.refsmark`, with changes as git and others make them.
"""

from __future__ import annotations

import os
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import refsmark
from gitaly_tx.git.refsmark import mark_refs
from tests.support.git import git, make_repository


class MarkTests(SynchronousTestCase):
    """
    ``mark_refs``.
    """

    def setUp(self) -> None:
        self.directory = make_repository(self.mktemp(), commits=3, refs=["refs/heads/a/b", "refs/tags/t"])
        self.path = self.directory.path

    def git(self, *words: str) -> None:
        git("-C", self.path, *words)

    def test_changes(self) -> None:
        """
        Whatever changes a ref changes the mark; looking does not.
        """

        def edited() -> None:
            with open(os.path.join(self.path, "refs/heads/main"), "r+b") as file:
                file.write(b"0")

        changes = (
            lambda: self.git("update-ref", "refs/heads/main", "main~1"),
            lambda: self.git("update-ref", "refs/heads/a/c", "main"),
            lambda: self.git("update-ref", "-d", "refs/heads/a/b"),
            lambda: self.git("pack-refs", "--all"),
            lambda: self.git("update-ref", "refs/heads/main", "main~1"),
            lambda: self.git("symbolic-ref", "HEAD", "refs/heads/a/c"),
            lambda: self.git("config", "uploadpack.hideRefs", "refs/heads/a"),
            edited,
        )
        for change in changes:
            self.age()
            before = mark_refs(self.directory)
            self.assertEqual(mark_refs(self.directory), before)
            change()
            self.assertNotEqual(mark_refs(self.directory), before)

    def age(self) -> None:
        """
        Let everything be of yesterday.
        """
        for path, _, files in os.walk(self.path):
            for name in (".", *files):
                os.utime(os.path.join(path, name), (1_700_000_000, 1_700_000_000))

    def test_racy(self) -> None:
        """
        What has just changed proves nothing yet.
        """
        found = mark_refs(self.directory)
        assert found is not None
        self.assertTrue(found.racy)
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 0):
            found = mark_refs(self.directory)
        assert found is not None
        self.assertFalse(found.racy)

    def test_too_many(self) -> None:
        """
        With too many loose refs nobody looks, nor where nothing can be read.
        """
        self.patch(refsmark, "MOST_FILES", 8)
        self.assertIsNone(mark_refs(self.directory))
        self.patch(refsmark, "MOST_FILES", 1000)
        os.rename(os.path.join(self.path, "refs"), os.path.join(self.path, "gone"))
        self.assertIsNone(mark_refs(self.directory))
