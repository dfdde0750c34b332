"""
What the rest of the server may ask of other Gitalys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ..errors import GitalyError
from ..rpc.codes import go_name

if TYPE_CHECKING:
    from ..rpc.call import Call
    from .multiplexed import Talk


class PeerError(GitalyError):
    """
    A call of another Gitaly failed; text, code and typed details are what it answered. A peer that cannot be reached is
    UNAVAILABLE.
    """

    @property
    def described(self) -> str:
        """
        The error as Go prints one that came over gRPC, which is how Gitaly's own texts contain it:
        ``rpc error: code = NotFound desc = repository not found``.
        """
        return f"rpc error: code = {go_name(self.code)} desc = {self.message}"


class IConversation(Interface):
    """
    A call whose messages go one by one.

    It ends by itself after the last reply or with an error; whoever leaves it before that says :func:`cancel`.
    """

    def send(request: Message) -> Awaitable[None]:
        """
        Send a request; done when the transport has taken it.

        :raises PeerError: if the call has failed.
        """

    def finish() -> Awaitable[None]:
        """
        Say that there are no more requests.
        """

    def receive() -> Awaitable[Any]:
        """
        The next reply, or ``None`` after the last.

        :raises PeerError: if the call has failed.
        """

    def cancel() -> None:
        """
        End the call at once. Safe to repeat, and after the end.
        """


class IPeer(Interface):
    """
    Another Gitaly, whose methods can be called.

    A method is named as in ``CommitService/FindCommit``, or with its package if that is another than ``gitaly``. What is returned
    may be cancelled, and cancels the call. The messages are those of :mod:`protocols.gitaly`.
    """

    address: str = Attribute("Where it is, as it was named: ``unix:/path``, ``tcp://host:port`` …")
    token: str = Attribute("The secret that it is shown; empty for none.")

    def unary(method: str, request: Message) -> Awaitable[Any]:
        """
        Make a call with one request and one reply.

        :returns: the reply.
        :raises PeerError: if it fails.
        """

    def replies(method: str, request: Message) -> AsyncIterator[Any]:
        """
        Make a call with one request and many replies, which are read as fast as they are asked for. Leaving the iteration early
        cancels the call once the iterator is closed.

        :raises PeerError: while iterating, if it fails.
        """

    def upload(method: str, requests: AsyncIterator[Message] | Iterable[Message]) -> Awaitable[Any]:
        """
        Make a call with many requests and one reply.

        :returns: the reply.
        :raises PeerError: if it fails.
        """

    def converse(method: str) -> IConversation:
        """
        Begin a call of any kind.
        """

    def talk(method: str, request: Message, talk: Talk) -> Awaitable[Any]:
        """
        Make a call that has a sidechannel, over a connection of its own.

        :param talk: as :meth:`gitaly_tx.client.multiplexed.Multiplexed.call` takes it.
        :returns: the reply.
        :raises PeerError: if it fails; otherwise what ``talk`` raises.
        """


class IPeers(Interface):
    """
    The Gitalys that callers name, with connections that are kept.
    """

    def named(call: Call, storage: str) -> IPeer:
        """
        The Gitaly that the caller's ``gitaly-servers`` names for a storage. Calls of it carry on the metadata of ``call``, its
        correlation id too.

        :raises GitalyError: with no code of its own, and Gitaly's text: ``empty gitaly-servers metadata``, ``failed decoding
            base64: …``, ``failed unmarshalling json: …``, ``storage name not found``; or if the address is none.
        """

    def at(address: str, token: str = "", call: Call | None = None) -> IPeer:
        """
        The Gitaly at an address.

        :param token: the secret to show.
        :param call: whose metadata to carry on.
        :raises GitalyError: with no code of its own, if the address is none.
        """

    def close() -> Deferred[None]:
        """
        Close all connections; calls that go on are cancelled.
        """


__all__ = ["IConversation", "IPeer", "IPeers", "PeerError"]
