"""
Where a gRPC server listens.
"""

from __future__ import annotations

import os
import socket
import stat
from enum import Enum
from pathlib import Path
from typing import Any

import grpc
from attrs import frozen

from ...errors import Code, GitalyError


class Kind(Enum):
    """
    What kind of address it is.
    """

    TCP = "tcp"
    UNIX = "unix"
    TLS = "tls"


@frozen
class Listen:
    """
    One address to listen on.

    :param address: ``127.0.0.1:8075``, ``[::1]:0``, ``:8075`` for every address of this machine; for :attr:`Kind.UNIX` an
        absolute path without scheme.
    :param certificate: the PEM file with the certificate and its chain; only for TLS. It is read again for new connections when
        it or the key has changed.
    :param key: the PEM file with the private key.
    """

    kind: Kind
    address: str
    certificate: str = ""
    key: str = ""


@frozen
class Bound:
    """
    An address that is listened on.

    :param address: as :attr:`Listen.address`, with the port that was chosen.
    """

    kind: Kind
    address: str


def open_listener(server: Any, listen: Listen) -> Bound:
    """
    Open an address on a server that was not started yet.

    :raises GitalyError: UNAVAILABLE if it cannot be had; the message names the address, for the operator.
    """
    if listen.kind is Kind.UNIX:
        _make_room(listen.address)
        _port(lambda: server.add_insecure_port(f"unix:{listen.address}"), listen)
        return Bound(listen.kind, listen.address)
    address = f"[::]{listen.address}" if listen.address.startswith(":") else listen.address
    if listen.kind is Kind.TLS:
        credentials = _credentials(listen)
        port = _port(lambda: server.add_secure_port(address, credentials), listen)
    else:
        port = _port(lambda: server.add_insecure_port(address), listen)
    return Bound(listen.kind, f"{listen.address.rpartition(':')[0]}:{port}")


def close_listener(bound: Bound) -> None:
    """
    Remove a socket's file, so that clients see at once that nobody is there.
    """
    if bound.kind is Kind.UNIX:
        Path(bound.address).unlink(missing_ok=True)


def _port(add: Any, listen: Listen) -> int:
    try:
        return int(add())
    except RuntimeError as error:
        raise _unavailable(listen.address, str(error)) from error


def _unavailable(address: str, why: str) -> GitalyError:
    return GitalyError(f"cannot listen on {address}", Code.UNAVAILABLE, {"error": why})


def _make_room(path: str) -> None:
    """
    Make the directory, for this user only, and remove the socket of a server that died.
    """
    parent = Path(path).parent
    try:
        if not parent.is_dir():
            parent.mkdir(mode=0o700, parents=True)
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unavailable(path, str(error)) from error
    if not stat.S_ISSOCK(mode):
        raise _unavailable(path, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) == 0:
            raise _unavailable(path, "somebody listens there already")
    os.unlink(path)


class _Certificates:
    """
    The certificate as it is on disk, for each new connection: a renewed one is used without a restart. One that cannot be read
    leaves the one before in use. grpcio calls this in threads of its own.
    """

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._seen = self._version()

    def read(self) -> Any:
        """
        :raises OSError: if a file cannot be read.
        """
        key = Path(self._listen.key).read_bytes()
        chain = Path(self._listen.certificate).read_bytes()
        return grpc.ssl_server_certificate_configuration([(key, chain)])

    def fetch(self) -> Any:
        """
        The new configuration, or ``None`` if nothing has changed.
        """
        try:
            version = self._version()
            if version == self._seen:
                return None
            configuration = self.read()
        except OSError:
            return None
        self._seen = version
        return configuration

    def _version(self) -> tuple[int, int, int, int]:
        key, certificate = os.stat(self._listen.key), os.stat(self._listen.certificate)
        return key.st_mtime_ns, key.st_ino, certificate.st_mtime_ns, certificate.st_ino


def _credentials(listen: Listen) -> Any:
    try:
        certificates = _Certificates(listen)
        return grpc.dynamic_ssl_server_credentials(certificates.read(), certificates.fetch)
    except OSError as error:
        raise _unavailable(listen.address, str(error)) from error
