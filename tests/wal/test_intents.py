"""
Lock files that a crash leaves behind.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.wal.intents import Intents
from gitaly_tx.wal.layout import Layout
from gitaly_tx.wal.lock import prepare_layout


class IntentTests(SynchronousTestCase):
    """
    ``Intents``.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.makedirs(join(self.root, "a.git/refs/heads"))
        self.layout = Layout(self.root)
        prepare_layout(self.layout)
        self.intents = Intents(self.layout)

    def make(self, *names: str) -> list[str]:
        paths = [join(self.root, name) for name in names]
        for path in paths:
            with open(path, "w"):
                pass
        return paths

    def test_sweep(self) -> None:
        """
        The locks that a dead server had announced are removed; others are not.
        """
        ours = self.make("a.git/refs/heads/main.lock", "a.git/packed-refs.lock", "a.git/packed-refs.new")
        theirs = self.make("a.git/refs/heads/other.lock")
        intent = self.intents.new()
        intent.announce(ours[:1])
        intent.announce([*ours[1:], join(self.root, "a.git/refs/heads/never-made.lock")])
        self.assertEqual(self.intents.sweep(), 3)
        self.assertEqual([os.path.exists(path) for path in (*ours, *theirs)], [False, False, False, True])
        self.assertEqual(os.listdir(self.layout.intents), [])
        self.assertEqual(self.intents.sweep(), 0)

    def test_withdraw(self) -> None:
        """
        An intent that was withdrawn is forgotten; that can be repeated, and done without any announcement.
        """
        (lock,) = self.make("a.git/refs/heads/main.lock")
        intent = self.intents.new()
        intent.withdraw()
        intent.announce([lock])
        self.assertEqual(len(os.listdir(self.layout.intents)), 1)
        intent.withdraw()
        intent.withdraw()
        self.assertEqual(self.intents.sweep(), 0)
        self.assertTrue(os.path.exists(lock))

    def test_names_that_are_no_text(self) -> None:
        """
        Refs may have any bytes in their names.
        """
        lock = os.fsdecode(os.fsencode(join(self.root, "a.git/refs/heads/")) + b"\xff\xe4.lock")
        with open(lock, "w"):
            pass
        self.intents.new().announce([lock])
        self.assertEqual(self.intents.sweep(), 1)
        self.assertFalse(os.path.exists(lock))

    def test_junk(self) -> None:
        """
        What a crash cut short, or what is no intent, removes nothing but locks inside of the storage.
        """
        outside = os.path.abspath(self.mktemp()) + ".lock"
        with open(outside, "w"):
            pass
        (config,) = self.make("a.git/config")
        relative = os.path.relpath(outside, self.root)
        for number, content in enumerate(
            (
                b"",
                b'["a.git/refs/heads/ma',
                b"\xff\xfe",
                b"7\n",
                b'[1, null, "a.git/config"]\n',
                f'["{outside}", "{relative}", "a.git/none/x.lock", "a.git/config/x.lock"]\n'.encode(),
            )
        ):
            with open(join(self.layout.intents, str(number)), "wb") as file:
                file.write(content)
        self.assertEqual(self.intents.sweep(), 0)
        self.assertTrue(os.path.exists(outside))
        self.assertTrue(os.path.exists(config))
        self.assertEqual(os.listdir(self.layout.intents), [])
