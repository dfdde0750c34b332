"""
A call: one use of one method by one caller.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from attrs import Factory, define, field, frozen

from .interfaces import IExchange, IGitBody
from .method import MethodInfo


class Door(enum.Enum):
    """
    How a call came in.
    """

    GRPC = "grpc"
    HTTP = "http"
    SSH = "ssh"


@frozen
class Identity:
    """
    Who makes a call, as far as the door has proved it.

    :param user: the user's name as configured; ``None`` for somebody who did not say.
    :param proof: what proved it, for the log: ``key SHA256:…``, ``token NAME``, ``none``. Never a secret.
    """

    user: str | None = None
    proof: str = "none"

    @property
    def gl_id(self) -> str:
        """
        The identity in GitLab's form, ``username-NAME``: what hooks see as ``GL_ID``.
        """
        return f"username-{self.user or 'anonymous'}"


@define(eq=False)
class Call:
    """
    :param method: what is called.
    :param exchange: where its messages come from and go to.
    :param door: how it came in.
    :param identity: who calls. gRPC callers are applications that act for their users: they are anonymous here and proved by
        their token.
    :param peer: the caller's address, such as ``127.0.0.1:50112``, for the log.
    :param origin: what the door itself calls the connection that the call came over; nobody else can tell anything from it.
    :param metadata: what came beside the request, keys in lower case; keys that end in ``-bin`` have bytes.
    :param deadline: when the caller stops waiting, in the reactor's seconds; ``None`` for never.
    :param correlation_id: what ties together everything that happens because of this call, in every log.
    :param fields: what the access line of this call says beside the usual; whoever learns something adds it. Names as Gitaly's:
        ``grpc.request.repoPath``, ``user_id`` …
    :param body: the byte streams of a git command that came over HTTP or SSH.
    :param bundle: the name of a bundle that the caller wants to begin a fetch with, instead of talking with upload-pack.
    :param may_create: the caller may create the repository that it pushes to, if it is not there.
    :param flags: feature flags that the caller sent along, by their names with underscores.
    :param received: the bytes of git and message traffic that the door took in for this call so far. The door counts.
    :param sent: the bytes that it gave out.
    :param cancelled: the caller does not wait any more; what is raised from then on is a consequence of that.
    """

    method: MethodInfo
    exchange: IExchange
    door: Door
    identity: Identity = Factory(Identity)
    peer: str = ""
    origin: str = ""
    metadata: Mapping[str, tuple[str | bytes, ...]] = field(factory=dict)
    deadline: float | None = None
    correlation_id: str = ""
    fields: dict[str, Any] = field(factory=dict)
    body: IGitBody | None = None
    bundle: str = ""
    may_create: bool = False
    flags: dict[str, bool] = field(factory=dict)
    received: int = 0
    sent: int = 0
    cancelled: bool = False

    @property
    def address(self) -> str:
        """
        The address of whoever made the application call, or else of the caller, without a port; empty if that is this machine, or
        is not known.
        """
        told = self.metadatum("remote_ip") if self.door is Door.GRPC else self.peer
        try:
            address = ip_address(told)
        except ValueError:
            try:
                address = ip_address(told.rpartition(":")[0].strip("[]"))
            except ValueError:
                return ""
        return "" if address.is_loopback else str(address)

    def metadatum(self, key: str) -> str:
        """
        The last value of a metadata key, or an empty string.
        """
        values = self.metadata.get(key, ())
        value = values[-1] if values else ""
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def count_received(self, count: int) -> None:
        """
        The door took in some bytes.
        """
        self.received += count

    def count_sent(self, count: int) -> None:
        """
        The door gave out some bytes.
        """
        self.sent += count
