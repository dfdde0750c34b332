"""
Tests for :mod:`gitaly_tx.middleware.authtoken`: faults 1–13.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.auth.callers import Callers, Wanted
from gitaly_tx.auth.token import VALIDITY, issue_token
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.authtoken import REMEMBERED, AuthToken
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from tests.support.calls import make_call, pass_through

NOW = 1_700_000_000


class AuthTokenTests(SynchronousTestCase):
    """
    ``AuthToken``.
    """

    def setUp(self):
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, process=False)
        self.now = float(NOW)
        self.middleware = self.make()

    def make(self, *secrets, transitioning=False):
        self.callers = Callers(Wanted(secrets or (b"foo",), transitioning))
        return AuthToken(self.callers, lambda: self.now, self.metrics)

    def attempt(self, *authorization, door=Door.GRPC):
        """
        The code that a call ends with, ``None`` if it passes.
        """
        self.passed = False

        async def method():
            self.passed = True

        self.call = make_call(
            "SSHService/SSHReceivePack", door=door, metadata={"authorization": authorization} if authorization else {}
        )
        done = pass_through(self.middleware, self.call, method)
        if self.passed:
            self.successResultOf(done)
            return None
        self.assertEqual(self.call.exchange.received, 0)
        return self.failureResultOf(done, GitalyError).value.code

    def counted(self, outcome):
        return self.registry.get_sample_value("gitaly_tx_auth_total", {"protocol": "grpc", "method": "grpc", "outcome": outcome})

    def gitaly_counted(self, enforced, status):
        return self.registry.get_sample_value("gitaly_authentications_total", {"enforced": enforced, "status": status})

    def good(self, offset=0, secret=b"foo"):
        return f"Bearer {issue_token(secret, NOW + offset)}"

    def test_good(self):
        """
        The right token passes, also a second time within its window (fault 9), and the line says that there was one.
        """
        verifyObject(IMiddleware, self.middleware)
        self.assertIsNone(self.attempt(self.good()))
        self.assertEqual(self.call.fields["grpc.meta.auth_version"], "v2")
        self.now += VALIDITY
        self.assertIsNone(self.attempt(self.good()))
        self.assertEqual((self.counted("ok"), self.counted("refused")), (2, 0))
        self.assertEqual(self.gitaly_counted("true", "ok"), 2)
        self.assertNotIn("auth.made_with", self.call.fields)

    def test_remembered_token_expires(self):
        """
        A token that was good once is refused when its window is over.
        """
        self.assertIsNone(self.attempt(self.good()))
        self.now += VALIDITY + 1
        self.assertEqual(self.attempt(self.good()), Code.PERMISSION_DENIED)

    def test_memory_is_bounded(self):
        """
        However many tokens come, few are remembered.
        """
        self.now = float(NOW)
        for offset in range(-VALIDITY, VALIDITY + 1):
            for spelling in ("Bearer", "bearer", "BEARER", "bEarer", "beArer"):
                self.assertIsNone(self.attempt(self.good(offset).replace("Bearer", spelling)))
        self.assertLessEqual(len(self.middleware._good), REMEMBERED)
        self.assertEqual(self.counted("ok"), 5 * (2 * VALIDITY + 1))

    def test_refused(self):
        """
        Without a token, or with a wrong one, the call ends before a message is received, and is counted.
        """
        self.assertEqual(self.attempt(), Code.UNAUTHENTICATED)
        self.assertEqual(self.attempt("Bearer foo"), Code.UNAUTHENTICATED)
        self.assertEqual(self.attempt(b"Bearer foo"), Code.UNAUTHENTICATED)
        self.assertEqual(self.attempt(f"Bearer {issue_token(b'bar', NOW)}"), Code.PERMISSION_DENIED)
        self.assertEqual(self.counted("refused"), 4)
        labels = {"service": "gitaly.SSHService", "method": "SSHReceivePack"}
        rejections = [
            self.registry.get_sample_value("gitaly_tx_rejections_total", {"reason": reason, **labels})
            for reason in ("unauthenticated", "permission")
        ]
        self.assertEqual(rejections, [3, 1])
        self.assertEqual([self.gitaly_counted("true", status) for status in ("unauthenticated", "denied", "ok")], [3, 1, None])
        self.assertNotIn("grpc.meta.auth_version", self.call.fields)

    def test_first_header(self):
        """
        Of several headers the first counts.
        """
        self.assertEqual(self.attempt("Bearer x", self.good()), Code.UNAUTHENTICATED)

    def test_other_doors(self):
        """
        The other doors need none.
        """
        self.assertIsNone(self.attempt(door=Door.HTTP))
        self.assertIsNone(self.attempt(door=Door.SSH))

    def test_transitioning(self):
        """
        While a token is introduced, refusals are only counted.
        """
        self.middleware = self.make(transitioning=True)
        self.assertIsNone(self.attempt("Bearer x"))
        self.assertNotIn("grpc.meta.auth_version", self.call.fields)
        self.assertEqual(self.call.fields["auth.refused"], "not three parts")
        self.assertEqual(self.counted("refused"), 1)
        self.assertIsNone(self.attempt(self.good()))
        self.assertEqual([self.gitaly_counted("false", status) for status in ("unauthenticated", "would be ok")], [1, 1])

    def test_several_secrets(self):
        """
        While secrets are exchanged the new one and the old one are good, and a line says which callers have the old one still.
        """
        self.middleware = self.make(b"new", b"foo", b"older")
        for secret, marked in ((b"new", None), (b"foo", "previous"), (b"older", "previous")):
            for _ in range(2):
                self.assertIsNone(self.attempt(self.good(secret=secret)))
                self.assertEqual(self.call.fields.get("auth.made_with"), marked)
        self.assertEqual(self.attempt(self.good(secret=b"other")), Code.PERMISSION_DENIED)

    def test_replaced(self):
        """
        A secret that is withdrawn is no good any more from the next call on, even if its tokens were good before.
        """
        self.assertIsNone(self.attempt(self.good()))
        self.callers.replace(Wanted((b"new",)))
        self.assertEqual(self.attempt(self.good()), Code.PERMISSION_DENIED)
        self.assertIsNone(self.attempt(self.good(secret=b"new")))

    def test_nobody_is_asked(self):
        """
        Without a secret everybody passes, which is counted, too.
        """
        self.callers.replace(Wanted())
        self.assertIsNone(self.attempt())
        self.assertIsNone(self.attempt("Bearer x"))
        self.assertEqual(self.gitaly_counted("true", "server disabled authentication"), 2)
        self.assertEqual((self.counted("ok"), self.counted("refused")), (0, 0))
