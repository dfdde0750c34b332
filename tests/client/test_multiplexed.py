"""
Sidechannels from end to end: :mod:`gitaly_tx.client.multiplexed`, :mod:`gitaly_tx.client.sidechannels` and
:mod:`gitaly_tx.client.wire` against :mod:`gitaly_tx.frontends.grpc`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.multiplexed import Multiplexed, called, dialled
from gitaly_tx.client.peers import CORRELATION_KEY, Peers
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.listening import Kind, Listen
from gitaly_tx.frontends.grpc.sidechannels import Sidechannels
from gitaly_tx.streams import StreamBroken
from protocols.gitaly import repository_pb2, smarthttp_pb2
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import Service, make_call
from tests.support.certificates import write_certificate
from tests.support.grpcclient import TCP, GRPCCase, deferred

UPLOAD = "SmartHTTPService/PostUploadPackWithSidechannel"
ASKED = smarthttp_pb2.PostUploadPackWithSidechannelRequest(repository=Repository(relative_path="a.git"))
REPLY = smarthttp_pb2.PostUploadPackWithSidechannelResponse()


async def everything(channel: Any) -> bytes:
    """
    All that comes.
    """
    found = []
    while data := await channel.read():
        found.append(data)
    return b"".join(found)


class SidechannelCase(GRPCCase):
    """
    A service whose one method talks over a sidechannel.
    """

    async def connect(self, upload: Any, *listens: Listen, **more: Any) -> Multiplexed:
        """
        Serve, and connect.
        """
        self.calls: list[Any] = []

        async def exists(call, request):
            self.calls.append(call)
            return repository_pb2.RepositoryExistsResponse(exists=True)

        services = [
            Service("SmartHTTPService", PostUploadPackWithSidechannel=upload),
            Service("RepositoryService", RepositoryExists=exists),
        ]
        await self.serve(*services, listens=listens or (TCP,))
        self.sidechannels = Sidechannels(self.reactor(), self.origins)
        bound = self.bound[0]
        scheme = {Kind.TCP: "tcp://", Kind.UNIX: "unix:", Kind.TLS: "tls://"}[bound.kind]
        return await self.dial(scheme + bound.address, **more)

    async def dial(self, address: str, **more: Any) -> Multiplexed:
        """
        Connect once more.
        """
        connected = await dialled(address, **more)
        self.addCleanup(lambda: deferred(connected.close()))
        return connected

    async def ask(self, connected: Multiplexed) -> Any:
        """
        A call without a sidechannel over the same connection.
        """
        request = repository_pb2.RepositoryExistsRequest()
        return await deferred(connected.client.unary("RepositoryService/RepositoryExists", request))


class ServedTests(SidechannelCase):
    """
    What works.
    """

    async def echo(self, call, request):
        """
        Answer what is said, backwards.
        """
        channel = await self.sidechannels.open(call)
        said = await everything(channel.source)
        await channel.sink.write(said[::-1])
        channel.close()
        self.calls.append(call)
        return REPLY

    async def test_talk(self):
        """
        A peer makes such a call over a connection of its own, which is gone afterwards, with the metadata of the call that it is
        made for.
        """
        connected = await self.connect(self.echo)
        await connected.close()
        peers = Peers(lambda: 0.0)
        self.addCleanup(peers.close)
        call = make_call(UPLOAD, correlation_id="abc")

        async def talk(channel):
            await channel.write(b"abc")
            await channel.finish()
            self.assertEqual(await everything(channel), b"cba")

        peer = peers.at(f"tcp://{self.bound[0].address}", call=call)
        self.assertEqual(await peer.talk(UPLOAD, ASKED, talk), REPLY)
        self.assertEqual(self.calls[0].metadatum(CORRELATION_KEY), "abc")

    async def test_both_ways(self):
        """
        What the client says comes whole, without its packets, and what the server answers as it is. Bytes are counted.
        """
        connected = await self.connect(self.echo)
        said = os.urandom(300_000)

        async def talk(channel):
            await channel.write(said[:70_000])
            await channel.write(b"")
            await channel.write(said[70_000:])
            await channel.finish()
            self.answer = await everything(channel)

        self.assertEqual(await called(connected, UPLOAD, ASKED, talk), REPLY)
        self.assertEqual(self.answer, said[::-1])
        (call,) = self.calls
        self.assertEqual((call.received, call.sent), (len(said) + ASKED.ByteSize(), len(said)))

    async def test_asyncio(self):
        """
        asyncio programs have the same.
        """
        connected = await self.connect(self.echo)

        async def talk(channel):
            await channel.write(b"abc")
            await channel.finish()
            self.answer = b""
            while data := await channel.read():
                self.answer += data

        self.assertEqual(await deferred(connected.call(UPLOAD, ASKED, talk)), REPLY)
        self.assertEqual(self.answer, b"cba")

    async def test_peer(self):
        """
        Calls over the same connection need no sidechannel, and their peer is the client.
        """
        connected = await self.connect(self.echo)
        self.assertTrue((await self.ask(connected)).exists)
        self.assertRegex(self.calls[0].peer, r"\A127\.0\.0\.1:[0-9]+\Z")
        self.assertNotEqual(self.calls[0].peer, self.bound[0].address)

    async def test_doors(self):
        """
        A socket in the file system and TLS take multiplexed connections, too.
        """
        folder = tempfile.mkdtemp(prefix="s-")
        self.addCleanup(shutil.rmtree, folder)
        certificate, key = write_certificate(folder)

        async def talk(channel):
            await channel.write(os.urandom(1 << 20))
            await channel.finish()
            self.assertEqual(len(await everything(channel)), 1 << 20)

        for listen, more in (
            (Listen(Kind.UNIX, f"{folder}/sock"), {}),
            (Listen(Kind.TLS, "127.0.0.1:0", certificate, key), {"roots": Path(certificate).read_bytes()}),
        ):
            connected = await self.connect(self.echo, listen, **more)
            self.assertEqual(await called(connected, UPLOAD, ASKED, talk), REPLY)
            self.assertTrue((await self.ask(connected)).exists)

    async def test_many(self):
        """
        Many calls at once have a sidechannel each, though only one of the server's streams may wait to be accepted.
        """
        connected = await self.connect(self.echo)
        answers = []

        def one(number):
            async def talk(channel):
                await channel.write(b"%d" % number * 50_000)
                await channel.finish()
                answers.append((number, await everything(channel)))

            return called(connected, UPLOAD, ASKED, talk)

        for each in [one(number) for number in range(10)]:
            await each
        self.assertEqual(sorted(answers), [(number, b"%d" % number * 50_000) for number in range(10)])

    async def test_slow_reader(self):
        """
        A client that does not read stops the server, and other calls over the same connection go on.
        """
        written = 0
        stopped: Deferred[None] = Deferred()

        async def flood(call, request):
            nonlocal written
            channel = await self.sidechannels.open(call)
            while written < 64:
                writing = Deferred.fromCoroutine(channel.sink.write(bytes(1 << 18)))
                if not writing.called and not stopped.called:
                    self.reactor().callLater(0, stopped.callback, None)
                await writing
                written += 1
            channel.close()
            return REPLY

        connected = await self.connect(flood)

        async def talk(channel):
            await stopped
            for _ in range(5):
                self.assertTrue((await self.ask(connected)).exists)
            self.before = written
            self.size = len(await everything(channel))

        await called(connected, UPLOAD, ASKED, talk)
        self.assertLess(self.before, 12)
        self.assertEqual(self.size, 64 << 18)

    async def test_read_after_end(self):
        """
        After the client's end there is nothing, however often it is asked for.
        """

        async def twice(call, request):
            channel = await self.sidechannels.open(call)
            self.found = [await channel.source.read() for _ in range(3)]
            channel.close()
            channel.close()
            return REPLY

        connected = await self.connect(twice)

        async def talk(channel):
            await channel.write(b"x")
            await channel.finish()
            await everything(channel)

        await called(connected, UPLOAD, ASKED, talk)
        self.assertEqual(self.found, [b"x", b"", b""])


class BrokenTests(SidechannelCase):
    """
    What does not.
    """

    async def opened(self, call, request):
        """
        Open the sidechannel, and say what that failed with.
        """
        try:
            self.opened_channel: Any = await self.sidechannels.open(call)
        except GitalyError as error:
            raise error.wrapped("open sidechannel", Code.INTERNAL) from error
        try:
            await everything(self.opened_channel.source)
        except StreamBroken as error:
            self.said = str(error)
            raise GitalyError("broken", Code.CANCELLED) from error
        return REPLY

    async def refused(self, connected: Multiplexed, headers: Any) -> str:
        """
        What the call fails with.
        """
        error = await self.assertFailure(deferred(connected.client.unary(UPLOAD, ASKED, headers)), PeerError)
        self.assertEqual(error.code, Code.INTERNAL)
        return str(error.message)

    async def test_no_id(self):
        """
        A call that names no sidechannel gets none.
        """
        connected = await self.connect(self.opened)
        text = "open sidechannel: sidechannel: sidechannel-id not found in incoming metadata"
        self.assertEqual(await self.refused(connected, ()), text)

    async def test_not_multiplexed(self):
        """
        On a plain connection there are none.
        """
        await self.connect(self.opened)
        channel = self.channel(self.bound[0].address)
        error = await channel.error(UPLOAD, ASKED, metadata=(("gitaly-sidechannel-id", "0"),))
        text = "open sidechannel: sidechannel: fail to extract yamux session: non-multiplexed connection"
        self.assertEqual(error.details(), text)

    async def test_unknown(self):
        """
        A sidechannel that the client does not wait for, or not any more, is not taken.
        """
        connected = await self.connect(self.opened)
        for number in ("7", "nonsense"):
            text = await self.refused(connected, (("gitaly-sidechannel-id", number),))
            self.assertEqual(text, "open sidechannel: sidechannel: receive confirmation: EOF")

    async def test_call_fails(self):
        """
        A call that fails before there is a sidechannel tells why, and nothing was said.
        """

        async def fail(call, request):
            raise GitalyError("no", Code.NOT_FOUND)

        connected = await self.connect(fail)

        async def talk(channel):
            raise AssertionError("there is no sidechannel")

        error = await self.assertFailure(called(connected, UPLOAD, ASKED, talk), PeerError)
        self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "no"))

    async def test_not_opened(self):
        """
        A call that succeeds without one is no failure.
        """

        async def nothing(call, request):
            return REPLY

        connected = await self.connect(nothing)
        self.assertEqual(await called(connected, UPLOAD, ASKED, everything), REPLY)

    async def test_talk_fails(self):
        """
        What goes wrong on the client's side is told there; the server learns that nobody is there any more.
        """
        connected = await self.connect(self.opened)

        async def talk(channel):
            raise ValueError("cannot go on")

        await self.assertFailure(called(connected, UPLOAD, ASKED, talk), ValueError)
        self.assertEqual(self.said, "the peer has gone")
        self.assertTrue(self.opened_channel.lost.called)
        self.assertTrue((await self.ask(connected)).exists)

    async def test_talk_fails_late(self):
        """
        Also if the call succeeds.
        """

        async def quick(call, request):
            channel = await self.sidechannels.open(call)
            channel.close()
            return REPLY

        connected = await self.connect(quick)

        async def talk(channel):
            await everything(channel)
            raise ValueError("cannot go on")

        await self.assertFailure(called(connected, UPLOAD, ASKED, talk), ValueError)

    async def test_ends_early(self):
        """
        A client that closes before it has said that this was all has not said all.
        """
        connected = await self.connect(self.opened)

        async def talk(channel):
            await channel.write(b"abc")
            channel.close()

        error = await self.assertFailure(called(connected, UPLOAD, ASKED, talk), PeerError)
        self.assertEqual((error.message, self.said), ("broken", "unexpected EOF"))

    async def test_not_packets(self):
        """
        What comes without packets is not read.
        """
        connected = await self.connect(self.opened)

        async def talk(channel):
            await channel._stream.write(b"0003")
            await channel.finish()

        error = await self.assertFailure(called(connected, UPLOAD, ASKED, talk), PeerError)
        self.assertEqual((error.message, self.said), ("broken", "sidechannel: invalid header 3"))

    async def test_connection_breaks(self):
        """
        A connection that breaks ends its calls and its sidechannels on both sides.
        """
        cancelled: Deferred[None] = Deferred()

        async def wait(call, request):
            channel = await self.sidechannels.open(call)
            channel.lost.addCallback(cancelled.callback)
            await Deferred()

        connected = await self.connect(wait)

        async def talk(channel):
            connected._connection.abort()
            await everything(channel)

        await self.assertFailure(called(connected, UPLOAD, ASKED, talk), StreamBroken)
        await cancelled
        error = await self.assertFailure(Deferred.fromCoroutine(self.ask(connected)), PeerError)
        self.assertEqual(error.code, Code.UNAVAILABLE)

    async def test_server_stops(self):
        """
        When the server has stopped, connections are closed; a call that was under way had its time.
        """
        begun: Deferred[None] = Deferred()
        gate: Deferred[None] = Deferred()

        async def slow(call, request):
            channel = await self.sidechannels.open(call)
            begun.callback(None)
            await gate
            await channel.sink.write(b"late")
            channel.close()
            return REPLY

        connected = await self.connect(slow)

        async def talk(channel):
            self.answer = await everything(channel)

        calling = called(connected, UPLOAD, ASKED, talk)
        await begun
        self.service._grace = 20
        stopping = self.service.stopService()
        gate.callback(None)
        self.assertEqual(await calling, REPLY)
        self.assertEqual(self.answer, b"late")
        await stopping
        error = await self.assertFailure(Deferred.fromCoroutine(self.ask(connected)), PeerError)
        self.assertEqual(error.code, Code.UNAVAILABLE)

    async def test_nobody_there(self):
        """
        Nobody at an address is UNAVAILABLE.
        """
        for address in ("unix:/nonexistent/sock", "tcp://127.0.0.1:1"):
            error: Any = await self.assertFailure(dialled(address), PeerError)
            self.assertEqual(error.code, Code.UNAVAILABLE)
