"""
Tests for :mod:`gitaly_tx.backup.locator`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.filesystem import DirectorySink
from gitaly_tx.backup.interfaces import NotThere
from gitaly_tx.backup.locator import BadPointer, Locator, legacy
from gitaly_tx.backup.manifest import Backup, BadManifest, Step
from gitaly_tx.backup.vanity import Vanity
from gitaly_tx.git.objectid import ObjectFormat
from tests.support.threads import inline_threads

VANITY = Vanity("s", "t/x.git")


def steps(directory: str, count: int) -> tuple[Step, ...]:
    """
    Steps in one directory.
    """
    found: list[Step] = []
    for number in range(1, count + 1):
        start = f"{directory}/{number:03}"
        found.append(Step(f"{start}.refs", f"{start}.bundle", f"{start}.custom_hooks.tar", found[-1].refs if found else ""))
    return tuple(found)


class LocatorCase(SynchronousTestCase):
    """
    A sink that is empty as yet.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.sink = DirectorySink(self.root, inline_threads)
        self.addCleanup(self.sink.stop)
        self.locator = Locator(self.sink)

    def result(self, asked: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(asked))

    def failure(self, asked: Any, kind: type[Exception]) -> str:
        error: Any = self.failureResultOf(Deferred.fromCoroutine(asked), kind).value
        return str(error.message)

    def put(self, path: str, content: bytes = b"") -> None:
        target = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)

    def content(self, path: str) -> bytes:
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def made(self, backup_id: str, count: int, directory: str) -> Backup:
        return Backup(backup_id, ObjectFormat.SHA1, b"refs/heads/main", steps(directory, count))

    def commit(self, backup: Backup, locator: Locator | None = None) -> Backup:
        self.put(backup.steps[-1].refs)
        self.result((locator or self.locator).commit(VANITY, backup))
        return backup


class PointerTests(LocatorCase):
    """
    ``Locator`` with pointers
    """

    def test_chain(self) -> None:
        """
        Steps are numbered in the directory of the full backup, and pointers and manifests lead to the last one.
        """
        (first,) = steps("t/x/a", 1)
        self.assertEqual(self.result(self.locator.full(VANITY, "a")), first)
        full = self.commit(self.made("a", 1, "t/x/a"))
        self.assertEqual(self.result(self.locator.increment(VANITY, "b", full)), steps("t/x/a", 2)[1])
        more = self.commit(self.made("b", 2, "t/x/a"))
        self.assertEqual((self.content("t/x/LATEST"), self.content("t/x/a/LATEST")), (b"a", b"002"))
        for backup_id, backup in (("a", full), ("b", more)):
            self.assertEqual(self.result(self.locator.find(VANITY, backup_id)), backup)
        self.assertEqual(self.result(self.locator.latest(VANITY)).steps, more.steps)

    def test_never_twice(self) -> None:
        """
        Places that a backup has are not given again.
        """
        self.commit(self.made("a", 1, "t/x/a"))
        self.assertEqual(self.result(self.locator.full(VANITY, "a")), steps("t/x/a+2", 1)[0])
        self.commit(self.made("a", 1, "t/x/a+2"))
        self.assertEqual(self.result(self.locator.full(VANITY, "a")), steps("t/x/a+3", 1)[0])
        self.assertEqual(self.content("t/x/LATEST"), b"a+2")
        self.put("t/x/a/002.refs")
        step = self.result(self.locator.increment(VANITY, "b", self.made("a", 1, "t/x/a")))
        self.assertEqual((step.refs, step.previous), ("t/x/a/003.refs", "t/x/a/001.refs"))

    def test_pointers_alone(self) -> None:
        """
        Without manifests pointers do, with or without a newline.
        """
        self.put("t/x/LATEST", b"a\n")
        self.put("t/x/a/LATEST", b"002\n")
        expected = Backup("a", None, b"", steps("t/x/a", 2))
        self.assertEqual(self.result(self.locator.latest(VANITY)), expected)
        self.assertEqual(self.result(self.locator.find(VANITY, "a")), expected)

    def test_nothing(self) -> None:
        """
        Where there is no backup that is told; so is a pointer that leads nowhere.
        """
        self.failure(self.locator.latest(VANITY), NotThere)
        text = self.failure(self.locator.find(VANITY, "a"), NotThere)
        self.assertEqual(text, "pointer locator: find: find latest ID: doesn't exist")
        self.put("t/x/LATEST", b"a")
        self.failure(self.locator.latest(VANITY), BadPointer)

    def test_bad_pointers(self) -> None:
        """
        A pointer that is no name, or no number, is refused.
        """
        for bad in (b"", b"..", b".", b"a/b", b"../../etc", b"a\0", b"\xff"):
            self.put("t/x/LATEST", bad)
            self.failure(self.locator.latest(VANITY), BadPointer)
        for bad in (b"", b"0", b"-1", b"x", b"1/2", b"100000", "²".encode()):
            self.put("t/x/a/LATEST", bad)
            self.failure(self.locator.find(VANITY, "a"), BadPointer)

    def test_bad_manifest(self) -> None:
        """
        A manifest that is damaged is not passed over.
        """
        self.commit(self.made("a", 1, "t/x/a"))
        for name in ("a", "+latest"):
            self.put(f"manifests/s/t/x.git/{name}.toml", b"x")
        self.failure(self.locator.latest(VANITY), BadManifest)
        self.failure(self.locator.find(VANITY, "a"), BadManifest)

    def test_legacy(self) -> None:
        """
        There is one place for what was made before there were ids.
        """
        self.assertEqual(legacy(VANITY).steps, (Step("t/x.refs", "t/x.bundle", "t/x/custom_hooks.tar"),))


class ManifestTests(LocatorCase):
    """
    ``Locator`` without pointers
    """

    def setUp(self) -> None:
        super().setUp()
        self.plain = Locator(self.sink, False)

    def test_chain(self) -> None:
        """
        Each backup has a directory of its own; there are no pointers.
        """
        self.assertEqual(self.result(self.plain.full(VANITY, "a")), steps("s/t/x.git/a", 1)[0])
        full = self.commit(self.made("a", 1, "s/t/x.git/a"), self.plain)
        step = self.result(self.plain.increment(VANITY, "b", full))
        self.assertEqual((step.bundle, step.previous), ("s/t/x.git/b/002.bundle", "s/t/x.git/a/001.refs"))
        self.assertEqual(sorted(os.listdir(self.root)), ["+gitaly", "manifests", "s"])

    def test_other_layout(self) -> None:
        """
        A chain goes on where the layout has changed meanwhile, in both directions.
        """
        full = self.commit(self.made("a", 1, "t/x/a"))
        self.assertEqual(self.result(self.plain.latest(VANITY)).steps, full.steps)
        self.assertEqual(self.result(self.plain.increment(VANITY, "b", full)).refs, "s/t/x.git/b/002.refs")
        plain = self.commit(self.made("c", 1, "s/t/x.git/c"), self.plain)
        step = self.result(self.locator.increment(VANITY, "d", plain))
        self.assertEqual(step.refs, "s/t/x.git/c/002.refs")
        self.commit(Backup("d", ObjectFormat.SHA1, b"", (*plain.steps, step)))
        self.assertEqual(self.content("t/x/LATEST"), b"a")
        self.assertEqual(self.result(self.locator.latest(VANITY)).steps[-1], step)
