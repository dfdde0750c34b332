"""
The log and the map in memory.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from gitaly_tx.wal.interfaces import IKeyValue, ILog, PartitionDamaged
from gitaly_tx.wal.memory import MemoryKeyValue, MemoryLog
from tests.contracts import keyvalue, log
from tests.support.wal import ALPHA, creation, outcome_of


class MemoryKeyValueTests(keyvalue.KeyValueContract):
    """
    ``MemoryKeyValue`` keeps the contract.
    """

    def make_map(self) -> IKeyValue:
        return MemoryKeyValue()


class MemoryLogTests(log.LogContract):
    """
    ``MemoryLog`` keeps the contract.
    """

    def make_log(self) -> ILog:
        return MemoryLog()

    def test_damaged(self) -> None:
        """
        It can be told to refuse a partition.
        """
        refusing = MemoryLog({ALPHA: "because"})
        self.assertRaises(PartitionDamaged, outcome_of, Deferred.fromCoroutine(refusing.head(ALPHA)))
        self.failureResultOf(refusing.append(creation(), self.head()), PartitionDamaged)
