"""
Tests for :mod:`gitaly_tx.frontends.grpc.listening`.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

import grpc

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.listening import Kind, Listen
from gitaly_tx.rpc.dispatcher import Dispatcher
from protocols.gitaly import repository_pb2
from tests.support.calls import Service
from tests.support.certificates import write_certificate
from tests.support.grpcclient import TCP, GRPCCase

EXISTS = "RepositoryService/RepositoryExists"
REQUEST = repository_pb2.RepositoryExistsRequest()


async def exists(call, request):
    return repository_pb2.RepositoryExistsResponse(exists=True)


def repositories(method=exists) -> Service:
    return Service("RepositoryService", RepositoryExists=method)


def short_path(case: GRPCCase) -> str:
    """
    A path in a new directory that is short enough for a socket (108 bytes), wherever the tests run.
    """
    folder = tempfile.mkdtemp(prefix="s-")
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return os.path.join(folder, "sock")


class ListenTests(GRPCCase):
    """
    Addresses.
    """

    def listen(self, *listens):
        return self.start(Dispatcher([repositories()], (), self.reactor()), listens)

    async def refused(self, *listens):
        """
        Why listening fails.
        """
        try:
            await self.listen(*listens)
        except GitalyError as error:
            self.assertEqual(error.code, Code.UNAVAILABLE)
            await self.service.stopService()
            return error
        self.fail("it listens")

    async def test_ports(self):
        """
        Several addresses are listened on at once, and the ports that were chosen are told.
        """
        await self.listen(TCP, Listen(Kind.TCP, "localhost:0"), Listen(Kind.TCP, ":0"))
        self.assertEqual([bound.address.rpartition(":")[0] for bound in self.bound], ["127.0.0.1", "localhost", ""])
        ports = {bound.address.rpartition(":")[2] for bound in self.bound}
        self.assertEqual(len(ports), 3)
        for port in ports:
            reply, _ = await self.channel(f"127.0.0.1:{port}").unary(EXISTS, REQUEST)
            self.assertTrue(reply.exists)
        self.assertEqual(await self.service.listening(), self.bound)

    async def test_taken(self):
        """
        An address that somebody else has is an error that names it, and what was opened before is closed.
        """
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            address = f"127.0.0.1:{other.getsockname()[1]}"
            path = self.mktemp()
            error = await self.refused(Listen(Kind.UNIX, os.path.abspath(path)), Listen(Kind.TCP, address))
        self.assertEqual(error.message, f"cannot listen on {address}")
        self.assertFalse(os.path.exists(path))
        failure = await self.assertFailure(self.service.listening(), GitalyError)
        self.assertIs(failure, error)

    async def test_two_servers(self):
        """
        Two servers never share a port.
        """
        await self.listen(TCP)
        first = self.service
        error = await self.refused(Listen(Kind.TCP, self.bound[0].address))
        self.assertIn("cannot listen", error.message)
        self.assertTrue(first.running)

    async def test_unix(self):
        """
        A socket's directory is made for this user only; the socket is gone after the stop.
        """
        path = os.path.join(short_path(self), "sock.d", "intern")
        channel = await self.serve(repositories(), listens=[Listen(Kind.UNIX, path)])
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        self.assertTrue((await channel.unary(EXISTS, REQUEST))[0].exists)
        await self.service.stopService()
        self.assertFalse(os.path.exists(path))

    async def test_unix_peer(self):
        """
        The peer of a call over a socket is ``unix``.
        """
        peers = []

        async def look(call, request):
            peers.append(call.peer)
            return repository_pb2.RepositoryExistsResponse()

        channel = await self.serve(repositories(look), listens=[Listen(Kind.UNIX, short_path(self))])
        await channel.unary(EXISTS, REQUEST)
        self.assertEqual(peers, ["unix"])

    async def test_stale_socket(self):
        """
        The socket of a server that died is replaced.
        """
        path = short_path(self)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        channel = await self.serve(repositories(), listens=[Listen(Kind.UNIX, path)])
        self.assertTrue((await channel.unary(EXISTS, REQUEST))[0].exists)

    async def test_live_socket(self):
        """
        The socket of a server that lives is left alone.
        """
        path = short_path(self)
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(path)
            live.listen()
            error = await self.refused(Listen(Kind.UNIX, path))
        self.assertEqual(error.facts, {"error": "somebody listens there already"})
        self.assertTrue(os.path.exists(path))

    async def test_not_a_socket(self):
        """
        A file that is no socket is left alone.
        """
        path = short_path(self)
        Path(path).write_text("precious")
        await self.refused(Listen(Kind.UNIX, path))
        self.assertEqual(Path(path).read_text(), "precious")

    async def test_no_directory(self):
        """
        A directory that cannot be made is an error that names the socket.
        """
        path = short_path(self)
        Path(path).write_text("")
        error = await self.refused(Listen(Kind.UNIX, f"{path}/x/s.sock"))
        self.assertEqual(error.message, f"cannot listen on {path}/x/s.sock")


class TLSTests(GRPCCase):
    """
    TLS.
    """

    async def connect(self, certificate, key):
        self.listen = Listen(Kind.TLS, "127.0.0.1:0", certificate=certificate, key=key)
        await self.start(Dispatcher([repositories()], (), self.reactor()), [self.listen])

    def trusting(self, certificate):
        credentials = grpc.ssl_channel_credentials(Path(certificate).read_bytes())
        return self.channel(self.bound[0].address, credentials)

    async def test_tls(self):
        """
        A client that trusts the certificate is served.
        """
        certificate, key = write_certificate(self.mktemp())
        await self.connect(certificate, key)
        self.assertTrue((await self.trusting(certificate).unary(EXISTS, REQUEST))[0].exists)

    async def test_renewed(self):
        """
        A renewed certificate is used for new connections; one that has gone leaves the old one in use.
        """
        folder = self.mktemp()
        certificate, key = write_certificate(folder)
        await self.connect(certificate, key)
        old = Path(certificate).read_bytes()
        write_certificate(folder)
        self.assertNotEqual(Path(certificate).read_bytes(), old)
        self.assertTrue((await self.trusting(certificate).unary(EXISTS, REQUEST))[0].exists)
        renewed = grpc.ssl_channel_credentials(Path(certificate).read_bytes())
        os.unlink(certificate)
        channel = self.channel(self.bound[0].address, renewed)
        self.assertTrue((await channel.unary(EXISTS, REQUEST))[0].exists)

    async def test_missing(self):
        """
        A certificate that is not there keeps the server from starting.
        """
        certificate, _ = write_certificate(self.mktemp())
        try:
            await self.connect(certificate, certificate + ".missing")
        except GitalyError as error:
            self.assertEqual(error.message, "cannot listen on 127.0.0.1:0")
        else:
            self.fail("it listens")
