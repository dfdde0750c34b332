"""
What ``gitaly-tx accept`` does to a storage. Apart from its words, because it takes a while to import.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping
from posixpath import normpath
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from ..config.model import Config
from ..git.children import Children
from ..git.environment import find_git
from ..git.refs import Refs
from ..git.runner import Git
from ..storage.threads import Threads
from ..storage.walk import repositories
from ..wal.entry import tag_of
from ..wal.interfaces import Partition
from ..wal.resolve import EVERYBODY
from ..wal.store import Store, make_store

Print = Callable[[str], None]


async def work(reactor: Any, config: Config, arguments: argparse.Namespace, say: Print, environ: Mapping[str, str]) -> int:
    """
    Do it, one storage after the other.
    """
    accepting = arguments.everybody or arguments.repository is not None
    wanted = arguments.storage or (config.storages[0].name if accepting else None)
    status = 0
    for storage in config.storages:
        if wanted in (None, storage.name):
            async with _Opened(reactor, config, storage.name, storage.path, environ) as store:
                if accepting:
                    status |= await _accept(store, arguments.repository, say)
                else:
                    status |= _tell(store, say)
    return status


async def _accept(store: Store, repository: str | None, say: Print) -> int:
    path = None if repository is None else normpath(repository.strip("/"))
    tag = EVERYBODY if path is None else tag_of(path)
    whom = "everybody" if path is None else path
    why = store.log.refused.get(tag)
    if why is None:
        say(f"{store.name}: {whom} is not refused")
        return 1
    await store.log.accept(None if path is None else Partition(store.name, path))
    say(f"{store.name}: {whom} takes writes again; it did not because of: {why}")
    return 0


def _tell(store: Store, say: Print) -> int:
    refused = store.log.refused
    if not refused:
        say(f"{store.name}: nobody is refused")
        return 0
    names = {tag_of(path): path for path in repositories(store.layout.root)}
    for tag, why in sorted(refused.items()):
        if tag == EVERYBODY:
            say(f"{store.name}: everybody: {why}")
        else:
            say(f"{store.name}: {names.get(tag, 'a repository that is not there any more')}: {why}")
    return 1


class _Opened:
    """
    A storage, as a server has it, for as long as the block lasts.
    """

    def __init__(self, reactor: Any, config: Config, name: str, path: str, environ: Mapping[str, str]) -> None:
        self._pools = (ThreadPool(1, 1), ThreadPool(0, 4))
        writer, workers = (Threads(reactor, pool) for pool in self._pools)
        git = Git(find_git(environ, config.git.bin_path), Children(reactor, reactor), environment=environ)
        refs = Refs(reactor, self._pools[1], reactor, git)
        self._store = make_store(
            name,
            path,
            refs=refs,
            git=git,
            clock=reactor,
            in_writer=writer,
            in_thread=workers,
            segment_size=config.wal.segment_size,
        )

    async def __aenter__(self) -> Store:
        for pool in self._pools:
            pool.start()
        try:
            await self._store.start()
        except BaseException:
            self._stop()
            raise
        return self._store

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            await self._store.stop()
        finally:
            self._stop()

    def _stop(self) -> None:
        for pool in self._pools:
            pool.stop()


def in_reactor(job: Callable[[Any], Awaitable[int]]) -> int:
    """
    Run something in a reactor of its own, which is the only one this process ever has.
    """
    from twisted.internet import asyncioreactor

    asyncioreactor.install()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    results: list[int] = []
    failures: list[Failure] = []

    async def wait() -> int:
        return await job(reactor)

    def begin() -> None:
        done = Deferred.fromCoroutine(wait())
        done.addCallbacks(results.append, failures.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if failures:
        failures[0].raiseException()
    return results[0]
