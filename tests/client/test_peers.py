"""
Tests for :mod:`gitaly_tx.client.peers`, :mod:`gitaly_tx.client.stub` and :mod:`gitaly_tx.client.status`, against a server.
"""

from __future__ import annotations

from typing import Any

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.auth.token import check_authorization
from gitaly_tx.client import peers as module
from gitaly_tx.client.dial import open_channel
from gitaly_tx.client.interfaces import IConversation, IPeer, IPeers, PeerError
from gitaly_tx.client.peers import Peers
from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.client.status import decode_details
from gitaly_tx.client.stub import Client, method_info
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.standard import Health
from gitaly_tx.frontends.grpc.status import encode_status
from protocols.gitaly import errors_pb2, operations_pb2, ref_pb2, repository_pb2, ssh_pb2
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import Service, make_call
from tests.support.grpcclient import GRPCCase, deferred

EXISTS = "RepositoryService/RepositoryExists"
REQUEST = repository_pb2.RepositoryExistsRequest(repository=Repository(relative_path="team/thing.git"))
NOW = 1_700_000_000.0


class PeerCase(GRPCCase):
    """
    A server, and who knows it.
    """

    async def peer(self, *services: Any, call: Any = None, token: str = "") -> Any:
        """
        Serve services.

        :returns: the peer that does.
        """
        await self.serve(*services)
        self.address = f"tcp://{self.bound[0].address}"
        self.peers = Peers(lambda: NOW)
        self.addCleanup(self.peers.close)
        return self.peers.at(self.address, token, call)


class CallTests(PeerCase):
    """
    Calls of each kind.
    """

    async def test_unary(self):
        """
        A call gets its reply, with the token of the moment.
        """
        seen = []

        async def exists(call, request):
            seen.append((call, request))
            return repository_pb2.RepositoryExistsResponse(exists=True)

        peer = await self.peer(Service("RepositoryService", RepositoryExists=exists), token="secret")
        verifyObject(IPeer, peer)
        verifyObject(IPeers, self.peers)
        self.assertTrue((await peer.unary(EXISTS, REQUEST)).exists)
        call, request = seen[0]
        self.assertEqual(request, REQUEST)
        self.assertEqual(check_authorization(call.metadatum("authorization"), b"secret", NOW), int(NOW))

    async def test_other_packages(self):
        """
        A method of another package is named with it.
        """
        health = Health(())
        health.serving()
        peer = await self.peer(health)
        reply = await peer.unary("grpc.health.v1.Health/Check", HealthCheckRequest())
        self.assertEqual(reply.status, HealthCheckResponse.SERVING)
        self.assertRaises(KeyError, method_info, "RefService/NoSuch")
        self.assertRaises(KeyError, method_info, "evil.Service/NoSuch")

    async def test_replies(self):
        """
        Many replies come one after the other.
        """

        async def list_refs(call, request):
            for number in range(3):
                yield ref_pb2.ListRefsResponse(references=[ref_pb2.ListRefsResponse.Reference(name=b"%d" % number)])

        peer = await self.peer(Service("RefService", ListRefs=list_refs))
        names = [reply.references[0].name async for reply in peer.replies("RefService/ListRefs", ref_pb2.ListRefsRequest())]
        self.assertEqual(names, [b"0", b"1", b"2"])

    async def test_upload(self):
        """
        Many requests get one reply, whether there are a few or they come with time.
        """
        seen = []

        async def create(call, requests):
            seen.append([request.data async for request in requests])
            return repository_pb2.CreateRepositoryFromBundleResponse()

        async def later():
            for data in (b"c", b"d"):
                yield repository_pb2.CreateRepositoryFromBundleRequest(data=data)

        peer = await self.peer(Service("RepositoryService", CreateRepositoryFromBundle=create))
        method = "RepositoryService/CreateRepositoryFromBundle"
        for requests in ([repository_pb2.CreateRepositoryFromBundleRequest(data=b"a")], later()):
            reply = await peer.upload(method, requests)
            self.assertEqual(reply, repository_pb2.CreateRepositoryFromBundleResponse())
        self.assertEqual(seen, [[b"a"], [b"c", b"d"]])

    async def test_conversation(self):
        """
        Requests and replies go both ways at once.
        """

        async def echo(call, requests):
            async for request in requests:
                yield ssh_pb2.SSHReceivePackResponse(stdout=request.stdin)

        peer = await self.peer(Service("SSHService", SSHReceivePack=echo))
        conversation = peer.converse("SSHService/SSHReceivePack")
        verifyObject(IConversation, conversation)
        for word in (b"one", b"two"):
            await conversation.send(ssh_pb2.SSHReceivePackRequest(stdin=word))
            self.assertEqual((await conversation.receive()).stdout, word)
        await conversation.finish()
        self.assertIsNone(await conversation.receive())
        conversation.cancel()

    async def test_asyncio(self):
        """
        asyncio programs have the same calls.
        """

        async def list_refs(call, request):
            yield ref_pb2.ListRefsResponse(references=[ref_pb2.ListRefsResponse.Reference(name=b"1")])

        async def create(call, requests):
            self.uploaded = [request.data async for request in requests]
            return repository_pb2.CreateRepositoryFromBundleResponse()

        await self.peer(
            Service("RefService", ListRefs=list_refs), Service("RepositoryService", CreateRepositoryFromBundle=create)
        )

        async def later():
            yield repository_pb2.CreateRepositoryFromBundleRequest(data=b"b")

        async def run():
            client = Client.dial(self.address)
            try:
                found = [reply async for reply in client.replies("RefService/ListRefs", ref_pb2.ListRefsRequest())]
                requests = [repository_pb2.CreateRepositoryFromBundleRequest(data=b"a")]
                await client.upload("RepositoryService/CreateRepositoryFromBundle", requests)
                self.assertEqual(self.uploaded, [b"a"])
                await client.upload("RepositoryService/CreateRepositoryFromBundle", later())
                self.assertEqual(self.uploaded, [b"b"])
                return found
            finally:
                await client.close()

        self.assertEqual([reply.references[0].name for reply in await deferred(run())], [b"1"])


class FailureTests(PeerCase):
    """
    Calls that fail.
    """

    async def test_error(self):
        """
        Code, text and details are the peer's.
        """
        detail = errors_pb2.AccessCheckError(error_message="no", protocol="ssh")

        async def exists(call, request):
            raise GitalyError("repository not found", Code.NOT_FOUND, details=(detail,))

        peer = await self.peer(Service("RepositoryService", RepositoryExists=exists))
        error = await self.assertFailure(peer.unary(EXISTS, REQUEST), PeerError)
        self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "repository not found"))
        self.assertEqual(error.described, "rpc error: code = NotFound desc = repository not found")

    async def test_stream_error(self):
        """
        So are those of streams, with their details.
        """
        detail = errors_pb2.AccessCheckError(error_message="no", protocol="ssh")

        async def list_refs(call, request):
            yield ref_pb2.ListRefsResponse()
            raise GitalyError("no", Code.ABORTED, details=(detail,))

        peer = await self.peer(Service("RefService", ListRefs=list_refs))
        found = []

        async def run():
            async for reply in peer.replies("RefService/ListRefs", ref_pb2.ListRefsRequest()):
                found.append(reply)

        error = await self.assertFailure(Deferred.fromCoroutine(run()), PeerError)
        self.assertEqual((error.code, error.message, error.details), (Code.ABORTED, "no", (detail,)))
        self.assertEqual(len(found), 1)

    async def test_refused_early(self):
        """
        A peer that refuses before it has read everything is heard, not only that it reads no more.
        """

        async def apply(call, requests):
            async for _ in requests:
                raise GitalyError("empty patch", Code.INVALID_ARGUMENT)
            yield

        peer = await self.peer(Service("SSHService", SSHReceivePack=apply))
        conversation = peer.converse("SSHService/SSHReceivePack")

        async def run():
            while True:
                await conversation.send(ssh_pb2.SSHReceivePackRequest(stdin=bytes(1 << 16)))

        error = await self.assertFailure(Deferred.fromCoroutine(run()), PeerError)
        self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, "empty patch"))
        again = await self.assertFailure(conversation.send(ssh_pb2.SSHReceivePackRequest()), PeerError)
        self.assertEqual(again.message, "empty patch")

    async def test_answered_early(self):
        """
        What is sent after a peer has answered without reading everything is dropped.
        """

        async def create(call, requests):
            return repository_pb2.CreateRepositoryFromBundleResponse()

        peer = await self.peer(Service("RepositoryService", CreateRepositoryFromBundle=create))
        conversation = peer.converse("RepositoryService/CreateRepositoryFromBundle")
        self.assertIsNotNone(await conversation.receive())
        self.assertIsNone(await conversation.receive())
        await conversation.send(repository_pb2.CreateRepositoryFromBundleRequest(data=b"x"))
        await conversation.finish()

    async def test_unreachable(self):
        """
        Nobody there is UNAVAILABLE.
        """
        await self.peer(Service("RepositoryService"))
        peer = self.peers.at("unix:/nonexistent/sock")
        error = await self.assertFailure(peer.unary(EXISTS, REQUEST), PeerError)
        self.assertEqual(error.code, Code.UNAVAILABLE)

    async def test_cancelled_at_once(self):
        """
        What is cancelled before it has begun is told like anything else.
        """
        peer = await self.peer(Service("RepositoryService"))
        conversation = peer.converse("RepositoryService/CreateRepositoryFromBundle")
        for begin in (conversation.finish, conversation.receive):
            waiting = begin()
            waiting.cancel()
            await self.assertFailure(waiting, CancelledError)
        conversation.cancel()

    async def test_cancelled(self):
        """
        Cancelling what waits for a reply cancels the call at the peer's.
        """
        begun: Deferred[None] = Deferred()
        gone: Deferred[None] = Deferred()

        async def exists(call, request):
            begun.callback(None)
            try:
                await Deferred()
            except CancelledError:
                gone.callback(None)
                raise

        peer = await self.peer(Service("RepositoryService", RepositoryExists=exists))
        waiting = peer.unary(EXISTS, REQUEST)
        await begun
        waiting.cancel()
        await self.assertFailure(waiting, CancelledError)
        await gone

    async def test_left_early(self):
        """
        Leaving replies early cancels the call at the peer's.
        """
        gone: Deferred[None] = Deferred()

        async def list_refs(call, request):
            yield ref_pb2.ListRefsResponse()
            try:
                await Deferred()
            except CancelledError:
                gone.callback(None)
                raise

        peer = await self.peer(Service("RefService", ListRefs=list_refs))
        replies = peer.replies("RefService/ListRefs", ref_pb2.ListRefsRequest())
        await anext(replies)
        await replies.aclose()
        await gone


class NamedTests(PeerCase):
    """
    ``IPeers``.
    """

    async def test_named(self):
        """
        The server that the caller names for a storage is called, with the caller's metadata but what is between two ends only.
        """
        seen = []

        async def exists(call, request):
            seen.append(call)
            return repository_pb2.RepositoryExistsResponse()

        await self.peer(Service("RepositoryService", RepositoryExists=exists))
        metadata: dict[str, tuple[str | bytes, ...]] = {
            KEY: (encode_servers({"other": Server(self.address, "theirs")}),),
            "user_id": ("7",),
            "gitaly-feature-x": ("true", "false"),
            "x-bin": (b"\xff",),
            "authorization": ("Bearer ours",),
            "gitaly-sidechannel-id": ("3",),
            "user-agent": ("somebody",),
            "grpc-accept-encoding": ("gzip",),
            "x-gitlab-correlation-id": ("theirs",),
        }
        call = make_call(EXISTS, metadata=metadata)
        call.correlation_id = "ours"
        await self.peers.named(call, "other").unary(EXISTS, REQUEST)
        got = seen[0].metadata
        for key in (KEY, "user_id", "gitaly-feature-x", "x-bin"):
            self.assertEqual(got[key], metadata[key])
        self.assertEqual(got["x-gitlab-correlation-id"], ("ours",))
        self.assertNotIn("gitaly-sidechannel-id", got)
        self.assertNotIn("somebody", got["user-agent"][0])
        self.assertEqual(check_authorization(got["authorization"][0], b"theirs", NOW), int(NOW))

    async def test_not_named(self):
        """
        A storage that the caller does not name has no peer, nor has one whose address is none.
        """
        await self.peer(Service("RepositoryService"))
        self.assertRaises(GitalyError, self.peers.named, make_call(EXISTS), "other")
        named = make_call(EXISTS, metadata={KEY: (encode_servers({"other": Server("nowhere")}),)})
        self.assertRaises(GitalyError, self.peers.named, named, "other")

    async def test_kept(self):
        """
        Connections are shared by address; of those that nobody uses only some are kept, and a peer without one gets another.
        """
        begun: Deferred[None] = Deferred()
        waiting: Deferred[None] = Deferred()

        async def exists(call, request):
            if not begun.called:
                begun.callback(None)
                await waiting
            return repository_pb2.RepositoryExistsResponse(exists=True)

        made = []

        def connect(target):
            made.append(target.target)
            return open_channel(target)

        self.patch(module, "MOST_IDLE", 1)
        await self.serve(Service("RepositoryService", RepositoryExists=exists))
        port = self.bound[0].address.rpartition(":")[2]
        peers = Peers(lambda: NOW, connect)
        self.addCleanup(peers.close)
        one, two, three = (peers.at(f"{address}:{port}") for address in ("tcp://127.0.0.1", "dns:127.0.0.1", "dns:///127.0.0.1"))
        answer = one.unary(EXISTS, REQUEST)
        await begun
        for peer in (two, three, two, three, two):
            self.assertTrue((await peer.unary(EXISTS, REQUEST)).exists)
        self.assertEqual(len(made), 3)
        four = peers.at(f"dns:localhost:{port}")
        await four.unary(EXISTS, REQUEST)
        self.assertEqual(len(made), 4)
        await three.unary(EXISTS, REQUEST)
        self.assertEqual(made[4:], [f"dns:///127.0.0.1:{port}"])
        waiting.callback(None)
        self.assertTrue((await answer).exists)
        self.assertEqual(made.count(f"127.0.0.1:{port}"), 1)


class DetailsTests(SynchronousTestCase):
    """
    ``decode_details``.
    """

    def test_known(self):
        """
        Details of known types are read, others and garbage left out.
        """
        detail = operations_pb2.UserMergeBranchError()
        packed = encode_status(GitalyError("x", Code.ABORTED, details=(detail, errors_pb2.NotAncestorError())), "x")
        self.assertEqual(decode_details(packed), (detail, errors_pb2.NotAncestorError()))
        unknown = packed.replace(b"gitaly.NotAncestorError", b"gitaly.NoSuchThingError")
        self.assertEqual(decode_details(unknown), (detail,))
        self.assertEqual(decode_details(b"\xff"), ())
        self.assertEqual(decode_details(b""), ())
