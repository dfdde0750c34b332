"""
What the doors, the middlewares and the services agree on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from ..streams import IByteSink, IByteSource
    from .call import Call

Proceed = Callable[[], Awaitable[None]]


class IExchange(Interface):
    """
    The messages of one call: requests in, replies out. A unary side is a stream of one.
    """

    def receive() -> Awaitable[Message | None]:
        """
        The next request, or ``None`` once the caller has half-closed (and from then on).

        :raises StreamBroken: if the caller went away.
        """

    def send(reply: Message) -> Awaitable[None]:
        """
        Send a reply; done as soon as the caller's side can take more.

        :raises StreamBroken: if the caller went away.
        """


class IGitBody(Interface):
    """
    The byte streams of a git command, where the door has them as such.

    HTTP and SSH hand these along with their call of ``PostUploadPack``, ``PostReceivePack``, ``SSHUploadPack``,
    ``SSHReceivePack`` or ``SSHUploadArchive``, so that pack bytes are never wrapped into messages inside the process. A call that
    came over gRPC has none: there the bytes are in the messages. Requests after the first, and replies that carry bytes, are not
    sent on the exchange when a call has a body; an exit status still is.
    """

    source: IByteSource = Attribute("What the client sends.")
    stdout: IByteSink = Attribute("What the command answers; an ISpliceSink where the wire allows it.")
    stderr: IByteSink = Attribute("What the command tells the user aside (dropped by HTTP).")


class ISidechannel(Interface):
    """
    A way for bytes beside the messages of a call.
    """

    source: IByteSource = Attribute("What the caller sends, up to its saying that this was all.")
    sink: IByteSink = Attribute("What the caller is sent.")
    lost: Deferred[None] = Attribute("Fires, once, when the caller breaks it off.")

    def close() -> None:
        """
        Say that nothing more is sent. Safe to repeat, and after the caller has gone.
        """


class ISidechannels(Interface):
    """
    Sidechannels back to those who call.
    """

    def open(call: Call) -> Awaitable[ISidechannel]:
        """
        Open the sidechannel that a call names.

        :raises GitalyError: with no code of its own, and Gitaly's text (``sidechannel: …``), if there is none to be had.
        """


class IMiddleware(Interface):
    """
    Something that every call passes through, inwards and outwards again.
    """

    def __call__(call: Call, proceed: Proceed) -> Awaitable[None]:
        """
        Let the call pass, or raise. One that has nothing to do afterwards is no coroutine function but returns what ``proceed``
        does: each coroutine of a call is passed through whenever it goes on.

        :param call: the call; its exchange may be replaced by one that wraps it.
        :param proceed: goes on with the next middleware, and in the end with the method. Awaited at most once.
        :raises GitalyError: to refuse the call.
        """


class IMethods(Interface):
    """
    The methods of one gRPC service, by their names in the ``.proto`` file.

    A method is an attribute with that name. What is called depends on its stream kinds:

    - unary → unary: ``async def Method(call, request) -> reply``
    - unary → stream: ``async def Method(call, request)`` that yields replies (an async generator)
    - stream → unary: ``async def Method(call, requests) -> reply``
    - stream → stream: ``async def Method(call, requests)`` that yields replies

    where ``requests`` is an async iterator. A method that the object lacks is answered with UNIMPLEMENTED.
    """

    service: str = Attribute("The service's full name, such as ``gitaly.RefService``.")


class IDispatcher(Interface):
    """
    Runs calls.
    """

    def dispatch(call: Call) -> Deferred[None]:
        """
        Run a call to its end: through all middlewares, and the method.

        :returns: fires once all replies are sent, or fails with a :class:`~gitaly_tx.errors.GitalyError` and nothing else.
            Cancelling it cancels what the method is waiting for, so that its children are gone within a second.
        """

    def method(path: str) -> Any:
        """
        :param path: ``/gitaly.RefService/RefExists``
        :returns: the :class:`~gitaly_tx.rpc.method.MethodInfo`.
        :raises KeyError: if there is no such method.
        """
