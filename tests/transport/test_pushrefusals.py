"""
Why a ref was not updated.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import RefRefused, Refusal
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.transport.pushrefusals import explanation, reason, waiting
from gitaly_tx.transport.pushrequest import Wish

ONE, TWO = ObjectID(b"1" * 40), ObjectID(b"2" * 40)
ZERO = ObjectFormat.SHA1.zero


class RefusalTests(SynchronousTestCase):
    """
    Every kind has git's words.
    """

    def test_every_kind(self) -> None:
        """
        The report and the message.
        """
        name = b"refs/heads/a"
        wish = Wish(name, ONE, TWO)
        lock = b"error: cannot lock ref 'refs/heads/a': "
        missing = lock + b"reference is missing but expected %b" % ONE
        for refused, short, long in (
            (
                RefRefused(name, Refusal.MALFORMED),
                b"funny refname",
                b"error: refusing to update funny ref 'refs/heads/a' remotely",
            ),
            (RefRefused(name, Refusal.STALE, TWO), b"failed to update ref", lock + b"is at %b but expected %b" % (TWO, ONE)),
            (RefRefused(name, Refusal.STALE), b"failed to update ref", missing),
            (
                RefRefused(name, Refusal.STALE, ZERO),
                b"failed to update ref",
                lock + b"reference is missing but expected %b" % ONE,
            ),
            (RefRefused(name, Refusal.EXISTS, TWO), b"failed to update ref", lock + b"reference already exists"),
            (
                RefRefused(name, Refusal.CONFLICT, other=b"refs/heads/a/b"),
                b"failed to update ref",
                lock + b"'refs/heads/a/b' exists; cannot create 'refs/heads/a'",
            ),
            (RefRefused(name, Refusal.CONFLICT), b"failed to update ref", lock + b"there is a ref in the way of the name"),
            (RefRefused(name, Refusal.LOCKED), b"failed to update ref", lock + b"somebody else has it locked"),
            (RefRefused(name, Refusal.UNWRITABLE), b"failed to update ref", lock + b"it cannot be written"),
            (
                RefRefused(name, Refusal.MISSING_OBJECT),
                b"bad pack",
                b"error: unpack should have generated %b, but I can't find it!" % TWO,
            ),
        ):
            self.assertEqual(reason(refused), short)
            self.assertEqual(explanation(wish, refused), long + b"\n")


class WaitingTests(SynchronousTestCase):
    """
    ``waiting``.
    """

    def test_words(self) -> None:
        """
        Whoever waits is told how many are ahead; whoever does not is told nothing.
        """
        self.assertEqual(waiting(None), b"")
        self.assertEqual(waiting(1), b"Waiting for 1 other write to this repository.\n")
        self.assertEqual(waiting(3), b"Waiting for 3 other writes to this repository.\n")
