"""
Tests for :mod:`gitaly_tx.backup.hookfile`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup import hookfile
from gitaly_tx.backup.filesystem import DirectorySink
from gitaly_tx.backup.hookfile import NONE, changes_of, read_hooks, stored_hooks
from gitaly_tx.backup.interfaces import NotThere
from gitaly_tx.backup.manifest import Step
from gitaly_tx.backup.refsfile import digest
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.hooks import hookarchive
from tests.support.threads import inline_threads


class HookFileTests(SynchronousTestCase):
    """
    Hooks that are kept.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.hooks = os.path.join(self.root, "custom_hooks")
        os.makedirs(self.root)

    def hook(self, name: str, content: bytes = b"#!/bin/sh\n") -> None:
        os.makedirs(self.hooks, exist_ok=True)
        with open(os.path.join(self.hooks, name), "wb") as file:
            file.write(content)

    def stored(self, *steps: Step) -> Any:
        sink = DirectorySink(self.root, inline_threads)
        return Deferred.fromCoroutine(stored_hooks(sink, inline_threads, steps))

    def refused(self) -> Code:
        with self.assertRaises(GitalyError) as caught:
            read_hooks(self.root)
        return caught.exception.code

    def test_read(self) -> None:
        """
        The archive has what there is, and nothing is nothing.
        """
        self.assertEqual((read_hooks(self.root), changes_of(b""), changes_of(NONE)), (b"", (), ()))
        self.hook("update")
        found = {change.path: change.content for change in changes_of(read_hooks(self.root)) if not change.is_directory}
        self.assertEqual(found, {"custom_hooks/update": b"#!/bin/sh\n"})

    def test_refused(self) -> None:
        """
        What could not be restored is not taken: too much, too many, and what is no plain file.
        """
        self.hook("update", b"x" * 100)
        self.patch(hookfile, "MAXIMUM", 100)
        self.assertEqual(self.refused(), Code.RESOURCE_EXHAUSTED)
        self.patch(hookfile, "MAXIMUM", 1 << 20)
        self.patch(hookarchive, "MEMBERS", 1)
        self.assertEqual(self.refused(), Code.RESOURCE_EXHAUSTED)
        self.patch(hookarchive, "MEMBERS", 9)
        os.symlink("update", os.path.join(self.hooks, "link"))
        self.assertEqual(self.refused(), Code.FAILED_PRECONDITION)

    def test_last_one(self) -> None:
        """
        The last archive there is counts, also if there is nothing in it; one that was noted must be there, as it was.
        """
        for name, content in (("1", b"one"), ("2", b"two"), ("3", NONE)):
            with open(os.path.join(self.root, name), "wb") as file:
                file.write(content)
        one, two, three, none = (Step("r", "b", hooks) for hooks in ("1", "2", "3", ""))
        for steps, expected in (
            ((none,), b""),
            ((one, two), b"two"),
            ((one, none), b"one"),
            ((one, Step("r", "b", "missing")), b"one"),
            ((one, three), b""),
            ((Step("r", "b", "1", "", "", digest(b"one")),), b"one"),
        ):
            self.assertEqual(self.successResultOf(self.stored(*steps)), expected)
        self.failureResultOf(self.stored(Step("r", "b", "1", "", "", digest(b"other"))), GitalyError)
        self.failureResultOf(self.stored(one, Step("r", "b", "missing", "", "", digest(b"x"))), NotThere)
