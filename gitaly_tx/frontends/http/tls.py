"""
The certificate of the HTTPS listener, renewable while it listens.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, KeyPair, TLSVersion
from twisted.python.filepath import FilePath
from zope.interface import implementer

from ...errors import Code, GitalyError

_BEGIN = b"-----BEGIN CERTIFICATE-----"


@implementer(IOpenSSLServerConnectionCreator)
class RenewableCertificate:
    """
    Makes the TLS side of each new connection from the certificate that was read last.

    :param certificate: the PEM file with the certificate and its chain.
    :param key: the PEM file with the private key.
    :raises GitalyError: FAILED_PRECONDITION if they cannot be used.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._certificate = certificate
        self._key = key
        self._options = self._read()

    def renew(self) -> None:
        """
        Read the files again. Connections that are open keep what they have.

        :raises GitalyError: if they cannot be used; then the old certificate stays in use.
        """
        self._options = self._read()

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """
        The TLS side of a new connection.
        """
        return SSL.Connection(self._options.getContext(), None)

    def _read(self) -> CertificateOptions:
        try:
            chain = [
                Certificate.loadPEM(_BEGIN + part).original for part in FilePath(self._certificate).getContent().split(_BEGIN)[1:]
            ]
            key = KeyPair.load(FilePath(self._key).getContent(), 1).original
            if not chain:
                raise ValueError("there is no certificate in the file")
            options = CertificateOptions(
                privateKey=key,
                certificate=chain[0],
                extraCertChain=chain[1:],
                raiseMinimumTo=TLSVersion.TLSv1_2,
            )
            options.getContext().check_privatekey()
        except (OSError, ValueError, SSL.Error, crypto.Error) as error:
            facts = {"certificate": self._certificate, "error": str(error) or type(error).__name__}
            raise GitalyError("the HTTPS certificate cannot be used", Code.FAILED_PRECONDITION, facts) from error
        return options
