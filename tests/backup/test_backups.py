"""
Tests for :mod:`gitaly_tx.backup.backups`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.backups import Backups
from gitaly_tx.backup.vanity import Vanity
from gitaly_tx.errors import Code, GitalyError
from tests.support.awaiting import begin

ANYTHING: Any = None


class Slow:
    """
    Makes and restores backups as long as a test wants.
    """

    def __init__(self) -> None:
        self.begun: list[tuple[str, Deferred[None]]] = []

    async def create(self, repository: Any, vanity: Vanity, backup_id: str, incremental: bool) -> None:
        """
        Waits.
        """
        waiting: Deferred[None] = Deferred()
        self.begun.append((backup_id, waiting))
        await waiting

    restore = create


class BackupsTests(SynchronousTestCase):
    """
    ``Backups``
    """

    def setUp(self) -> None:
        self.slow = Slow()
        slow: Any = self.slow
        self.backups = Backups(ANYTHING, slow, slow)

    def ask(self, path: str, backup_id: str) -> Deferred[None]:
        return begin(self.backups.create(ANYTHING, Vanity("s", path), backup_id, False))

    def begun(self) -> list[str]:
        return [backup_id for backup_id, _ in self.slow.begun]

    def test_one_at_a_time(self) -> None:
        """
        Of one name one thing is done at a time; ``.git`` makes no difference. Others do not wait, and who goes away holds up
        nobody.
        """
        asked = [self.ask("x.git", "1"), self.ask("x", "2"), self.ask("y", "3"), self.ask("x.git", "4")]
        back = begin(self.backups.restore(ANYTHING, Vanity("t", "x"), "5", False))
        self.assertEqual(self.begun(), ["1", "3"])
        asked[1].cancel()
        self.failureResultOf(asked[1], CancelledError)
        self.slow.begun[0][1].callback(None)
        self.assertEqual(self.begun(), ["1", "3", "4"])
        asked[3].cancel()
        self.failureResultOf(asked[3], CancelledError)
        self.assertEqual(self.begun(), ["1", "3", "4", "5"])
        for _, waiting in (self.slow.begun[1], self.slow.begun[3]):
            waiting.callback(None)
        for each in (asked[0], asked[2], back):
            self.successResultOf(each)
        self.assertEqual(self.backups._lines, {})

    def test_disk(self) -> None:
        """
        What the disk does is told without a path, and holds up nobody.
        """
        asked = self.ask("x", "1")
        self.slow.begun[0][1].errback(OSError(5, "Input/output error", "/secret"))
        error: Any = self.failureResultOf(asked, GitalyError).value
        self.assertEqual((error.code, error.message), (Code.INTERNAL, "input/output error"))
        self.ask("x", "2")
        self.assertEqual(self.begun(), ["1", "2"])
