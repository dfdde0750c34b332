"""
What must be true of the addresses that the server listens on: above all, that none is open to the world by accident.
"""

from __future__ import annotations

import os

from .address import Address
from .lines import KeyPath
from .model import Config
from .problems import Findings

GRPC = (("listen_addr",), ("tls_listen_addr",), ("grpc", "direct_listen_addr"))
"""The keys of listeners that only the token protects."""

GRPC_CURE = "set auth.token, listen on 127.0.0.1, or take the risk with --insecure"
GIT_CURE = "add a [[user]] or a [[rule]], listen on 127.0.0.1, or take the risk with --insecure"


def check_listeners(config: Config, findings: Findings) -> None:
    """
    Note listeners that are in each other's way, that lack a certificate, or that anybody could use.
    """
    named = listeners(config)
    if not named and not config.socket_path:
        findings.error((), "the server listens nowhere", "name a listener, such as listen_addr or [http]")
    _check_clashes(named, findings)
    _check_certificates(config, findings)
    check_open(config, findings)


def listeners(config: Config) -> list[tuple[KeyPath, Address]]:
    """
    All TCP listeners, by their keys.
    """
    found = [
        (("listen_addr",), config.listen_addr),
        (("tls_listen_addr",), config.tls_listen_addr),
        (("grpc", "direct_listen_addr"), config.grpc.direct_listen_addr),
        (("http", "listen_addr"), config.http.listen_addr if config.http else None),
        (("ssh", "listen_addr"), config.ssh.listen_addr if config.ssh else None),
        (("prometheus_listen_addr",), config.prometheus_listen_addr),
    ]
    return [(at, address) for at, address in found if address is not None]


def _check_clashes(named: list[tuple[KeyPath, Address]], findings: Findings) -> None:
    for number, (at, address) in enumerate(named):
        for other_at, other in named[:number]:
            if address.port and address.port == other.port and _overlap(address.host, other.host):
                other_key = ".".join(str(part) for part in other_at)
                findings.error(at, f"{address} is taken by {other_key}", "give each listener a port of its own")


def _overlap(one: str, other: str) -> bool:
    for host, against in ((one, other), (other, one)):
        if host == "::" or (host in ("", "0.0.0.0") and ":" not in against):
            return True
    return one == other or {one, other} == {"localhost", "127.0.0.1"}


def _check_certificates(config: Config, findings: Findings) -> None:
    if config.tls_listen_addr is not None:
        for name in ("certificate_path", "key_path"):
            if not getattr(config.tls, name):
                findings.error(("tls", name), "tls_listen_addr needs it", "write the path of a PEM file")
    _check_files(("tls",), config.tls.certificate_path, config.tls.key_path, findings)
    if config.http is None:
        return
    if bool(config.http.certificate_path) != bool(config.http.key_path):
        name = "key_path" if config.http.certificate_path else "certificate_path"
        findings.error(("http", name), "a certificate and its key go together", "write both, or none")
    _check_files(("http",), config.http.certificate_path, config.http.key_path, findings)


def _check_files(at: KeyPath, certificate: str, key: str, findings: Findings) -> None:
    for name, path in (("certificate_path", certificate), ("key_path", key)):
        if path and not os.access(path, os.R_OK):
            findings.error((*at, name), f"{path} cannot be read", "write the path of a PEM file that the server's user may read")


def check_open(config: Config, findings: Findings) -> None:
    """
    Note listeners that anybody could use who reaches them.

    gRPC callers are trusted with everything, so users and rules do not protect that door: only the token does.
    """
    if config.insecure:
        return
    for at, address in listeners(config):
        if address.loopback or at == ("prometheus_listen_addr",):
            continue
        if at in GRPC:
            if not config.auth.token:
                findings.error(at, f"anybody who reaches {address} could do everything", GRPC_CURE)
            elif config.auth.transitioning:
                what = f"auth.transitioning lets anybody who reaches {address} do everything"
                findings.warning(at, what, "remove auth.transitioning as soon as all clients send the token")
        elif config.open_access:
            findings.error(at, f"anybody who reaches {address} could read and write everything", GIT_CURE)


__all__ = ["check_listeners", "check_open", "listeners"]
