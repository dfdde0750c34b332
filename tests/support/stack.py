"""
The whole way of a write, from the storage provider to the disk, as the server composes it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.python.threadpool import ThreadPool

from gitaly_tx.cluster.local import LocalCoordinator
from gitaly_tx.git.config import Configurations
from gitaly_tx.git.dulwichreader import ObjectReader
from gitaly_tx.git.refs import Refs
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.storage.provider import FilesystemStorageProvider
from gitaly_tx.storage.threads import Threads
from gitaly_tx.wal.store import Store, make_store
from gitaly_tx.writequeue.commit import Committer
from gitaly_tx.writequeue.queue import WriteQueue
from tests.support.disk import make_storage
from tests.support.git import make_git


class Stack:
    """
    A storage provider with real threads, a real log and real git. Start it, use it, stop it.

    :param root: where the storages are made, if they are not there.
    :param names: the storages.
    """

    def __init__(self, root: str, names: Sequence[str] = ("default",)) -> None:
        os.makedirs(root, exist_ok=True)
        running: Any = reactor
        self._pools: list[ThreadPool] = []
        self.git = make_git()
        self.pool = self._pool(8)
        self.threads = Threads(running, self.pool)
        self.alive = 0
        self.configurations = Configurations()
        self.refs = Refs(running, self.pool, running, self.git, configurations=self.configurations)
        self.objects = ObjectReader(running, self.pool)
        self.queue = WriteQueue(running)
        self.storages = [_storage(root, name) for name in names]
        self.stores: dict[str, Store] = {
            storage.name: make_store(
                storage.name,
                storage.path,
                refs=self.refs,
                git=self.git,
                clock=running,
                in_writer=Threads(running, self._pool(1)),
                in_thread=self.threads,
            )
            for storage in self.storages
        }
        self.committer = Committer(self.stores, self.refs, LocalCoordinator(), self.threads, running, Random(1))
        self.provider = FilesystemStorageProvider(
            self.storages,
            refs=self.refs,
            objects=self.objects,
            queue=self.queue,
            committers=dict.fromkeys(names, self.committer),
            object_format=lambda directory: self.configurations.read(directory.path).object_format,
            threads=self.threads,
            counted=self._count,
        )

    async def start(self) -> None:
        """
        Start the threads and the logs.
        """
        for pool in self._pools:
            pool.start()
        for store in self.stores.values():
            await store.start()

    async def stop(self) -> None:
        """
        Finish what is under way.
        """
        await self.queue.stop()
        self.committer.stop()
        for store in self.stores.values():
            await store.stop()
        for pool in self._pools:
            pool.stop()

    def _pool(self, size: int) -> ThreadPool:
        pool = ThreadPool(0, size)
        self._pools.append(pool)
        return pool

    def _count(self, change: int) -> None:
        self.alive += change


def _storage(root: str, name: str) -> StorageInfo:
    path = os.path.join(os.path.realpath(root), name)
    return StorageInfo(name, path, "") if os.path.isdir(path) else make_storage(root, name)
