"""
The coordinator of a single server.
"""

from __future__ import annotations

from gitaly_tx.cluster.interfaces import HeadMoved, ICoordinator
from gitaly_tx.cluster.local import LocalCoordinator
from gitaly_tx.wal.interfaces import Head
from tests.contracts import coordinator
from tests.support.wal import ALPHA


class LocalCoordinatorTests(coordinator.CoordinatorContract):
    """
    ``LocalCoordinator`` keeps the contract.
    """

    def make_coordinator(self) -> ICoordinator:
        return LocalCoordinator()

    def test_seeded(self) -> None:
        """
        It can begin with what the log knows.
        """
        head = Head(0, "here", 4, b"d" * 32)
        self.coordinator = LocalCoordinator({ALPHA: head})
        self.assertEqual(self.read(), head)
        self.assertRaises(HeadMoved, self.commit, coordinator.entry_after(Head()), Head())

    def test_first_entry_it_sees(self) -> None:
        """
        Before that, the local log decides what the first entry follows.
        """
        head = Head(0, "here", 4, b"d" * 32)
        entry = coordinator.entry_after(head)
        self.commit(entry, head)
        self.assertEqual(self.read(), entry.head)
