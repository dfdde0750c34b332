"""
The services that are built, made from their ports, one line each.
"""

from __future__ import annotations

from attrs import frozen

from .git.interfaces import IGit
from .rpc.interfaces import IMethods
from .services.repository.service import RepositoryService
from .services.server.service import ServerService
from .services.smarthttp.service import SmartHTTPService
from .services.ssh.service import SSHService
from .storage.interfaces import IStorageProvider
from .transport.interfaces import ITransport
from .wal.threads import InThread


@frozen
class Ports:
    """
    What services work with.

    :param version: this server's version.
    :param in_thread: where blocking work is done.
    :param signing_key: the file with the key that commits are signed with, if one is configured.
    """

    version: str
    git: IGit
    storage: IStorageProvider
    transport: ITransport
    in_thread: InThread
    signing_key: str | None = None


def services(ports: Ports) -> tuple[IMethods, ...]:
    """
    One object for each service of which at least one method is built.
    """
    return (
        RepositoryService(ports.storage),
        ServerService(ports.version, ports.git, ports.storage.storages, ports.in_thread, ports.signing_key),
        SmartHTTPService(ports.storage, ports.transport),
        SSHService(ports.storage, ports.transport),
    )
