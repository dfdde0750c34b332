"""
Tests for :mod:`gitaly_tx.git.worktree`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.quarantine import make_object_directory
from gitaly_tx.git.worktree import WorkTree
from tests.support.git import git, make_repository


class WorkTreeTests(SynchronousTestCase):
    """
    ``WorkTree``.
    """

    def test_git_works_in_it(self) -> None:
        """
        git finds the repository's objects, makes new ones in quarantine, and moves nobody else's HEAD.
        """
        for object_format in ObjectFormat:
            root = os.path.abspath(self.mktemp())
            repository = make_repository(os.path.join(root, "r.git"), 1, object_format=object_format.value)
            first = ObjectID(git("-C", repository.path, "rev-parse", "main").strip())
            objects = os.path.join(root, "objects")
            make_object_directory(objects)
            tree = WorkTree.make(os.path.join(root, "scratch"), repository.quarantined(objects), first)
            self.assertEqual(tree.head(), first)
            environment: dict[str, Any] = {**tree.directory.environment(), **tree.environment()}
            words = ("--git-dir", tree.directory.path)
            git(*words, "read-tree", "HEAD", **environment)
            git(*words, "commit", "--quiet", "--allow-empty", "-m", "second", **environment)
            self.assertEqual(git(*words, "rev-parse", "HEAD^", **environment).strip(), first)
            self.assertNotEqual(tree.head(), first)
            self.assertEqual(git("-C", repository.path, "rev-parse", "main").strip(), first)
            self.assertTrue(os.path.exists(os.path.join(objects, str(tree.head())[:2], str(tree.head())[2:])))

    def test_attributes(self) -> None:
        """
        The repository's own attributes count.
        """
        root = os.path.abspath(self.mktemp())
        repository = make_repository(os.path.join(root, "r.git"))
        os.makedirs(os.path.join(repository.path, "info"), exist_ok=True)
        with open(os.path.join(repository.path, "info", "attributes"), "w") as file:
            file.write("* thing\n")
        tree = WorkTree.make(os.path.join(root, "scratch"), repository, ObjectFormat.SHA1.zero)
        said = git("--git-dir", tree.directory.path, "check-attr", "thing", "x", GIT_WORK_TREE=tree.path)
        self.assertEqual(said, b"x: thing: set\n")

    def test_no_head(self) -> None:
        """
        A HEAD that is a name, or nonsense, is no commit.
        """
        root = os.path.abspath(self.mktemp())
        tree = WorkTree.make(root, make_repository(os.path.join(root, "r.git")), ObjectFormat.SHA1.zero)
        with open(os.path.join(tree.directory.path, "HEAD"), "w") as file:
            file.write("ref: refs/heads/main\n")
        self.assertRaises(ValueError, tree.head)
