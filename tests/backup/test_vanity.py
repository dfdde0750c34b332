"""
Tests for :mod:`gitaly_tx.backup.vanity`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.vanity import Vanity, check_id, is_id, vanity_of
from gitaly_tx.errors import Code, GitalyError
from protocols.gitaly.shared_pb2 import Repository


class VanityTests(SynchronousTestCase):
    """
    ``Vanity``
    """

    def test_places(self) -> None:
        """
        Pointers leave ``.git`` out, manifests do not.
        """
        found = vanity_of(Repository(storage_name="s", relative_path="/a/./b//c.git/"))
        self.assertEqual(found, Vanity("s", "a/b/c.git"))
        self.assertEqual((found.base, found.directory, found.manifests), ("a/b/c", "s/a/b/c.git", "manifests/s/a/b/c.git"))
        bare = vanity_of(Repository(relative_path="a/../b"))
        self.assertEqual((bare.base, bare.directory, bare.manifests), ("b", "b", "manifests/b"))

    def test_refused(self) -> None:
        """
        A name that leads elsewhere, that nobody can have or that is the server's own is refused.
        """
        for path in ("..", "../a", "a/../../b", "/..", ".", "/", "a\0b", ".git", "a/.git", "+gitaly", "+gitaly/x", "x" * 256):
            with self.assertRaises(GitalyError) as caught:
                vanity_of(Repository(storage_name="s", relative_path=path))
            self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT, path)
        for name in (".", "..", "a/b", "/", "a\0", "+gitaly", "é" * 128):
            with self.assertRaises(GitalyError) as caught:
                vanity_of(Repository(storage_name=name, relative_path="a"))
            self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT, name)

    def test_missing(self) -> None:
        """
        What is missing is told as for any repository.
        """
        for message, text in (
            (None, "repository not set"),
            (Repository(), "repository not set"),
            (Repository(storage_name="s"), "repository path not set"),
        ):
            with self.assertRaises(GitalyError) as caught:
                vanity_of(message)
            self.assertEqual((caught.exception.code, caught.exception.message), (Code.INVALID_ARGUMENT, text))


class IdTests(SynchronousTestCase):
    """
    ``is_id``
    """

    def test_good(self) -> None:
        """
        Gitaly's ids are taken, and whatever else is a plain name.
        """
        for good in ("20210930065413", "1740143717_2025_02_21_17.8.2", "a b", "ä", "x" * 200, "-x", "a..b"):
            check_id(good)

    def test_bad(self) -> None:
        """
        What is a path, hidden, or the name of something else is none.
        """
        for bad in ("", ".", "..", ".a", "../a", "a/b", "/", "a\0", "a\n", "\x7f", "+latest", "x" * 201, "ä" * 101):
            self.assertFalse(is_id(bad), bad)
            self.assertRaises(GitalyError, check_id, bad)
