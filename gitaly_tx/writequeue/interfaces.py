"""
The line that writes stand in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ..errors import Code, GitalyError
from ..wal.interfaces import Partition
from .transaction import Outcome, Transaction

T = TypeVar("T")


class QueueStopped(GitalyError):
    """
    The server is going down and takes no more writes.
    """

    def __init__(self) -> None:
        super().__init__("server is shutting down", Code.UNAVAILABLE)


class QueueFull(GitalyError):
    """
    Too many writes wait for the same partition already.
    """

    def __init__(self, waiting: int) -> None:
        super().__init__("maximum write queue size reached", Code.RESOURCE_EXHAUSTED, {"waiting": waiting})


class IWriteQueue(Interface):
    """
    Writes to one partition happen one at a time, in the order they were asked for; writes to different partitions do not wait
    for each other.
    """

    backlog: int = Attribute("How many jobs wait for admission, over all partitions.")

    def submit(partition: Partition, job: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """
        Ask for ``job`` to be run when its turn comes.

        :param job: what to do; called at most once.
        :returns: fires with what ``job`` returned, or fails with what it raised. Cancelling it before admission takes the job
            out of the line; afterwards the job runs to its end, and only the caller stops waiting.
        :raises QueueStopped: once ``stop`` was called.
        :raises QueueFull: if too many wait for this partition.
        """

    def stop() -> Deferred[None]:
        """
        Take no more jobs.

        :returns: fires when those that were taken have ended.
        """


class ICommitter(Interface):
    """
    Turns a transaction into a committed write: the steps verify, log, commit, apply, in this order.

    The caller holds the partition's place in the queue.
    """

    def commit(transaction: Transaction) -> Awaitable[Outcome]:
        """
        :returns: what became of each ref. Once it returns, what it accepted is durable and visible.
        :raises GitalyError: if nothing was written: PartitionDamaged, LogFull, HeadMoved …; ALREADY_EXISTS ``repository exists
            already``, NOT_FOUND ``repository does not exist``.
        """
