"""
Tests for :mod:`gitaly_tx.git.wildmatch`.
"""

from __future__ import annotations

import os
import random
import time

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.wildmatch import compiled
from tests.support.git import git, make_repository

COMPONENTS = [
    ("refs/heads/*", "refs/heads/a", True),
    ("refs/heads/*", "refs/heads/a/b", False),
    ("refs/heads/**", "refs/heads/a/b", True),
    ("refs/**/b", "refs/b", True),
    ("refs/**/b", "refs/heads/a/b", True),
    ("refs/**/b", "refs/heads/a/xb", False),
    ("**/b", "b", True),
    ("**/**/b", "a/b", True),
    ("a**b", "axb", True),
    ("a**b", "ax/b", False),
    ("*ab/c", "abab/c", True),
    ("a?c", "a/c", False),
    ("a[!b]c", "a/c", False),
    ("a[!b]c", "axc", True),
    ("a[^b]c", "abc", False),
    ("[a-c]", "b", True),
    ("[c-a]", "b", False),
    ("[a-]", "-", True),
    ("[]x]", "]", True),
    ("[\\]]", "]", True),
    ("[a-\\c]", "b", True),
    ("[[:digit:]x]", "5", True),
    ("[[:digit:]x]", "x", True),
    ("[[:foo:]]", "f", False),
    ("[[:x]", ":", True),
    ("[[:x]", "[", True),
    ("[[:]", ":", True),
    ("\\*", "*", True),
    ("\\*", "a", False),
    ("[a", "a", False),
    ("[a\\", "a", False),
    ("[a-\\", "a", False),
    ("[[:alpha", "a", False),
    ("a\\", "a", False),
    ("", "", True),
    ("a.c", "abc", False),
]

ANYTHING = [
    ("*", "a/b", True),
    ("a?c", "a/c", True),
    ("a[!b]c", "a/c", True),
    ("**b", "a/b", True),
    ("v*.0", "v1/2.0", True),
    ("v*.0", "v1.1", False),
]


class WildmatchTests(SynchronousTestCase):
    """
    ``compiled``.
    """

    def test_components(self):
        """
        Stars stay within a path component, but for two of them that are one.
        """
        for pattern, name, expected in COMPONENTS:
            found = compiled(pattern.encode(), components=True)(name.encode())
            self.assertEqual(found is not None, expected, (pattern, name))

    def test_anything(self):
        """
        Otherwise slashes are like any other byte.
        """
        for pattern, name, expected in ANYTHING:
            found = compiled(pattern.encode(), components=False)(name.encode())
            self.assertEqual(found is not None, expected, (pattern, name))

    def test_bytes(self):
        """
        Names and patterns need not be UTF-8, and a newline is nothing special.
        """
        self.assertTrue(compiled(b"\xff?", components=True)(b"\xff\n"))
        self.assertTrue(compiled(b"[\x80-\xff]", components=True)(b"\xc3"))

    def test_hostile(self):
        """
        No pattern takes long, however many stars it has.
        """
        name = b"refs/heads/" + b"a" * 200 + b"/" + b"ab/" * 60
        patterns = [b"*a" * 100 + b"b", b"**/" * 100 + b"x", b"**/a*" * 60 + b"x", b"*" * 5000 + b"x", b"**/a*b/" * 60 + b"x"]
        began = time.process_time()
        for pattern in patterns:
            for components in (True, False):
                self.assertIsNone(compiled(pattern, components=components)(name))
        self.assertLess(time.process_time() - began, 20.0)

    def test_like_git(self):
        """
        git finds the same refs.
        """
        chance = random.Random(5)
        directory = make_repository(os.path.abspath(self.mktemp()), 1)
        names = {"refs/tags/" + _name(chance) for _ in range(80)}
        names = {name for name in names if not any(other.startswith(name + "/") for other in names)}
        head = git("-C", directory.path, "rev-parse", "main").decode().strip()
        created = "".join(f"create {name} {head}\n" for name in names)
        git("-C", directory.path, "update-ref", "--stdin", stdin=created.encode())
        hits = 0
        for _ in range(25):
            pattern = "".join(chance.choice(PARTS) for _ in range(chance.randint(1, 7)))
            for command, start, skip, components in (
                (["for-each-ref", "--format=%(refname)"], "refs/tags/", 0, True),
                (["tag", "--format=%(refname)", "-l"], "*", len("refs/tags/"), False),
            ):
                asked = start + pattern
                expected = set(git("-C", directory.path, *command, asked).decode().split())
                matches = compiled(asked.encode(), components=components)
                # for-each-ref also takes a pattern for a name, or for the beginning of one.
                plain = {name for name in names if components and name.startswith(asked.rstrip("/") + "/")}
                found = {name for name in names if name in plain or name == asked or matches(name[skip:].encode())}
                self.assertEqual(found, expected, asked)
                hits += len(found)
        self.assertGreater(hits, 50)


PARTS = ["a", "b", "*", "**", "?", "/", "[ab]", "[!a]", "[^b-]", "[a-b]", "[[:alpha:]]", "[x", "\\a", "**/", "/**/", "*/", "-"]


def _name(chance: random.Random) -> str:
    return "/".join("".join(chance.choice("aab-x1") for _ in range(chance.randint(1, 4))) for _ in range(chance.randint(1, 3)))
