"""
When housekeeping happens, and that it never happens twice at once in a repository.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from posixpath import join
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import GitalyError
from ..storage.interfaces import IRepository, ITurn
from ..storage.poolpaths import is_pool_path
from ..wal.interfaces import FileChange, Partition
from ..wal.threads import InThread
from .settings import cleaned
from .stale import MINUTE, remove_stale
from .statistics import Statistics, survey
from .strategy import Plan, Thresholds, eager, heuristical, pruning
from .tasks import Tasks

EVERY = 10
"""After so many pushes a repository is looked at."""

TIDY_EVERY = 15 * MINUTE
"""Seconds until a repository that was pushed to is tidied again: what crashes leave is not removed sooner anyway."""

MOST = 10_000
"""Repositories of which it is remembered when they were tidied."""

_LARGEST_CONFIG = 1 << 20

log = Logger()


class Housekeeping:
    """
    Looks after repositories that were pushed to, and after those that somebody asks for.

    Whoever pushed does not wait: :meth:`consider` counts, and every :data:`EVERY` pushes it starts something in the background,
    one repository at a time. What fails there is logged, and tried again after as many pushes.

    :param now: the wall clock, that which files are stamped with.
    """

    def __init__(
        self,
        tasks: Tasks,
        threads: InThread,
        *,
        thresholds: Thresholds | None = None,
        every: int = EVERY,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tasks = tasks
        self._threads = threads
        self._thresholds = thresholds or Thresholds()
        self._every = every
        self._now = now
        self._pushes: Counter[Partition] = Counter()
        self._tidied: dict[Partition, float] = {}
        self._running: dict[Partition, Deferred[None]] = {}
        self._waiting: dict[Partition, list[Deferred[None]]] = {}
        self._quiet: list[Deferred[None]] = []
        self._one_at_a_time = DeferredSemaphore(1)
        self._stopped = False

    def consider(self, repository: IRepository) -> None:
        """
        A repository was pushed to.
        """
        partition = repository.partition
        self._pushes[partition] += 1
        if self._pushes[partition] < self._every or partition in self._running or self._stopped:
            return
        self._start(repository, self._in_line(repository)).addErrback(self._failed, partition)

    async def optimize(self, repository: IRepository, all_of_it: bool = False) -> None:
        """
        Do what is worth its cost, or all there is. If something is being done to the repository already, this is done at once.

        :raises GitalyError: if it failed.
        """
        if repository.partition in self._running or self._stopped:
            return
        await self._start(repository, self._optimize(repository, all_of_it))

    async def tidy(self, repository: IRepository) -> None:
        """
        Remove what crashes left behind, and what should not be in the config file.
        """
        await repository.turn(partial(self._tidy, repository))
        if len(self._tidied) >= MOST:
            self._tidied.clear()
        self._tidied[repository.partition] = self._now()

    async def prune(self, repository: IRepository, age: float) -> None:
        """
        Drop what nothing refers to and was not touched for some time.

        :param age: in seconds.
        :raises GitalyError: if it failed, or nothing could be dropped because the repository is written to all the time.
        """
        while repository.partition in self._running:
            over: Deferred[None] = Deferred()
            self._waiting.setdefault(repository.partition, []).append(over)
            await over
        expire = self._now() - age
        await self._start(repository, self._work(repository, lambda statistics: pruning(statistics, expire), True))

    def idle(self) -> Deferred[None]:
        """
        :returns: fires when nothing is under way.
        """
        quiet: Deferred[None] = Deferred()
        self._quiet.append(quiet)
        self._tell()
        return quiet

    def stop(self) -> Deferred[None]:
        """
        Start nothing more, and give up what is under way; nothing is lost by that.

        :returns: fires when nothing is under way.
        """
        self._stopped = True
        for running in list(self._running.values()):
            running.cancel()
        return self.idle()

    def _start(self, repository: IRepository, work: Coroutine[Deferred[Any], Any, None]) -> Deferred[None]:
        partition = repository.partition
        del self._pushes[partition]
        # Registered before it runs: it may be over at once.
        begun: Deferred[None] = Deferred()
        running = self._running[partition] = Deferred.fromCoroutine(_after(begun, work))
        running.addBoth(self._ended, partition)
        begun.callback(None)
        return running

    async def _in_line(self, repository: IRepository) -> None:
        tidied, now = self._tidied.get(repository.partition, 0.0), self._now()
        tidy = not tidied <= now < tidied + TIDY_EVERY
        await self._one_at_a_time.run(lambda: Deferred.fromCoroutine(self._optimize(repository, False, tidy)))

    async def _optimize(self, repository: IRepository, all_of_it: bool, tidy: bool = True) -> None:
        pool = is_pool_path(repository.partition.path)
        choose = eager if all_of_it else heuristical
        if tidy:
            await self.tidy(repository)
        await self._work(repository, lambda statistics: choose(statistics, self._now(), self._thresholds, pool))

    async def _tidy(self, repository: IRepository, turn: ITurn) -> None:
        path = repository.directory.path
        removed = await self._threads(remove_stale, path, self._now())
        if removed:
            log.info("housekeeping of {partition}: stale {names}", partition=str(repository.partition), names=removed)
        change = await self._threads(_change_of_config, path)
        if change is not None:
            await turn.commit(files=[change])

    async def _work(self, repository: IRepository, choose: Callable[[Statistics], Plan], insist: bool = False) -> None:
        stale_before = self._now() - self._thresholds.expiry
        few = self._thresholds.stale_objects
        statistics = await self._threads(survey, repository.directory.path, stale_before, few)
        plan = choose(statistics)
        if plan.idle:
            return
        log.info(
            "housekeeping of {partition}: {packs} packs, {loose} loose objects, {refs} loose refs: {repack}, {graph}",
            partition=str(repository.partition),
            packs=len(statistics.packs),
            loose=statistics.loose_objects,
            refs=statistics.loose_refs,
            repack=plan.repack.name.lower(),
            graph=plan.graph.name.lower(),
        )
        await self._tasks.perform(repository, plan, insist)

    def _failed(self, failure: Failure, partition: Partition) -> None:
        if self._stopped and failure.check(CancelledError):
            return
        facts = failure.value.facts if isinstance(failure.value, GitalyError) else {}
        log.failure("housekeeping of {partition} failed: {facts}", failure, partition=str(partition), facts=facts)

    def _ended(self, result: Any, partition: Partition) -> Any:
        del self._running[partition]
        for over in self._waiting.pop(partition, []):
            if not over.called:
                over.callback(None)
        self._tell()
        return result

    def _tell(self) -> None:
        if not self._running:
            quiet, self._quiet = self._quiet, []
            for one in quiet:
                one.callback(None)


async def _after(begun: Awaitable[None], work: Awaitable[None]) -> None:
    await begun
    await work


def _change_of_config(path: str) -> FileChange | None:
    name = join(path, "config")
    try:
        with open(name, "rb") as file:
            content = file.read(_LARGEST_CONFIG)
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return None
    wanted = cleaned(content)
    return None if wanted == content or len(content) == _LARGEST_CONFIG else FileChange("config", wanted, mode)
