"""
Tests for :mod:`gitaly_tx.writequeue.watched`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.wal.interfaces import Manifest, Partition
from gitaly_tx.writequeue.interfaces import ICommitter
from gitaly_tx.writequeue.transaction import Outcome, Transaction
from gitaly_tx.writequeue.watched import WatchedCommitter
from tests.support.wal import ALPHA


@implementer(ICommitter)
class Scripted:
    """
    Writes when it is told to.
    """

    def __init__(self) -> None:
        self.ending: Deferred[Outcome] = Deferred()

    async def commit(self, transaction: Transaction) -> Outcome:
        return await self.ending


class WatchedCommitterTests(SynchronousTestCase):
    """
    ``WatchedCommitter``.
    """

    def test_told(self) -> None:
        """
        Whoever watches is told of each write when it is made, and of each that may have been made.
        """
        for result in (Outcome({}, None), ZeroDivisionError("no")):
            inner, written = Scripted(), list[Partition]()
            committer = WatchedCommitter(inner, written.append)
            verifyObject(ICommitter, committer)
            done = Deferred.fromCoroutine(committer.commit(Transaction(Manifest(ALPHA))))
            self.assertEqual(written, [])
            if isinstance(result, Outcome):
                inner.ending.callback(result)
                self.assertEqual(self.successResultOf(done), result)
            else:
                inner.ending.errback(result)
                self.failureResultOf(done, ZeroDivisionError)
            self.assertEqual(written, [ALPHA])
