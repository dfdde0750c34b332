"""
Tests for :mod:`gitaly_tx.services.ssh`, with a real git for what is fetched.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.rpc.call import Call, Identity
from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.ssh.bodies import Streams, last_words
from gitaly_tx.services.ssh.service import SSHService
from gitaly_tx.transport.interfaces import PushBroken
from protocols.git import pktline
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import (
    SSHReceivePackRequest,
    SSHReceivePackResponse,
    SSHUploadArchiveRequest,
    SSHUploadPackRequest,
)
from tests.support.git import git
from tests.support.gitcalls import NAME, NEGOTIATION, Body, GitCalls
from tests.support.leaks import LeakCheck
from tests.support.streams import MemorySource


class SSHCase(LeakCheck, TestCase):
    """
    Makes calls.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.calls = GitCalls(self.mktemp())
        self.addCleanup(self.calls.stop)
        await super().setUp()

    def call(self, method: str, *requests: Any, **more: Any) -> Call:
        """
        A call that was not made yet.
        """
        return self.calls.call(f"SSHService/{method}", *requests, **more)

    async def failure(self, call: Call) -> tuple[Code, str, list[int]]:
        """
        What a call fails with: its code, its text and the exit statuses that were told before.
        """
        failing = self.calls.dispatcher.dispatch(call)
        error: Any = await self.assertFailure(failing, GitalyError)
        self.assertEqual(len(self.calls.children), 0)
        return error.code, error.message, self.statuses(call)

    def statuses(self, call: Call) -> list[int]:
        """
        The exit statuses that were told.
        """
        replies: list[Any] = call.exchange.replies  # type: ignore[attr-defined]
        return [reply.exit_status.value for reply in replies if reply.HasField("exit_status")]

    def stream(self, call: Call, name: str) -> bytes:
        """
        What came on a stream.
        """
        pieces = [getattr(reply, name) for reply in call.exchange.replies]  # type: ignore[attr-defined]
        self.assertLessEqual(max(map(len, pieces), default=0), CHUNK)
        return b"".join(pieces)

    def wants(self, capabilities: bytes = b"no-progress side-band-64k") -> bytes:
        """
        A request for everything.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        return pktline.data(b"want " + main + b" " + capabilities + b"\n") + pktline.FLUSH + pktline.data(b"done\n")


class SSHUploadPackTests(SSHCase):
    """
    SSHUploadPack.
    """

    async def test_fetch(self):
        """
        The advertisement and the pack come as standard output, progress as standard error, and no exit status is told.
        """
        call = self.call(
            "SSHUploadPack",
            SSHUploadPackRequest(repository=NAME),
            SSHUploadPackRequest(stdin=self.wants(b"ofs-delta")),
            open=True,
        )
        await self.calls.run(call)
        output = self.stream(call, "stdout")
        self.assertIn(b" refs/heads/main\n0000", output)
        self.assertIn(b"0008NAK\nPACK", output)
        self.assertIn(b"Enumerating objects", self.stream(call, "stderr"))
        self.assertEqual(self.statuses(call), [])

    async def test_protocol_and_options(self):
        """
        git's protocol and options are heeded; a client that says nothing at all in v2 is well served.
        """
        ask = pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH
        first = SSHUploadPackRequest(
            repository=NAME, git_protocol="version=2", git_config_options=["uploadpack.hideRefs=refs/heads"]
        )
        call = self.call("SSHUploadPack", first, SSHUploadPackRequest(stdin=ask))
        await self.calls.run(call)
        self.assertIn(b" HEAD\n0000", self.stream(call, "stdout"))
        self.assertNotIn(b"refs/heads/main", self.stream(call, "stdout"))
        call = self.call("SSHUploadPack", first)
        await self.calls.run(call)
        self.assertEqual(self.statuses(call), [])

    async def test_body(self):
        """
        A door that has streams is served from them.
        """
        body = Body(MemorySource([self.wants()], ends=False))
        call = self.call("SSHUploadPack", SSHUploadPackRequest(repository=NAME), body=body)
        self.assertEqual(await self.calls.run(call), [])
        self.assertIn(b"PACK", body.stdout.data)

    async def test_refused(self):
        """
        The first message is checked in Gitaly's order.
        """
        self.assertEqual(await self.failure(self.call("SSHUploadPack")), (Code.INTERNAL, "EOF", []))
        unset = SSHUploadPackRequest(stdin=b"x")
        self.assertEqual(await self.failure(self.call("SSHUploadPack", unset)), (Code.INVALID_ARGUMENT, "repository not set", []))
        stdin = SSHUploadPackRequest(repository=NAME, stdin=b"x")
        self.assertEqual(
            await self.failure(self.call("SSHUploadPack", stdin)), (Code.INVALID_ARGUMENT, "non-empty stdin in first request", [])
        )
        bad = SSHUploadPackRequest(repository=NAME, git_config_options=["noequals"])
        self.assertEqual(
            await self.failure(self.call("SSHUploadPack", bad)),
            (Code.INTERNAL, 'cannot convert invalid config key: "noequals"', []),
        )

    async def test_failure(self):
        """
        git's failure is told with its status and its last words.
        """
        call = self.call(
            "SSHUploadPack", SSHUploadPackRequest(repository=NAME), SSHUploadPackRequest(stdin=b"this is no pkt-line")
        )
        words = 'stderr: "fatal: protocol error: bad line length character: this\\n"'
        self.assertEqual(
            await self.failure(call), (Code.INTERNAL, f"running upload-pack: cmd wait: exit status 128, {words}", [128])
        )
        self.assertEqual(self.stream(call, "stderr"), b"fatal: protocol error: bad line length character: this\n")

    async def test_hung_up(self):
        """
        A client that goes in the middle has cancelled its fetch.
        """
        stdin = self.wants()[:30]
        call = self.call("SSHUploadPack", SSHUploadPackRequest(repository=NAME), SSHUploadPackRequest(stdin=stdin))
        self.assertEqual(await self.failure(call), (Code.CANCELLED, "running upload-pack: user canceled the request", [128]))

    async def test_client_goes_away(self):
        """
        So has one whose connection breaks.
        """
        source = MemorySource(ends=False)
        source.disconnect()
        call = self.call("SSHUploadPack", SSHUploadPackRequest(repository=NAME), body=Body(source))
        self.assertEqual(await self.failure(call), (Code.CANCELLED, "running upload-pack: user canceled the request", []))

    async def test_too_slow(self):
        """
        A client that does not come to the point is told that its time is up.
        """
        body = Body(MemorySource(ends=False))
        call = self.call("SSHUploadPack", SSHUploadPackRequest(repository=NAME), body=body)
        failing = Deferred.fromCoroutine(self.failure(call))
        await body.stdout.contains(b"0000")
        self.calls.clock.advance(NEGOTIATION)
        self.assertEqual(
            await failing, (Code.DEADLINE_EXCEEDED, "running upload-pack: waiting for negotiation: context canceled", [0])
        )


class SSHReceivePackTests(SSHCase):
    """
    SSHReceivePack.
    """

    async def test_push(self):
        """
        Whoever takes pushes is told all there is to know, and gets the bytes; no exit status is told.
        """
        first = SSHReceivePackRequest(
            repository=NAME, gl_id="key-1", gl_repository="other", gl_username="grace", git_protocol="version=1"
        )
        call = self.call(
            "SSHReceivePack", first, SSHReceivePackRequest(stdin=b"one"), identity=Identity("alpha"), correlation_id="cid"
        )
        await self.calls.run(call)
        self.assertEqual((self.stream(call, "stdout"), self.stream(call, "stderr")), (b"report", b"words"))
        self.assertEqual((self.calls.pushes.read, self.statuses(call)), (b"one", []))
        ((repository, request),) = self.calls.pushes.served
        self.assertIs(repository, self.calls.repository)
        self.assertEqual(
            (request.gl_id, request.user, request.gl_username, request.gl_repository, request.project_path, request.wire),
            ("key-1", "alpha", "grace", "project-1", "group/project", "ssh"),
        )
        self.assertEqual((request.protocol, request.stateless, request.correlation_id), ("version=1", False, "cid"))

    async def test_refused(self):
        """
        The first message is checked in Gitaly's order.
        """
        self.assertEqual(await self.failure(self.call("SSHReceivePack")), (Code.INTERNAL, "EOF", []))
        nobody = SSHReceivePackRequest(stdin=b"x")
        self.assertEqual(await self.failure(self.call("SSHReceivePack", nobody)), (Code.INVALID_ARGUMENT, "empty GlId", []))
        stdin = SSHReceivePackRequest(gl_id="key-1", stdin=b"x")
        self.assertEqual(
            await self.failure(self.call("SSHReceivePack", stdin)), (Code.INVALID_ARGUMENT, "non-empty data in first request", [])
        )
        unset = SSHReceivePackRequest(gl_id="key-1")
        self.assertEqual(
            await self.failure(self.call("SSHReceivePack", unset)), (Code.INVALID_ARGUMENT, "repository not set", [])
        )

    async def test_created(self):
        """
        Whoever may create a repository by pushing does so when the push wants it.
        """
        name = Repository(storage_name="default", relative_path="new.git")
        first = SSHReceivePackRequest(repository=name, gl_id="key-1")
        self.assertEqual(await self.failure(self.call("SSHReceivePack", first)), (Code.NOT_FOUND, "repository not found", []))
        await self.calls.run(self.call("SSHReceivePack", first, may_create=True))
        ((repository, request),) = self.calls.pushes.served
        self.assertIs(repository, None)
        assert request.create is not None
        await request.create()
        self.assertEqual(self.calls.storage.created, ["new.git"])

    async def test_broken(self):
        """
        What is not git's protocol ends with git's exit status; a client that goes away has cancelled its push.
        """
        first = SSHReceivePackRequest(repository=NAME, gl_id="key-1")
        self.calls.pushes.error = PushBroken(b"protocol error: expected old/new/ref, got 'garbage'")
        self.assertEqual(
            await self.failure(self.call("SSHReceivePack", first)), (Code.INTERNAL, "cmd wait: exit status 128", [128])
        )
        self.calls.pushes.error = PushBroken(PushBroken.HUNG_UP)
        self.assertEqual(
            await self.failure(self.call("SSHReceivePack", first)), (Code.CANCELLED, "user canceled the push", [128])
        )


class SSHUploadArchiveTests(SSHCase):
    """
    SSHUploadArchive.
    """

    async def test_archive(self):
        """
        The archive comes as standard output, and the exit status 0 is told.
        """
        stdin = pktline.data(b"argument main\n") + pktline.FLUSH
        call = self.call("SSHUploadArchive", SSHUploadArchiveRequest(repository=NAME), SSHUploadArchiveRequest(stdin=stdin))
        await self.calls.run(call)
        self.assertTrue(self.stream(call, "stdout").startswith(b"0008ACK\n0000"))
        self.assertEqual(self.statuses(call), [0])

    async def test_refused(self):
        """
        The first message is checked in Gitaly's order.
        """
        self.assertEqual(await self.failure(self.call("SSHUploadArchive")), (Code.INTERNAL, "EOF", []))
        unset = SSHUploadArchiveRequest(stdin=b"x")
        self.assertEqual(
            await self.failure(self.call("SSHUploadArchive", unset)), (Code.INVALID_ARGUMENT, "repository not set", [])
        )
        stdin = SSHUploadArchiveRequest(repository=NAME, stdin=b"x")
        self.assertEqual(
            await self.failure(self.call("SSHUploadArchive", stdin)),
            (Code.INVALID_ARGUMENT, "non-empty stdin in first request", []),
        )

    async def test_failure(self):
        """
        git's failure is told with its status and its last words.
        """
        words = 'stderr: "fatal: sent error to the client: git upload-archive: archiver died with error\\n"'
        self.assertEqual(
            await self.failure(self.call("SSHUploadArchive", SSHUploadArchiveRequest(repository=NAME))),
            (Code.INTERNAL, f"send: cmd wait: exit status 128, {words}", [128]),
        )

    async def test_client_goes_away(self):
        """
        A client whose connection breaks has cancelled its request.
        """
        source = MemorySource(ends=False)
        source.disconnect()
        call = self.call("SSHUploadArchive", SSHUploadArchiveRequest(repository=NAME), body=Body(source))
        self.assertEqual(await self.failure(call), (Code.CANCELLED, "running upload-archive: user canceled the request", []))

    async def test_too_slow(self):
        """
        A client that does not come to the point is told that its time is up.
        """
        call = self.call("SSHUploadArchive", SSHUploadArchiveRequest(repository=NAME), open=True)
        failing = Deferred.fromCoroutine(self.failure(call))
        while not len(self.calls.children):
            await self.calls.reading.threads.run(lambda: None)
        self.calls.clock.advance(60)
        self.assertEqual(
            await failing, (Code.DEADLINE_EXCEEDED, "running upload-archive: waiting for negotiation: context canceled", [])
        )


class StreamsTests(SSHCase):
    """
    Exit statuses and last words.
    """

    async def test_signal(self):
        """
        A git that a signal ended is told as a shell would.
        """
        call = self.call("SSHReceivePack")
        await Streams(call, SSHReceivePackResponse).exit(-9)
        self.assertEqual(self.statuses(call), [137])

    async def test_nobody_there(self):
        """
        An exit status that nobody waits for is no error.
        """
        call = self.call("SSHReceivePack")
        call.exchange.break_off()  # type: ignore[attr-defined]
        await Streams(call, SSHReceivePackResponse).exit(0)

    def test_no_paths(self):
        """
        What git says is repeated without the repository's place on this machine.
        """
        words = last_words(Ended(128, b"fatal: '/srv/a.git/objects': \xff\n"), "/srv/a.git")
        self.assertEqual(words, "fatal: './objects': \udcff\n")

    def test_provided(self):
        """
        The service provides its interface.
        """
        verifyObject(IMethods, SSHService(self.calls.storage, self.calls.transport, self.calls.sidechannels))
