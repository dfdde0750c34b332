"""
A committer that tells of what it writes.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from zope.interface import implementer

from ..wal.interfaces import Partition
from .interfaces import ICommitter
from .transaction import Outcome, Transaction


@implementer(ICommitter)
@frozen
class WatchedCommitter:
    """
    :param inner: writes.
    :param written: told of each partition that was written, or may have been, before whoever asked for the write learns of it.
    """

    _inner: ICommitter
    _written: Callable[[Partition], None]

    async def commit(self, transaction: Transaction) -> Outcome:
        """
        As the inner committer.
        """
        try:
            return await self._inner.commit(transaction)
        finally:
            self._written(transaction.manifest.partition)
