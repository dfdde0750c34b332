"""
Tests for :mod:`gitaly_tx.services.identity`.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.commits import Ident
from gitaly_tx.services.identity import signature
from protocols.gitaly.operations_pb2 import UserMergeToRefRequest
from protocols.gitaly.shared_pb2 import User
from tests.support.threads import inline_threads


class SignatureTests(SynchronousTestCase):
    """
    ``signature``.
    """

    def ident(self, request: UserMergeToRefRequest, person: User | None = None) -> Deferred[Ident]:
        """
        At 1700000000.9, as the clock has it.
        """
        return Deferred.fromCoroutine(signature(inline_threads, lambda: 1700000000.9, request, person))

    def zone(self, name: str, seconds: int) -> bytes:
        """
        How far the zone is from UTC then.
        """
        request = UserMergeToRefRequest(user=User(timezone=name), timestamp=Timestamp(seconds=seconds))
        return self.successResultOf(self.ident(request)).zone

    def test_user(self):
        """
        Names and addresses lose what would break a line; the time is the clock's, in full seconds, and UTC.
        """
        request = UserMergeToRefRequest(user=User(name=b"A\n<B> ", email=b"<a@b>\n"))
        self.assertEqual(self.successResultOf(self.ident(request)), Ident(b"AB ", b"a@b", 1700000000, b"+0000"))

    def test_given(self):
        """
        A request may name the time, and another person.
        """
        request = UserMergeToRefRequest(user=User(name=b"A"), timestamp=Timestamp(seconds=0, nanos=5))
        person = User(name=b"B", email=b"b@c", timezone="Asia/Kolkata")
        self.assertEqual(self.successResultOf(self.ident(request, person)), Ident(b"B", b"b@c", 0, b"+0530"))

    def test_zones(self):
        """
        The zone is that of the moment; seconds of local mean times are left out.
        """
        for name, seconds, zone in (
            ("", 1700000000, b"+0000"),
            ("UTC", 1700000000, b"+0000"),
            ("Europe/Berlin", 1700000000, b"+0100"),
            ("Europe/Berlin", 1690000000, b"+0200"),
            ("America/St_Johns", 1700000000, b"-0330"),
            ("Africa/Monrovia", 0, b"-0044"),
            ("Pacific/Kiritimati", 253402300799, b"+1400"),
            ("Pacific/Honolulu", 0, b"-1000"),
        ):
            with self.subTest(name=name, seconds=seconds):
                self.assertEqual(self.zone(name, seconds), zone)

    def test_unknown(self):
        """
        What is no zone's name is refused, be it a path or a directory.
        """
        for name in ("Europe/Nowhere", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 300, "zone.tab"):
            with self.subTest(name=name):
                request = UserMergeToRefRequest(user=User(timezone=name))
                error = self.failureResultOf(self.ident(request), GitalyError).value
                self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, f"unknown time zone {name}"))

    def test_time(self):
        """
        A time that git cannot tell is refused.
        """
        for seconds in (-1, 253402300800, 1 << 62):
            request = UserMergeToRefRequest(timestamp=Timestamp(seconds=seconds))
            error = self.failureResultOf(self.ident(request), GitalyError).value
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, "invalid timestamp"))
