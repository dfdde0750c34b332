"""
Tests for :mod:`gitaly_tx.middleware.accesslog`.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.accesslog import ACTIONS, AccessLog, size_text
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from tests.support.calls import METHODS, make_call, pass_through, raising
from tests.support.events import logged


class AccessLogTests(SynchronousTestCase):
    """
    ``AccessLog``.
    """

    def setUp(self):
        self.clock = Clock()
        self.middleware = AccessLog(self.clock)

    def line(self, call, error=None):
        """
        The one event that the call leaves, and its text.
        """

        async def method():
            self.clock.advance(0.8044449)
            if error is not None:
                raise error

        with logged("gitaly_tx.middleware.accesslog") as events:
            done = pass_through(self.middleware, call, method)
            if error is None:
                self.successResultOf(done)
            else:
                self.assertIs(self.failureResultOf(done).value, error)
        self.assertEqual(len(events), 1)
        return events[0], formatEvent(events[0])

    def test_provides(self):
        """
        It is a middleware.
        """
        verifyObject(IMiddleware, self.middleware)

    def test_success(self):
        """
        A call that succeeds leaves one line that says who, by which door, how long, how much and with which code.
        """
        call = make_call("RepositoryService/RepositoryExists", received=27, sent=2)
        event, text = self.line(call)
        self.assertEqual(text, "finished unary call with code OK")
        self.assertEqual(event["log_level"], LogLevel.info)
        expected = {
            "grpc.code": "OK",
            "grpc.time_ms": 804.445,
            "grpc.request.payload_bytes": 27,
            "grpc.response.payload_bytes": 2,
            "door": "grpc",
            "peer.address": "127.0.0.1:50112",
            "user": None,
            "proof": "none",
        }
        self.assertEqual({key: event[key] for key in expected}, expected)
        self.assertNotIn("error", event)

    def test_failure(self):
        """
        A call that fails leaves one line with the message and the facts that only the log gets.
        """
        call = make_call("SSHService/SSHReceivePack")
        error = GitalyError("no such thing", Code.INTERNAL, {"path": "/srv/x"})
        event, text = self.line(call, error)
        self.assertEqual(event["error"], "no such thing")
        self.assertEqual(event["error_metadata"], {"path": "/srv/x"})
        self.assertEqual((event["grpc.code"], event["log_level"]), ("Internal", LogLevel.error))
        self.assertTrue(text.endswith("Internal"))

    def test_levels(self):
        """
        What callers do wrong is information, what they should look at a warning, what we did wrong an error.
        """
        for code, level in (
            (Code.NOT_FOUND, LogLevel.info),
            (Code.CANCELLED, LogLevel.info),
            (Code.RESOURCE_EXHAUSTED, LogLevel.warn),
            (Code.DATA_LOSS, LogLevel.error),
            (Code.UNIMPLEMENTED, LogLevel.error),
        ):
            event, text = self.line(make_call("CommitService/ListCommits"), GitalyError("x", code))
            self.assertEqual(event["log_level"], level)
            self.assertTrue(text.startswith("finished streaming call with code "))

    def test_sentence(self):
        """
        What a git user does is told as a sentence.
        """
        call = make_call("SSHService/SSHUploadPack", door=Door.SSH, user="deploy", sent=12_897_485, received=5)
        call.fields["grpc.request.repoPath"] = "team/thing.git"
        self.assertEqual(self.line(call)[1], "fetch team/thing by deploy over ssh: 12.3 MiB in 804 ms OK")
        call = make_call("SmartHTTPService/PostReceivePack", door=Door.HTTP, received=2048, sent=7)
        call.fields["grpc.request.repoPath"] = "@hashed/a.git"
        call.fields["grpc.request.glProjectPath"] = "team/other"
        error = GitalyError("x", Code.PERMISSION_DENIED)
        self.assertEqual(self.line(call, error)[1], "push team/other by anonymous over http: 2.0 KiB in 804 ms PermissionDenied")

    def test_strange_names(self):
        """
        A name with control characters does not begin a new line; a call without a request has no repository.
        """
        call = make_call("SSHService/SSHUploadArchive")
        call.fields["username"] = "a\nb"
        self.assertEqual(self.line(call)[1], "archive ? by a\\nb over grpc: 0 B in 804 ms OK")

    def test_braces(self):
        """
        A name that looks like a format is only a name.
        """
        call = make_call("SSHService/SSHUploadArchive")
        call.fields["grpc.request.repoPath"] = "{user}.git"
        self.assertIn("archive {user} by", self.line(call)[1])

    def test_crash_is_not_swallowed(self):
        """
        What is no GitalyError passes without a line: the status middleware inside has not done its work.
        """
        with logged("gitaly_tx.middleware.accesslog") as events:
            done = pass_through(self.middleware, make_call("ServerService/ServerInfo"), raising(RuntimeError("x")))
            self.failureResultOf(done, RuntimeError)
        self.assertEqual(events, [])

    def test_actions_exist(self):
        """
        Every method with a sentence is one of Gitaly's.
        """
        self.assertEqual(set(ACTIONS) - set(METHODS), set())


class SizeTests(SynchronousTestCase):
    """
    ``size_text``.
    """

    def test_sizes(self):
        """
        Sizes have a unit that fits, also just below the next one.
        """
        sizes = {0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1024**2 - 1: "1.0 MiB", 1024**2: "1.0 MiB", 3 * 1024**4: "3072.0 GiB"}
        self.assertEqual({size: size_text(size) for size in sizes}, sizes)
