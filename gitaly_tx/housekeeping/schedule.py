"""
When housekeeping happens.
"""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import GitalyError
from ..storage.interfaces import IRepository
from ..wal.interfaces import Partition
from ..wal.threads import InThread
from .statistics import survey
from .strategy import Thresholds, plan
from .tasks import Tasks

EVERY = 10
"""After so many pushes a repository is looked at."""

log = Logger()


class Housekeeping:
    """
    Looks after repositories that were pushed to.

    Whoever pushed does not wait: :meth:`consider` counts, and every :data:`EVERY` pushes it starts something in the background.
    One repository at a time is worked on. What fails is logged, and tried again after as many pushes.
    """

    def __init__(
        self,
        tasks: Tasks,
        threads: InThread,
        *,
        thresholds: Thresholds | None = None,
        every: int = EVERY,
    ) -> None:
        self._tasks = tasks
        self._threads = threads
        self._thresholds = thresholds or Thresholds()
        self._every = every
        self._pushes: Counter[Partition] = Counter()
        self._running: dict[Partition, Deferred[None]] = {}
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
        del self._pushes[partition]
        running = self._running[partition] = Deferred.fromCoroutine(self._look_after(repository))
        running.addErrback(self._failed, partition).addCallback(self._ended, partition)

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

    async def _look_after(self, repository: IRepository) -> None:
        await self._one_at_a_time.run(lambda: Deferred.fromCoroutine(self._work(repository)))

    async def _work(self, repository: IRepository) -> None:
        statistics = await self._threads(survey, repository.directory.path)
        planned = plan(statistics, self._thresholds)
        if planned.idle:
            return
        log.info(
            "housekeeping of {partition}: {packs} packs into one, {loose} loose objects, {refs} loose refs",
            partition=str(repository.partition),
            packs=len(planned.merge),
            loose=statistics.loose_objects if planned.loose else 0,
            refs=statistics.loose_refs if planned.refs else 0,
        )
        await self._tasks.perform(repository, statistics, planned)

    def _failed(self, failure: Failure, partition: Partition) -> None:
        if self._stopped and failure.check(CancelledError):
            return
        facts = failure.value.facts if isinstance(failure.value, GitalyError) else {}
        log.failure("housekeeping of {partition} failed: {facts}", failure, partition=str(partition), facts=facts)

    def _ended(self, result: None, partition: Partition) -> None:
        del self._running[partition]
        self._tell()

    def _tell(self) -> None:
        if not self._running:
            quiet, self._quiet = self._quiet, []
            for one in quiet:
                one.callback(None)
