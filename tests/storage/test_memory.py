"""
The provider in memory.
"""

from __future__ import annotations

from gitaly_tx.storage.interfaces import IStorageProvider, StorageInfo
from gitaly_tx.storage.memory import MemoryStorageProvider
from tests.contracts import storageprovider


class MemoryStorageProviderTests(storageprovider.StorageProviderContract):
    """
    ``MemoryStorageProvider`` keeps the contract.
    """

    async def make_provider(self) -> IStorageProvider:
        return MemoryStorageProvider([StorageInfo("default", "/default", ""), StorageInfo("other", "/other", "")])
