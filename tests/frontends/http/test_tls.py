"""
Tests for HTTPS.
"""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.frontends.http.exchange import Door80
from gitaly_tx.frontends.http.service import HTTPService
from gitaly_tx.frontends.tls import OverTLS, RenewableCertificate
from gitaly_tx.rpc.call import Call
from gitaly_tx.streams import ISpliceSink
from protocols.gitaly.smarthttp_pb2 import InfoRefsResponse
from tests.frontends.doors import KnownUsers, Scripted, resolve

GET = b"GET /a.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = (
    b"POST /a.git/git-upload-pack HTTP/1.1\r\nContent-Type: application/x-git-upload-pack-request\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


def write_certificate(folder: Path, name: str) -> tuple[str, str]:
    """
    A self-signed certificate and its key.

    :returns: their paths.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(certificate), str(private)


class HTTPSTests(TestCase):
    """
    git over HTTPS.
    """

    timeout = 60

    async def listen(self, certificate: RenewableCertificate) -> None:
        """
        Begin to serve.
        """

        async def play(call: Call) -> None:
            if call.body is None:
                await call.exchange.send(InfoRefsResponse(data=b"refs"))
                return
            self.assertFalse(ISpliceSink.providedBy(call.body.stdout))
            await call.body.stdout.write(b"x" * 500000)

        endpoint = OverTLS(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"), certificate)
        service = HTTPService(reactor, endpoint, Door80(Scripted(play), resolve, KnownUsers()), grace=0.5)  # type: ignore[arg-type]
        port: Any = await service.listen()
        self.number: int = port.getHost().port
        self.addCleanup(service.stopService)

    async def ask(self, request: bytes) -> tuple[bytes, str]:
        """
        The answer, and the name in the server's certificate.
        """

        def talk() -> tuple[bytes, str]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", self.number), 20) as plain, context.wrap_socket(plain) as client:
                client.sendall(request)
                found = b""
                try:
                    while data := client.recv(65536):
                        found += data
                except ssl.SSLEOFError:
                    pass
                shown = client.getpeercert(binary_form=True)
                assert shown is not None
                name = x509.load_der_x509_certificate(shown).subject.rfc4514_string()
                return found, name

        return await deferToThread(talk)

    async def test_serves_and_renews(self) -> None:
        """
        Requests are answered over TLS, packs in pieces; a renewed certificate is used for the next connection.
        """
        folder = Path(self.mktemp())
        certificate = RenewableCertificate(*write_certificate(folder, "first"))
        await self.listen(certificate)
        answer, name = await self.ask(GET)
        self.assertIn(b"refs", answer)
        self.assertEqual(name, "CN=first")
        answer, _ = await self.ask(POST)
        self.assertGreater(len(answer), 500000)
        write_certificate(folder, "second")
        certificate.renew()
        self.assertEqual((await self.ask(GET))[1], "CN=second")

    async def test_bad_renewal(self) -> None:
        """
        A certificate that cannot be used is refused, and the old one stays in use.
        """
        folder = Path(self.mktemp())
        path, key = write_certificate(folder, "first")
        certificate = RenewableCertificate(path, key)
        await self.listen(certificate)
        for content in ("", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            Path(path).write_text(content)
            self.assertRaises(GitalyError, certificate.renew)
        other, _ = write_certificate(folder.parent / f"{folder.name}-other", "other")
        Path(path).write_text(Path(other).read_text())
        self.assertRaises(GitalyError, certificate.renew)
        Path(path).unlink()
        self.assertRaises(GitalyError, certificate.renew)
        self.assertEqual((await self.ask(GET))[1], "CN=first")
