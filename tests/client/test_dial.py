"""
Tests for :mod:`gitaly_tx.client.dial`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.client.dial import machine_roots, parse_target
from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.stub import Client
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.listening import Kind, Listen
from protocols.gitaly import repository_pb2
from protocols.gitaly.shared_pb2 import Repository
from tests.support.calls import Service
from tests.support.certificates import write_certificate
from tests.support.grpcclient import GRPCCase, deferred

REQUEST = repository_pb2.RepositoryExistsRequest(repository=Repository(relative_path="team/thing.git"))


class TargetTests(SynchronousTestCase):
    """
    ``parse_target``.
    """

    def test_addresses(self):
        """
        Each of Gitaly's schemes has its target.
        """
        for address, target, secure in (
            ("unix:/run/a.sock", "unix:/run/a.sock", False),
            ("unix:///run/a.sock", "unix:/run/a.sock", False),
            ("unix:/run/a%20b.sock", "unix:/run/a b.sock", False),
            ("unix:relative.sock", "unix:relative.sock", False),
            ("tcp://127.0.0.1:8075", "127.0.0.1:8075", False),
            ("tcp://[::1]:8075/", "[::1]:8075", False),
            ("tls://gitaly.internal:9999", "gitaly.internal:9999", True),
            ("dns:gitaly.internal:8075", "dns:gitaly.internal:8075", False),
            ("dns:///gitaly.internal:8075", "dns:///gitaly.internal:8075", False),
            ("dns://1.1.1.1/gitaly.internal:8075", "dns://1.1.1.1/gitaly.internal:8075", False),
        ):
            parsed = parse_target(address)
            self.assertEqual((parsed.target, parsed.secure), (target, secure), address)

    def test_refused(self):
        """
        Anything else is refused, with no code: the method says what it means.
        """
        for address in (
            "",
            "127.0.0.1:8075",
            "http://a:1",
            "unix:",
            "unix://",
            "tcp://",
            "tcp://host",
            "tcp://host:1/path",
            "dns:",
        ):
            error = self.assertRaises(GitalyError, parse_target, address)
            self.assertIsNone(error.given_code)
            self.assertEqual(error.facts, {"address": address})

    def test_roots(self):
        """
        The authorities are those of this machine, or the ones that ``SSL_CERT_FILE`` names.
        """
        folder = self.mktemp()
        certificate, _ = write_certificate(folder)
        self.patch(os, "environ", {**os.environ, "SSL_CERT_FILE": certificate})
        self.assertEqual(machine_roots(), Path(certificate).read_bytes())
        self.patch(os, "environ", {**os.environ, "SSL_CERT_FILE": os.path.join(folder, "missing")})
        self.assertIsNone(machine_roots())


class DialTests(GRPCCase):
    """
    ``Client.dial`` against a server.
    """

    async def ask(self, address: str, **more):
        """
        Make a call with a client of its own.
        """

        async def run():
            client = Client.dial(address, **more)
            try:
                return await client.unary("RepositoryService/RepositoryExists", REQUEST)
            finally:
                await client.close()

        return await deferred(run())

    async def test_kinds(self):
        """
        A server is reached over TCP, a socket and TLS.
        """

        async def exists(call, request):
            return repository_pb2.RepositoryExistsResponse(exists=True)

        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        certificate, key = write_certificate(folder)
        listens = [
            Listen(Kind.TCP, "127.0.0.1:0"),
            Listen(Kind.UNIX, f"{folder}/s"),
            Listen(Kind.TLS, "127.0.0.1:0", certificate, key),
        ]
        await self.serve(Service("RepositoryService", RepositoryExists=exists), listens=listens)
        tcp, unix, tls = (bound.address for bound in self.bound)
        for address in (f"tcp://{tcp}", f"dns:{tcp}", f"unix:{unix}", f"unix://{unix}"):
            self.assertTrue((await self.ask(address)).exists, address)
        self.assertTrue((await self.ask(f"tls://{tls}", roots=Path(certificate).read_bytes())).exists)
        other, _ = write_certificate(f"{folder}/other")
        error = await self.assertFailure(deferred(self.ask_coroutine(f"tls://{tls}", other)), PeerError)
        self.assertEqual(error.code, Code.UNAVAILABLE)

    async def ask_coroutine(self, address: str, roots: str):
        client = Client.dial(address, roots=Path(roots).read_bytes())
        try:
            return await client.unary("RepositoryService/RepositoryExists", REQUEST)
        finally:
            await client.close()
