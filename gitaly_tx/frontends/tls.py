"""
The certificates of TLS listeners, renewable while they listen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.ssl import Certificate, CertificateOptions, KeyPair, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.filepath import FilePath
from zope.interface import implementer

from ..errors import Code, GitalyError

_BEGIN = b"-----BEGIN CERTIFICATE-----"


@implementer(IOpenSSLServerConnectionCreator)
class RenewableCertificate:
    """
    Makes the TLS side of each new connection from the certificate that was read last.

    :param certificate: the PEM file with the certificate and its chain.
    :param key: the PEM file with the private key.
    :param whose: whose certificate it is, for messages.
    :param protocols: what may be spoken over TLS, as ALPN names it; none for whatever it is.
    :raises GitalyError: FAILED_PRECONDITION if they cannot be used.
    """

    _log = Logger()

    def __init__(self, certificate: str, key: str, whose: str = "the HTTPS certificate", protocols: Sequence[bytes] = ()) -> None:
        self._certificate = certificate
        self._key = key
        self._whose = whose
        self._protocols = list(protocols) or None
        self._seen = self._version()
        self._options = self._read()

    def renew(self) -> None:
        """
        Read the files again. Connections that are open keep what they have.

        :raises GitalyError: if they cannot be used; then the old certificate stays in use.
        """
        self._seen = self._version()
        self._options = self._read()

    def renew_if_changed(self) -> None:
        """
        Read the files again if there are others now. What cannot be used leaves the old certificate in use, and is tried again
        when it changes. Blocking.
        """
        version = self._version()
        if version == self._seen:
            return
        try:
            self.renew()
        except GitalyError as error:
            self._seen = version
            self._log.error("{error}: {reason}", error=error.message, reason=error.facts["error"])

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
                acceptableProtocols=self._protocols,
            )
            options.getContext().check_privatekey()
        except (OSError, ValueError, SSL.Error, crypto.Error) as error:
            facts = {"certificate": self._certificate, "error": str(error) or type(error).__name__}
            raise GitalyError(f"{self._whose} cannot be used", Code.FAILED_PRECONDITION, facts) from error
        return options

    def _version(self) -> tuple[int, ...]:
        """
        What tells the files from any later ones; nothing if they are not there.
        """
        try:
            found = [os.stat(path) for path in (self._key, self._certificate)]
        except OSError:
            return ()
        return tuple(number for each in found for number in (each.st_mtime_ns, each.st_ino))


@implementer(IStreamServerEndpoint)
@frozen
class OverTLS:
    """
    An endpoint whose connections speak TLS.
    """

    endpoint: IStreamServerEndpoint
    certificate: RenewableCertificate

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """
        Listen where the endpoint does.
        """
        return self.endpoint.listen(TLSMemoryBIOFactory(self.certificate, False, protocolFactory))
