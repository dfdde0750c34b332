"""
The front ends, made from the configuration.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.endpoints import serverFromString

from ..auth.interfaces import Attempted
from ..auth.reload import Authority
from ..config.model import Config
from ..frontends.grpc.listening import Kind, Listen
from ..frontends.http.channel import Patience
from ..frontends.http.exchange import Door80, Rejected, Resolve
from ..frontends.http.service import HTTPService
from ..frontends.monitoring.resources import MonitoringSite
from ..frontends.monitoring.service import MonitoringService
from ..frontends.ssh.commands import Commands
from ..frontends.ssh.service import SSHService
from ..frontends.tls import OverTLS, RenewableCertificate
from ..git.options import ConfigPair
from ..rpc.interfaces import IDispatcher


@frozen
class Behind:
    """
    What stands behind every door.

    :param dispatcher: runs the calls.
    :param resolve: finds the repository that a path in a clone URL names.
    :param authority: who is known, and what they may do.
    :param attempted: given a protocol's name, makes who is told of attempts to prove who one is.
    :param rejected: told of those who are turned away before they make a call.
    :param certificate: of the HTTPS listener, if it is one.
    :param grace: seconds that work in flight gets when the server goes down.
    """

    dispatcher: IDispatcher
    resolve: Resolve
    authority: Authority
    attempted: Callable[[str], Attempted]
    rejected: Rejected
    certificate: RenewableCertificate | None
    grace: float


def https_certificate(config: Config) -> RenewableCertificate | None:
    """
    The certificate of the HTTPS listener, if it is one.

    :raises GitalyError: if it cannot be used.
    """
    table = config.http
    if table is None or not table.certificate_path:
        return None
    return RenewableCertificate(table.certificate_path, table.key_path)


def git_settings(config: Config) -> list[ConfigPair]:
    """
    The operator's settings for git.
    """
    return [ConfigPair(setting.key, setting.value) for setting in config.git.config]


def hook_directories(config: Config) -> tuple[str, ...]:
    """
    Where hooks for all repositories are.
    """
    return (config.hooks.custom_hooks_dir,) if config.hooks.custom_hooks_dir else ()


def grpc_listens(config: Config, runtime_dir: str) -> list[Listen]:
    """
    The addresses for gRPC. The internal socket, over which helpers call back, is one of them.
    """
    listens = [Listen(Kind.UNIX, os.path.join(runtime_dir, "sock.d", "intern"), direct=True)]
    if config.socket_path:
        listens.append(Listen(Kind.UNIX, config.socket_path))
    if config.listen_addr is not None:
        listens.append(Listen(Kind.TCP, str(config.listen_addr)))
    if config.grpc.direct_listen_addr is not None:
        listens.append(Listen(Kind.TCP, str(config.grpc.direct_listen_addr), direct=True))
    if config.tls_listen_addr is not None:
        tls = config.tls
        listens.append(Listen(Kind.TLS, str(config.tls_listen_addr), tls.certificate_path, tls.key_path))
    return listens


def http(reactor: Any, config: Config, behind: Behind) -> HTTPService | None:
    """
    git over HTTP, if it is configured.
    """
    table = config.http
    if table is None or table.listen_addr is None:
        return None
    endpoint = serverFromString(reactor, table.listen_addr.endpoint)
    if behind.certificate is not None:
        endpoint = OverTLS(endpoint, behind.certificate)
    patience = Patience(headers=table.header_timeout, idle=table.idle_timeout, rate=table.minimum_rate)
    door = Door80(behind.dispatcher, behind.resolve, behind.authority, behind.attempted("http"), behind.rejected)
    return HTTPService(reactor, endpoint, door, patience, behind.grace)


def ssh(reactor: Any, config: Config, behind: Behind) -> SSHService | None:
    """
    git over SSH, if it is configured.
    """
    table = config.ssh
    if table is None or table.listen_addr is None:
        return None
    return SSHService(
        reactor,
        serverFromString(reactor, table.listen_addr.endpoint),
        Commands(behind.dispatcher, behind.resolve, behind.authority),
        behind.authority,
        table.host_key_path,
        lambda: behind.authority.open_access,
        lambda: behind.authority.anyone_may,
        login_grace=table.login_grace_time,
        attempts=table.max_auth_tries,
        attempted=behind.attempted("ssh"),
        grace=behind.grace,
    )


def monitoring(reactor: Any, config: Config, site: MonitoringSite) -> MonitoringService | None:
    """
    Metrics and readiness, if they are configured.
    """
    if config.prometheus_listen_addr is None:
        return None
    return MonitoringService(serverFromString(reactor, config.prometheus_listen_addr.endpoint), site)
