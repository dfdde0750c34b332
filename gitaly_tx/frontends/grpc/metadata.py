"""
What comes beside the messages: metadata, deadline, peer → Call.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from twisted.internet.interfaces import IReactorTime

from ...rpc.call import Call, Door, Identity
from ...rpc.interfaces import IExchange
from ...rpc.method import MethodInfo
from .exchange import Context
from .origins import Origins

CORRELATION_KEY: Final = "x-gitlab-correlation-id"
"""Comes in as metadata, and goes out as initial metadata of streams that go on, and as trailing metadata of every call."""

_APPLICATION: Final = Identity()


def call_from(context: Context, method: MethodInfo, exchange: IExchange, clock: IReactorTime, origins: Origins) -> Call:
    """
    Make the call.

    :param clock: the deadline is in its seconds.
    :param origins: knows who is behind it.
    """
    metadata: dict[str, tuple[str | bytes, ...]] = {}
    for key, value in context.invocation_metadata():
        before = metadata.get(key)
        metadata[key] = (value,) if before is None else (*before, value)
    remaining = context.time_remaining()
    peer = context.peer()
    origin = origins.of(peer)
    return Call(
        method=method,
        exchange=exchange,
        door=Door.GRPC,
        identity=_APPLICATION,
        peer=peer_text(peer) if origin is None else origin.text,
        origin=peer,
        metadata=metadata,
        deadline=None if remaining is None else clock.seconds() + remaining,
    )


def peer_text(peer: str) -> str:
    """
    ``ipv4:127.0.0.1:50112`` → ``127.0.0.1:50112``; ``ipv6:%5B::1%5D:50112`` → ``[::1]:50112``; ``unix:…`` → ``unix``, because
    only the listener's own path is known of such a peer.
    """
    kind, _, address = peer.partition(":")
    kind = kind.removesuffix("-abstract")
    if kind == "ipv4":
        return address
    if kind == "ipv6":
        return unquote(address)
    return kind
