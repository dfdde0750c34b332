"""
Addresses → channels.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import grpc
from attrs import frozen

from ..errors import GitalyError

OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    # As Gitaly's own client: a ping every 20 s, also without calls.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.lb_policy_name", "round_robin"),
    # What a server answers is as large as it is; Gitaly's lists are cut at 1 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 64 * 1024),
)


@frozen
class Target:
    """
    Where to connect to.

    :param scheme: ``unix``, ``tcp``, ``tls`` or ``dns``.
    :param rest: a path for ``unix``; for ``dns`` what grpcio's resolver takes (``host:port``, ``//server/host:port``); otherwise
        ``host:port``.
    """

    scheme: str
    rest: str

    @property
    def secure(self) -> bool:
        """
        Whether TLS is spoken.
        """
        return self.scheme == "tls"

    @property
    def target(self) -> str:
        """
        As grpcio names it.
        """
        return self.rest if self.scheme in ("tcp", "tls") else f"{self.scheme}:{self.rest}"


def parse_target(address: str) -> Target:
    """
    :param address: ``unix:/path``, ``unix:///path``, ``tcp://host:port``, ``tls://host:port``, ``dns:host:port``,
        ``dns:///host:port``, ``dns://server/host:port``.
    :raises GitalyError: with no code of its own, if it is none of these.
    """
    scheme, colon, rest = address.partition(":")
    if colon and rest and scheme in ("unix", "tcp", "tls", "dns"):
        if scheme == "dns":
            return Target(scheme, rest)
        rest = rest.removeprefix("//")
        if scheme == "unix" and rest:
            return Target(scheme, unquote(rest))
        if scheme in ("tcp", "tls") and ":" in rest and "/" not in rest.rstrip("/"):
            return Target(scheme, rest.rstrip("/"))
    raise GitalyError("invalid address of a Gitaly server", facts={"address": address})


def open_channel(target: Target, roots: bytes | None = None) -> Any:
    """
    A channel; it connects when it is first used. To be made while the loop runs.

    :param roots: PEM of the authorities that may have signed the server's certificate; by default those of this machine
        (``SSL_CERT_FILE``).
    """
    if target.secure:
        credentials = grpc.ssl_channel_credentials(roots if roots is not None else machine_roots())
        return grpc.aio.secure_channel(target.target, credentials, OPTIONS)
    return grpc.aio.insecure_channel(target.target, OPTIONS)


def machine_roots() -> bytes | None:
    """
    The authorities that this machine trusts; ``None`` for those that grpcio brings along.
    """
    found = ssl.get_default_verify_paths().cafile
    return Path(found).read_bytes() if found else None
