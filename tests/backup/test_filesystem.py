"""
Tests for :mod:`gitaly_tx.backup.filesystem` and :mod:`gitaly_tx.backup.drafts`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup import drafts
from gitaly_tx.backup.drafts import BEGUN, Drafts
from gitaly_tx.backup.filesystem import DirectorySink, PathRefused
from gitaly_tx.backup.interfaces import NotThere
from gitaly_tx.errors import GitalyError
from tests.support.threads import ParkedThreads, inline_threads

BAD_NAMES = ("", ".", "..", "../x", "a/../b", "a/../../b", "/x", "a//b", "a/", "./a", "a\0b", "+gitaly/begun/x", "out/x", "out")


class DirectorySinkTests(SynchronousTestCase):
    """
    ``DirectorySink``
    """

    def setUp(self) -> None:
        self.root = os.path.join(os.path.abspath(self.mktemp()), "deep", "sink")
        self.sink = DirectorySink(self.root, inline_threads)
        self.addCleanup(self.sink.stop)

    def put(self, path: str, content: bytes) -> int:
        draft = self.successResultOf(self.sink.draft(path))
        self.successResultOf(draft.write([content[:2], content[2:]]))  # type: ignore[arg-type]
        size: int = self.successResultOf(draft.publish())  # type: ignore[arg-type]
        self.successResultOf(draft.drop())  # type: ignore[arg-type]
        return size

    def begun(self) -> list[str]:
        return [name for _, _, names in os.walk(os.path.join(self.root, BEGUN)) for name in names]

    def test_published(self) -> None:
        """
        A file is there once it is published, whole and with nobody else's rights; before that, and if it is dropped, it is not.
        """
        draft = self.successResultOf(self.sink.draft("a/b/c"))
        self.successResultOf(draft.write([b"new"]))  # type: ignore[arg-type]
        self.assertFalse(self.successResultOf(self.sink.exists("a/b/c")))
        self.assertEqual(self.successResultOf(draft.publish()), 3)  # type: ignore[arg-type]
        self.assertEqual(self.successResultOf(self.sink.read("a/b/c", 3)), b"new")
        path = self.successResultOf(self.sink.file("a/b/c"))
        self.assertEqual((path, os.stat(path).st_mode & 0o777), (os.path.join(self.root, "a/b/c"), 0o600))
        self.assertTrue(self.successResultOf(self.sink.exists("a/b")))
        other = self.successResultOf(self.sink.draft("a/b/d"))
        for _ in range(2):
            self.successResultOf(other.drop())  # type: ignore[arg-type]
        self.assertFalse(self.successResultOf(self.sink.exists("a/b/d")))
        self.successResultOf(draft.drop())  # type: ignore[arg-type]
        self.assertEqual((self.put("a/b/c", b"again"), self.begun()), (5, []))
        self.assertEqual(self.successResultOf(self.sink.read("a/b/c", 5)), b"again")

    def test_durable(self) -> None:
        """
        The file, its directory and those above it that are new are synced before it counts as published.
        """
        synced: list[str] = []
        real = os.fsync

        def fsync(descriptor: int) -> None:
            synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), self.root))
            real(descriptor)

        self.put("x", b"first")
        self.patch(os, "fsync", fsync)
        self.put("a/b/c", b"new")
        self.assertTrue(synced[0].startswith(BEGUN))
        self.assertEqual(synced[1:], [".", "a", "a/b"])

    def test_failing_disk(self) -> None:
        """
        If the disk fails the error is told, and what had the name has it still.
        """
        self.put("a", b"old")

        def fail(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        for name in ("fsync", "rename"):
            draft = self.successResultOf(self.sink.draft("a"))
            self.successResultOf(draft.write([b"new"]))  # type: ignore[arg-type]
            with_failure = self.patch(os, name, fail)
            self.failureResultOf(draft.publish(), OSError)
            with_failure.restore()
            self.successResultOf(draft.drop())  # type: ignore[arg-type]
            self.assertEqual((self.successResultOf(self.sink.read("a", 9)), self.begun()), (b"old", []))

    def test_missing(self) -> None:
        """
        What is not there, or no file, is told; a file that is too large is none of ours.
        """
        self.put("a/b", b"text")
        for path in ("x", "a", "a/b/c"):
            self.failureResultOf(self.sink.read(path, 9), NotThere)
            self.failureResultOf(self.sink.file(path), NotThere)
        self.failureResultOf(self.sink.read("a/b", 3), GitalyError)
        for _ in range(2):
            self.successResultOf(self.sink.remove("a/b"))
        self.assertFalse(self.successResultOf(self.sink.exists("a/b")))

    def test_nothing_outside(self) -> None:
        """
        No name leads out of the directory, a link neither, and none into the server's own part.
        """
        outside = os.path.abspath(self.mktemp())
        os.mkdir(outside)
        with open(os.path.join(outside, "x"), "w") as file:
            file.write("kept")
        os.makedirs(self.root)
        os.symlink(outside, os.path.join(self.root, "out"))
        for path in BAD_NAMES:
            for asked in (self.sink.draft(path), self.sink.read(path, 9), self.sink.file(path), self.sink.remove(path)):
                self.failureResultOf(asked, PathRefused)
            self.failureResultOf(self.sink.exists(path), PathRefused)
        self.assertEqual((os.listdir(outside), self.begun()), (["x"], []))

    def test_link_while_it_is_written(self) -> None:
        """
        A directory that becomes a link meanwhile gets no file.
        """
        outside = os.path.abspath(self.mktemp())
        os.mkdir(outside)
        draft = self.successResultOf(self.sink.draft("a/b"))
        os.symlink(outside, os.path.join(self.root, "a"))
        self.failureResultOf(draft.publish(), PathRefused)
        self.successResultOf(draft.drop())  # type: ignore[arg-type]
        self.assertEqual((os.listdir(outside), self.begun()), ([], []))

    def test_given_up(self) -> None:
        """
        A draft that nobody waits for does not stay.
        """
        threads = ParkedThreads()
        sink = DirectorySink(self.root, threads)
        waiting = sink.draft("a")
        waiting.cancel()
        threads.all()
        self.failureResultOf(waiting)
        self.assertEqual(self.begun(), [])
        sink.stop()
        threads.all()

    def test_cannot_begin(self) -> None:
        """
        Where there can be no draft the error is told, also if nobody waits for it any more.
        """
        os.makedirs(os.path.dirname(self.root))
        with open(self.root, "w"):
            pass
        self.failureResultOf(self.sink.draft("a"), OSError)
        threads = ParkedThreads()
        waiting = DirectorySink(self.root, threads).draft("a")
        waiting.cancel()
        threads.all()
        self.failureResultOf(waiting)


class DraftsTests(SynchronousTestCase):
    """
    ``Drafts``
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)

    def new(self, area: Drafts) -> str:
        descriptor, path = area.new()
        os.close(descriptor)
        return path

    def test_swept(self) -> None:
        """
        What a server left that is gone is removed by the next one; what another one writes that lives stays.
        """
        area = os.path.join(self.root, BEGUN)
        dead = os.path.join(area, "dead")
        os.makedirs(dead)
        with open(os.path.join(dead, "x"), "w"):
            pass
        with open(os.path.join(area, "file"), "w"):
            pass
        first, second = Drafts(self.root), Drafts(self.root)
        paths = [self.new(first), self.new(second), self.new(first)]
        self.assertFalse(os.path.exists(dead))
        self.assertEqual([os.path.exists(path) for path in paths], [True, True, True])
        for each in (first, second, second):
            each.close()
        self.assertEqual(os.listdir(area), ["file"])

    def test_taken_away(self) -> None:
        """
        If somebody removes the directory there is a new one.
        """
        area = Drafts(self.root)
        path = self.new(area)
        os.unlink(path)
        os.rmdir(os.path.dirname(path))
        self.assertTrue(os.path.exists(self.new(area)))
        area.close()

    def test_no_lock(self) -> None:
        """
        Without a lock nothing is written.
        """
        self.patch(drafts, "_locked", lambda directory: -1)
        self.assertRaises(OSError, Drafts(self.root).new)
