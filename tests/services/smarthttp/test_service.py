"""
Tests for :mod:`gitaly_tx.services.smarthttp`, with a real git for what is fetched.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.call import Identity
from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.smarthttp.service import SmartHTTPService
from gitaly_tx.transport.interfaces import ITransport, PushBroken
from protocols.git import pktline
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.smarthttp_pb2 import (
    InfoRefsRequest,
    PostReceivePackRequest,
    PostUploadPackRequest,
)
from tests.support.git import git
from tests.support.gitcalls import NAME, Body, GitCalls
from tests.support.leaks import LeakCheck
from tests.support.streams import MemorySource


class SmartHTTPCase(LeakCheck, TestCase):
    """
    Makes calls.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.calls = GitCalls(self.mktemp())
        self.addCleanup(self.calls.stop)
        await self.calls.reading.threads.run(lambda: None)
        await super().setUp()

    async def refusal(self, method: str, *requests: Any, **more: Any) -> tuple[Code, str]:
        """
        What a call fails with.
        """
        call = self.calls.call(f"SmartHTTPService/{method}", *requests, **more)
        error: Any = await self.assertFailure(Deferred.fromCoroutine(self.calls.run(call)), GitalyError)
        self.assertEqual(len(self.calls.children), 0)
        return error.code, error.message

    async def data(self, method: str, *requests: Any, **more: Any) -> bytes:
        """
        The bytes that a call answers.
        """
        replies = await self.calls.run(self.calls.call(f"SmartHTTPService/{method}", *requests, **more))
        self.assertTrue(all(0 < len(reply.data) <= CHUNK for reply in replies))
        return b"".join(reply.data for reply in replies)

    def wants(self, *, more: bytes = b"") -> bytes:
        """
        A request for everything.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        return pktline.data(b"want " + main + b" no-progress\n") + more + pktline.FLUSH + pktline.data(b"done\n")


class BundleTests(SmartHTTPCase):
    """
    Bundles that clones begin with.
    """

    async def test_not_found(self):
        """
        Where there are no bundles none is found; a repository that is not there is refused before.
        """
        request = PostUploadPackRequest(repository=NAME)
        refused = await self.refusal("PostUploadPack", request, bundle="0" * 32)
        self.assertEqual(refused, (Code.NOT_FOUND, "bundle not found"))
        refused = await self.refusal("PostUploadPack", PostUploadPackRequest(), bundle="0" * 32)
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"))

    async def test_sent(self):
        """
        The bundle that a call names is sent to the call's body, and nothing else happens; the access line tells of it.
        """
        sent: list[Any] = []

        async def send(repository: Any, name: str, sink: Any) -> None:
            sent.append((repository, name))
            await sink.write(b"bundle")

        bundles = mock.Mock(send=send)
        self.calls.transport = transport = evolve(
            self.calls.transport, upload=evolve(self.calls.transport.upload, bundles=bundles)
        )
        self.calls.dispatcher = Dispatcher(
            [SmartHTTPService(self.calls.storage, transport, self.calls.sidechannels)], [], self.calls.clock
        )
        body = Body(MemorySource())
        call = self.calls.call("SmartHTTPService/PostUploadPack", PostUploadPackRequest(repository=NAME), body=body, bundle="x")
        self.assertEqual(await self.calls.run(call), [])
        self.assertEqual((sent, bytes(body.stdout.data)), ([(self.calls.repository, "x")], b"bundle"))
        self.assertEqual(call.fields["bundle"], "x")


class InfoRefsTests(SmartHTTPCase):
    """
    InfoRefsUploadPack and InfoRefsReceivePack.
    """

    async def test_upload_pack(self):
        """
        The advertisement comes in messages, and git's protocol and options are heeded.
        """
        answer = await self.data("InfoRefsUploadPack", InfoRefsRequest(repository=NAME))
        self.assertTrue(answer.startswith(b"001e# service=git-upload-pack\n0000"))
        self.assertIn(b" refs/heads/main\n", answer)
        answer = await self.data("InfoRefsUploadPack", InfoRefsRequest(repository=NAME, git_protocol="version=2"))
        self.assertIn(b"version 2\n", answer)
        hiding = InfoRefsRequest(repository=NAME, git_config_options=["transfer.hideRefs=refs"])
        self.assertNotIn(b" refs/heads/main\n", await self.data("InfoRefsUploadPack", hiding))

    async def test_large(self):
        """
        A large advertisement is cut into messages.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        lines = b"".join(b"create refs/heads/%s-%05d %s\n" % (b"x" * 100, number, main) for number in range(2000))
        git("-C", self.calls.directory.path, "update-ref", "--stdin", stdin=lines)
        answer = await self.data("InfoRefsUploadPack", InfoRefsRequest(repository=NAME))
        self.assertGreater(len(answer), 2000 * 140)

    async def test_refused(self):
        """
        Requests that name no repository, or what is no option, are refused.
        """
        for method in ("InfoRefsUploadPack", "InfoRefsReceivePack"):
            self.assertEqual(await self.refusal(method, InfoRefsRequest()), (Code.INVALID_ARGUMENT, "repository not set"))
            missing = InfoRefsRequest(repository=Repository(storage_name="default", relative_path="no.git"))
            self.assertEqual(await self.refusal(method, missing), (Code.NOT_FOUND, "repository not found"))
        bad = InfoRefsRequest(repository=NAME, git_config_options=["noequals"])
        self.assertEqual(
            await self.refusal("InfoRefsUploadPack", bad), (Code.INTERNAL, 'cannot convert invalid config key: "noequals"')
        )
        evil = InfoRefsRequest(repository=NAME, git_config_options=["core.sshCommand=id"])
        self.assertEqual(
            await self.refusal("InfoRefsUploadPack", evil), (Code.INVALID_ARGUMENT, 'config key not allowed: "core.sshCommand"')
        )

    async def test_receive_pack(self):
        """
        What a push is told first comes from whoever takes pushes.
        """
        answer = await self.data(
            "InfoRefsReceivePack",
            InfoRefsRequest(repository=NAME, git_protocol="version=1"),
            identity=Identity("alpha"),
            correlation_id="cid",
        )
        self.assertEqual(answer, b"advertisement")
        ((repository, request),) = self.calls.pushes.advertised
        self.assertIs(repository, self.calls.repository)
        self.assertEqual((request.user, request.protocol, request.wire), ("alpha", "version=1", "http"))
        self.assertTrue(request.stateless)
        self.assertEqual(request.correlation_id, "cid")

    async def test_receive_pack_of_missing(self):
        """
        Whoever may create a repository by pushing sees an empty one.
        """
        name = Repository(storage_name="default", relative_path="new.git")
        await self.data("InfoRefsReceivePack", InfoRefsRequest(repository=name), may_create=True)
        ((repository, _),) = self.calls.pushes.advertised
        self.assertIs(repository, None)
        self.assertEqual(self.calls.storage.created, [])

    async def test_body(self):
        """
        A door that has streams gets the bytes as such, and no messages.
        """
        body = Body(MemorySource())
        self.assertEqual(await self.data("InfoRefsUploadPack", InfoRefsRequest(repository=NAME), body=body), b"")
        self.assertIn(b"refs/heads/main", body.stdout.data)


class PostUploadPackTests(SmartHTTPCase):
    """
    PostUploadPack.
    """

    async def test_fetch(self):
        """
        The request is in later messages, the pack in the replies; a caller that does not half-close gets it too.
        """
        for open in (False, True):
            requests = [PostUploadPackRequest(repository=NAME), PostUploadPackRequest(data=self.wants())]
            answer = await self.data("PostUploadPack", *requests, open=open)
            self.assertIn(b"0008NAK\nPACK", answer)

    async def test_body(self):
        """
        A door that has streams is served from them; what git says aside goes there too.
        """
        body = Body(MemorySource([self.wants()]))
        self.assertEqual(await self.data("PostUploadPack", PostUploadPackRequest(repository=NAME), body=body), b"")
        self.assertIn(b"PACK", body.stdout.data)

    async def test_refused(self):
        """
        The first message is checked before anything is started.
        """
        self.assertEqual(await self.refusal("PostUploadPack"), (Code.INTERNAL, "EOF"))
        data = PostUploadPackRequest(repository=NAME, data=b"x")
        self.assertEqual(await self.refusal("PostUploadPack", data), (Code.INVALID_ARGUMENT, "non-empty Data"))
        self.assertEqual(
            await self.refusal("PostUploadPack", PostUploadPackRequest()), (Code.INVALID_ARGUMENT, "repository not set")
        )
        bad = PostUploadPackRequest(repository=NAME, git_config_options=["noequals"])
        self.assertEqual(
            await self.refusal("PostUploadPack", bad), (Code.INVALID_ARGUMENT, 'cannot convert invalid config key: "noequals"')
        )

    async def test_failure(self):
        """
        Whatever git does not understand is a failed precondition.
        """
        for data in (b"this is no pkt-line", b""):
            requests = [PostUploadPackRequest(repository=NAME), PostUploadPackRequest(data=data)]
            self.assertEqual(
                await self.refusal("PostUploadPack", *requests),
                (Code.FAILED_PRECONDITION, "running upload-pack: waiting for upload-pack: exit status 128"),
            )

    async def test_no_process(self):
        """
        Where no git can be started the caller is told to come again.
        """
        with mock.patch("gitaly_tx.git.process.subprocess.Popen", side_effect=BlockingIOError(11, "fork")):
            refusal = await self.refusal("PostUploadPack", PostUploadPackRequest(repository=NAME))
        self.assertEqual(refusal, (Code.RESOURCE_EXHAUSTED, "spawning upload-pack: no process can be started now"))

    async def test_deepen(self):
        """
        git fails when a client that cuts its history goes early; that is no failure.
        """
        more = pktline.data(b"deepen 1\n")
        wants = self.wants(more=more)[: -len(pktline.data(b"done\n"))] + b"junk"
        await self.data("PostUploadPack", PostUploadPackRequest(repository=NAME), PostUploadPackRequest(data=wants))

    async def test_client_goes_away(self):
        """
        A client that goes away has cancelled its fetch.
        """
        source = MemorySource(ends=False)
        source.disconnect()
        self.assertEqual(
            await self.refusal("PostUploadPack", PostUploadPackRequest(repository=NAME), body=Body(source)),
            (Code.CANCELLED, "running upload-pack: user canceled the request"),
        )

    async def test_cancelled(self):
        """
        A call that is cancelled leaves no git behind.
        """
        call = self.calls.call("SmartHTTPService/PostUploadPack", PostUploadPackRequest(repository=NAME), open=True)
        running = self.calls.dispatcher.dispatch(call)
        while not len(self.calls.children):
            await self.calls.reading.threads.run(lambda: None)
        running.cancel()
        error: Any = await self.assertFailure(running, GitalyError)
        self.assertIs(error.code, Code.CANCELLED)
        self.assertEqual(len(self.calls.children), 0)


class PostReceivePackTests(SmartHTTPCase):
    """
    PostReceivePack.
    """

    async def test_push(self):
        """
        Whoever takes pushes is told all there is to know, and gets the bytes.
        """
        first = PostReceivePackRequest(
            repository=NAME, gl_id="user-1", gl_repository="other", gl_username="grace", git_protocol="version=1"
        )
        requests = [first, PostReceivePackRequest(data=b"one"), PostReceivePackRequest(data=b"two")]
        answer = await self.data("PostReceivePack", *requests, identity=Identity("alpha"), correlation_id="cid")
        self.assertEqual((answer, self.calls.pushes.read), (b"report", b"onetwo"))
        ((repository, request),) = self.calls.pushes.served
        self.assertIs(repository, self.calls.repository)
        self.assertEqual(
            (request.gl_id, request.user, request.gl_username, request.gl_repository, request.project_path, request.wire),
            ("user-1", "alpha", "grace", "project-1", "group/project", "http"),
        )
        self.assertEqual((request.protocol, request.stateless, request.correlation_id), ("version=1", True, "cid"))
        self.assertIs(request.create, None)

    async def test_body(self):
        """
        A door that has streams is served from them.
        """
        body = Body(MemorySource([b"one"]))
        first = PostReceivePackRequest(repository=NAME, gl_id="user-1")
        self.assertEqual(await self.data("PostReceivePack", first, body=body), b"")
        self.assertEqual((bytes(body.stdout.data), bytes(body.stderr.data)), (b"report", b"words"))

    async def test_refused(self):
        """
        The first message is checked in Gitaly's order (fault 167).
        """
        self.assertEqual(await self.refusal("PostReceivePack"), (Code.INTERNAL, "EOF"))
        nobody = PostReceivePackRequest(data=b"x")
        self.assertEqual(await self.refusal("PostReceivePack", nobody), (Code.INVALID_ARGUMENT, "empty GlId"))
        data = PostReceivePackRequest(gl_id="user-1", data=b"x")
        self.assertEqual(await self.refusal("PostReceivePack", data), (Code.INVALID_ARGUMENT, "non-empty Data"))
        unset = PostReceivePackRequest(gl_id="user-1")
        self.assertEqual(await self.refusal("PostReceivePack", unset), (Code.INVALID_ARGUMENT, "repository not set"))
        evil = PostReceivePackRequest(repository=NAME, gl_id="user-1", git_config_options=["core.hooksPath=/x"])
        self.assertEqual((await self.refusal("PostReceivePack", evil))[0], Code.INVALID_ARGUMENT)

    async def test_created(self):
        """
        Whoever may create a repository by pushing does so when the push wants it.
        """
        name = Repository(storage_name="default", relative_path="new.git")
        first = PostReceivePackRequest(repository=name, gl_id="user-1")
        self.assertEqual(await self.refusal("PostReceivePack", first), (Code.NOT_FOUND, "repository not found"))
        await self.data("PostReceivePack", first, may_create=True)
        ((repository, request),) = self.calls.pushes.served
        self.assertIs(repository, None)
        self.assertEqual(self.calls.storage.created, [])
        assert request.create is not None
        await request.create()
        self.assertEqual(self.calls.storage.created, ["new.git"])

    async def test_broken(self):
        """
        What is not git's protocol is a failed precondition; other errors stay what they are.
        """
        first = PostReceivePackRequest(repository=NAME, gl_id="user-1")
        self.calls.pushes.error = PushBroken(b"protocol error: bad line length character: this")
        self.assertEqual(
            await self.refusal("PostReceivePack", first),
            (Code.FAILED_PRECONDITION, "waiting for receive-pack: exit status 128"),
        )
        self.calls.pushes.error = GitalyError("server is shutting down", Code.UNAVAILABLE)
        self.assertEqual(await self.refusal("PostReceivePack", first), (Code.UNAVAILABLE, "server is shutting down"))


class InterfaceTests(SmartHTTPCase):
    """
    What the classes promise.
    """

    def test_provided(self):
        """
        The service and the transport provide their interfaces.
        """
        verifyObject(IMethods, SmartHTTPService(self.calls.storage, self.calls.transport, self.calls.sidechannels))
        verifyObject(ITransport, self.calls.transport)
