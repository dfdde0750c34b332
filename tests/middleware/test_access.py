"""
Tests for :mod:`gitaly_tx.middleware.access`.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.auth.interfaces import Decision, IAccess, Verb
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.access import Access
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from protocols.gitaly import server_pb2, smarthttp_pb2, ssh_pb2
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import make_call, pass_through

READ_REFS: tuple[str, Any] = ("SmartHTTPService/InfoRefsUploadPack", smarthttp_pb2.InfoRefsRequest)
WRITE_REFS: tuple[str, Any] = ("SmartHTTPService/InfoRefsReceivePack", smarthttp_pb2.InfoRefsRequest)
FETCH: tuple[str, Any] = ("SSHService/SSHUploadPack", ssh_pb2.SSHUploadPackRequest)
ARCHIVE: tuple[str, Any] = ("SSHService/SSHUploadArchive", ssh_pb2.SSHUploadArchiveRequest)
PUSH: tuple[str, Any] = ("SSHService/SSHReceivePack", ssh_pb2.SSHReceivePackRequest)
HTTP_PUSH: tuple[str, Any] = ("SmartHTTPService/PostReceivePack", smarthttp_pb2.PostReceivePackRequest)


@implementer(IAccess)
class Rules:
    """
    Each user's highest verb, everywhere.
    """

    def __init__(self, **verbs: Verb) -> None:
        self._verbs = verbs
        self.asked: list[tuple[str | None, Verb, str, str]] = []

    def decide(self, user: str | None, verb: Verb, storage: str, path: str) -> Deferred[Decision]:
        self.asked.append((user, verb, storage, path))
        highest = self._verbs.get(user or "nobody")
        allowed = highest is not None and verb <= highest
        return succeed(Decision(allowed, "rule 1", "" if allowed else "you may only look"))

    def reach(self, user: str | None) -> Deferred[list[tuple[str, Verb]]]:
        return succeed([])


class AccessTests(SynchronousTestCase):
    """
    ``Access``.
    """

    def setUp(self):
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, process=False)
        self.rules = Rules(reader=Verb.READ, writer=Verb.WRITE, creator=Verb.CREATE)

    def attempt(self, method, user, path="team/thing.git", door=Door.SSH, rules=None):
        """
        ``None`` if the call passes, otherwise message and code.
        """
        name, request = method
        first = request(repository=Repository(storage_name="default", relative_path=path))
        self.call = make_call(name, [first], door=door, user=user)
        self.seen = None

        async def run():
            self.seen = await self.call.exchange.receive()

        middleware = Access(rules or self.rules, self.metrics)
        verifyObject(IMiddleware, middleware)
        done = pass_through(middleware, self.call, run)
        if self.seen is not None:
            self.assertEqual(self.seen, first)
            self.successResultOf(done)
            return None
        error = self.failureResultOf(done, GitalyError).value
        return error.message, error.code

    def test_allowed(self):
        """
        Who may read may fetch and archive, who may write may push; the method still receives the first request.
        """
        for method in (READ_REFS, FETCH, ARCHIVE):
            for user in ("reader", "writer", "creator"):
                self.assertIsNone(self.attempt(method, user))
                self.assertEqual(self.call.fields["access"], "rule 1")
        for method in (WRITE_REFS, PUSH, HTTP_PUSH):
            for user in ("writer", "creator"):
                self.assertIsNone(self.attempt(method, user))

    def test_what_is_asked(self):
        """
        The question names user, verb, storage, and the path as people write it.
        """
        for path in ("team/thing.git", "team/thing", "team/thing/.git", "/team/thing.git/"):
            self.rules.asked.clear()
            self.attempt(FETCH, "reader", path)
            self.assertEqual(self.rules.asked, [("reader", Verb.READ, "default", "team/thing")])

    def test_write_refused(self):
        """
        Who may read and not write is told so.
        """
        for method in (WRITE_REFS, PUSH, HTTP_PUSH):
            self.assertEqual(self.attempt(method, "reader"), ("you may only look", Code.PERMISSION_DENIED))

    def test_read_refused(self):
        """
        Who may not read is told that there is nothing, whether they want to read or to write.
        """
        for method in (READ_REFS, FETCH, PUSH):
            self.assertEqual(self.attempt(method, "stranger"), ("repository not found", Code.NOT_FOUND))

    def test_anonymous(self):
        """
        Who did not say who they are is asked to, unless everybody may.
        """
        for method in (READ_REFS, FETCH, PUSH):
            self.assertEqual(self.attempt(method, None, door=Door.HTTP), ("authentication required", Code.UNAUTHENTICATED))
        self.assertIsNone(self.attempt(FETCH, None, rules=Rules(nobody=Verb.READ)))
        refused = self.attempt(PUSH, None, rules=Rules(nobody=Verb.READ))
        self.assertEqual(refused, ("authentication required", Code.UNAUTHENTICATED))

    def test_may_create(self):
        """
        Who may create may push to a repository that is not there; reading never creates one.
        """
        self.attempt(PUSH, "creator")
        self.assertTrue(self.call.may_create)
        self.attempt(PUSH, "writer")
        self.assertFalse(self.call.may_create)
        self.attempt(FETCH, "creator")
        self.assertFalse(self.call.may_create)

    def test_roundabout_paths(self):
        """
        A path that rules could misread is refused before anybody is asked.
        """
        for path in ("", "/", ".", "team/../secret", "team//thing.git", "./team", "team/./thing", "../etc"):
            self.rules.asked.clear()
            self.assertEqual(self.attempt(FETCH, "reader", path), ("invalid repository path", Code.INVALID_ARGUMENT))
            self.assertEqual(self.rules.asked, [])

    def test_applications(self):
        """
        Callers over gRPC are not asked about.
        """
        self.assertIsNone(self.attempt(PUSH, None, door=Door.GRPC))
        self.assertEqual(self.rules.asked, [])

    def test_no_repository(self):
        """
        Over the doors of users nothing is reached but repositories.
        """
        for name, requests in (
            ("ServerService/ServerInfo", [server_pb2.ServerInfoRequest()]),
            ("SSHService/SSHUploadPack", []),
            ("SSHService/SSHUploadPack", [ssh_pb2.SSHUploadPackRequest()]),
        ):
            call = make_call(name, requests, door=Door.SSH, user="creator")
            error = self.failureResultOf(pass_through(Access(self.rules, self.metrics), call), GitalyError).value
            self.assertEqual(error.code, Code.PERMISSION_DENIED)

    def test_undecided(self):
        """
        Rules that cannot decide let nobody pass.
        """

        class Broken(Rules):
            def decide(self, user, verb, storage, path):
                raise GitalyError("rules are gone", Code.UNAVAILABLE)

        self.assertEqual(self.attempt(FETCH, "creator", rules=Broken()), ("rules are gone", Code.UNAVAILABLE))

    def test_counted(self):
        """
        Refusals are counted by their reason.
        """
        self.attempt(PUSH, "reader")
        self.attempt(PUSH, None)
        labels = {"service": "gitaly.SSHService", "method": "SSHReceivePack"}
        counts = [
            self.registry.get_sample_value("gitaly_tx_rejections_total", {"reason": reason, **labels})
            for reason in ("permission", "unauthenticated")
        ]
        self.assertEqual(counts, [1, 1])
        self.assertEqual(self.call.fields["rejection"], "unauthenticated")
        self.attempt(PUSH, "creator", path="../etc")
        self.assertEqual(self.registry.get_sample_value("gitaly_tx_rejections_total", {"reason": "invalid", **labels}), 1)
