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

from attrs import frozen

from ...config.address import BACKLOG
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
    :param direct: only plain gRPC is spoken here, so grpcio may listen itself, which is a little cheaper. Not for TLS.
    """

    kind: Kind
    address: str
    certificate: str = ""
    key: str = ""
    direct: bool = False


@frozen
class Bound:
    """
    An address that is listened on.

    :param address: as :attr:`Listen.address`, with the port that was chosen.
    """

    kind: Kind
    address: str


def open_direct(server: Any, listen: Listen) -> Bound:
    """
    Let a server of grpcio's that was not started yet listen on an address.

    :raises GitalyError: UNAVAILABLE if it cannot be had; the message names the address, for the operator.
    """
    if listen.kind is Kind.UNIX:
        make_room(listen.address)
        _port(lambda: server.add_insecure_port(f"unix:{listen.address}"), listen)
        return Bound(listen.kind, listen.address)
    address = f"[::]{listen.address}" if listen.address.startswith(":") else listen.address
    port = _port(lambda: server.add_insecure_port(address), listen)
    return Bound(listen.kind, f"{listen.address.rpartition(':')[0]}:{port}")


def open_sockets(listen: Listen) -> tuple[Bound, list[socket.socket]]:
    """
    Listen on an address: on all that a name stands for, with one port.

    :raises GitalyError: as :func:`open_direct`.
    """
    if listen.kind is Kind.UNIX:
        make_room(listen.address)
        return Bound(listen.kind, listen.address), [_listening(socket.AF_UNIX, listen.address, listen)]
    host, _, port_text = listen.address.rpartition(":")
    port = int(port_text)
    opened: list[socket.socket] = []
    try:
        for family, address in _addresses(host.strip("[]"), port, listen):
            if opened and not port:
                port = opened[0].getsockname()[1]
            opened.append(_listening(family, (address[0], port, *address[2:]), listen))
    except GitalyError:
        for each in opened:
            each.close()
        raise
    return Bound(listen.kind, f"{host}:{opened[0].getsockname()[1]}"), opened


def _addresses(host: str, port: int, listen: Listen) -> list[tuple[int, Any]]:
    if not host and socket.has_dualstack_ipv6():
        return [(socket.AF_INET6, ("::", port))]
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _unavailable(listen.address, str(error)) from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _listening(family: int, address: Any, listen: Listen) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise _unavailable(listen.address, str(error)) from error
    return made


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


def make_room(path: str) -> None:
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
