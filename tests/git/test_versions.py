"""
Tests for :mod:`gitaly_tx.git.versions`.
"""

from __future__ import annotations

import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.versions import compare_versions, version_key
from tests.support.git import git, make_repository

VERSIONS = st.text("v0019.-a", max_size=8).map(str.encode)


class VersionTests(SynchronousTestCase):
    """
    ``compare_versions``.
    """

    def test_order(self):
        """
        Numbers count as numbers, and those that begin with a zero as fractions.
        """
        ordered = [b"v1.01", b"v1.2", b"v1.10", b"v9", b"v10"]
        self.assertEqual(sorted([b"v9", b"v1.10", b"v10", b"v1.2", b"v1.01"], key=version_key), ordered)

    @settings(max_examples=100, deadline=None)
    @given(VERSIONS, VERSIONS)
    def test_antisymmetric(self, one: bytes, other: bytes):
        """
        Turned around, the answer is turned around; only equal names are equal.
        """
        forth, back = compare_versions(one, other), compare_versions(other, one)
        self.assertEqual((forth > 0) - (forth < 0), (back < 0) - (back > 0))
        self.assertEqual(forth == 0, one == other)

    def test_like_git(self):
        """
        git sorts tags the same way.
        """
        chance = random.Random(3)
        directory = make_repository(os.path.abspath(self.mktemp()), 1)
        head = git("-C", directory.path, "rev-parse", "main").decode().strip()
        names = {"".join(chance.choice("v0019.-a") for _ in range(chance.randint(1, 7))) for _ in range(300)}
        names = {"refs/tags/x" + name.replace("..", ".").strip(".") for name in names if ".lock" not in name and ".." not in name}
        created = "".join(f"create {name} {head}\n" for name in names)
        git("-C", directory.path, "update-ref", "--stdin", stdin=created.encode())
        expected = git("-C", directory.path, "for-each-ref", "--format=%(refname)", "--sort=version:refname", "refs/tags").split()
        self.assertEqual(sorted((name.encode() for name in names), key=version_key), expected)
