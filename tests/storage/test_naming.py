"""
Names are checked before the disk is asked.
"""

from __future__ import annotations

import posixpath

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.storage.naming import DEEPEST, has_quarantine, place_in, quarantine_prefix, required, storage_of
from protocols.gitaly.shared_pb2 import Repository

STORAGE = StorageInfo("default", "/srv/git", "")
STORAGES = {"default": STORAGE}

HOSTILE = st.lists(
    st.sampled_from(["..", ".", "", "a", "b.git", "+gitaly", "srv", "git", "-x", "\n", "\0", "é", "é", "\u202e", "x" * 300]),
    max_size=8,
).map("/".join) | st.text(max_size=40)


class MessageTests(SynchronousTestCase):
    """
    What a repository message must have.
    """

    def refused(self, message: Repository | None) -> str:
        error = self.assertRaises(GitalyError, storage_of, message, STORAGES)
        self.assertEqual(error.code, Code.INVALID_ARGUMENT)
        return error.message

    def test_order_of_checks(self):
        """
        Of several things that are wrong the first is told, with Gitaly's words (faults 14 to 17).
        """
        for message, text in [
            (None, "repository not set"),
            (Repository(), "repository not set"),
            (Repository(storage_name="default"), "repository path not set"),
            (Repository(storage_name="nope"), "repository path not set"),
            (Repository(relative_path="a.git"), "storage name not set"),
            (Repository(storage_name="nope", relative_path="a.git"), "storage name not found"),
            (Repository(storage_name="nope", relative_path="../a.git"), "storage name not found"),
        ]:
            self.assertEqual(self.refused(message), text, message)

    def test_complete(self):
        """
        A message that has everything leads to its storage.
        """
        message = Repository(storage_name="default", relative_path="a.git")
        self.assertIs(required(message), message)
        self.assertIs(storage_of(message, STORAGES), STORAGE)

    def test_quarantine(self):
        """
        Either kind of object directory makes a quarantine.
        """
        self.assertFalse(has_quarantine(Repository(relative_path="a")))
        self.assertTrue(has_quarantine(Repository(git_object_directory="objects")))
        self.assertTrue(has_quarantine(Repository(git_alternate_object_directories=["objects"])))


class PlaceTests(SynchronousTestCase):
    """
    Where a relative path leads.
    """

    def test_normalised(self):
        """
        A path is joined and normalised before it is judged.
        """
        for path, expected in [
            ("a.git", "a.git"),
            ("/etc", "etc"),
            ("//etc", "etc"),
            ("a/../b.git", "b.git"),
            ("a//b/./c.git/", "a/b/c.git"),
            ("../git/a.git", "a.git"),
            ("-x.git", "-x.git"),
            ("a\nb.git", "a\nb.git"),
            ("cafe\u0301.git", "cafe\u0301.git"),
            ("caf\u00e9.git", "caf\u00e9.git"),
            ("a/+gitaly/b.git", "a/+gitaly/b.git"),
        ]:
            self.assertEqual(place_in(STORAGE, path).path, expected)
        self.assertTrue(place_in(STORAGE, "a/..").is_root)
        self.assertEqual(place_in(STORAGE, "a/b.git").absolute, "/srv/git/a/b.git")
        self.assertEqual(place_in(STORAGE, ".").absolute, "/srv/git")

    def test_refused(self):
        """
        What leads elsewhere, and what no file system takes, is INVALID_ARGUMENT without the path in the text (faults 18 to 24).
        """
        for path, text in [
            ("../x.git", "relative path escapes root directory"),
            ("a/../../x.git", "relative path escapes root directory"),
            ("..", "relative path escapes root directory"),
            ("/../x.git", "relative path escapes root directory"),
            ("../gitx/a.git", "relative path escapes root directory"),
            ("a\0b.git", "repository path contains a NUL byte"),
            ("x" * 300, "repository path too long"),
            ("é" * 128, "repository path too long"),
            ("x/" * 2040 + "x", "repository path too long"),
            ("/".join("a" * (DEEPEST + 1)), "repository path too long"),
            ("/".join(["y" * 200] * 20), "repository path too long"),
            ("+gitaly/state/x.git", "repository path is reserved"),
            ("+gitaly/tmp/x", "repository path is reserved"),
            ("a/../+gitaly", "repository path is reserved"),
            (".gitaly-metadata", "repository path is reserved"),
        ]:
            error = self.assertRaises(GitalyError, place_in, STORAGE, path)
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, text), path)

    @settings(max_examples=200)
    @given(HOSTILE)
    def test_never_outside(self, path: str):
        """
        Whatever the path, it is refused or leads into the storage, and not into the server's own area.
        """
        try:
            place = place_in(STORAGE, path)
        except GitalyError as error:
            self.assertEqual(error.code, Code.INVALID_ARGUMENT)
            self.assertNotIn("/srv", error.message)
            return
        self.assertEqual(posixpath.normpath(place.path), place.path)
        self.assertFalse(place.path.startswith(("/", "../", "+gitaly/")))
        self.assertNotIn(place.path, ("..", "+gitaly"))
        self.assertNotIn("\0", place.path)
        self.assertTrue(f"{place.absolute}/".startswith("/srv/git/"))

    def test_quarantine_prefix(self):
        """
        A quarantine's name begins with 8 bytes of the SHA-1 of the repository's path, as in Gitaly.
        """
        self.assertEqual(quarantine_prefix("a.git"), "quarantine-03b3a264948eb979-")
        self.assertRegex(quarantine_prefix("a.git"), r"\Aquarantine-[0-9a-f]{16}-\Z")
        self.assertNotEqual(quarantine_prefix("a.git"), quarantine_prefix("b.git"))
