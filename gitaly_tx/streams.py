"""
Bytes on their way through the server: where they come from and where they go, with back-pressure both ways.

A clone or a push may be gigabytes, so no stream is ever collected: a reader asks for the next piece, a writer waits until the
piece was taken. Everything here is awaited by coroutines that run under ``Deferred.fromCoroutine``.
"""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Attribute, Interface

PIECE = 256 * 1024
"""The most bytes that a source hands out at once, and that a sink should be given at once."""


class StreamBroken(Exception):
    """
    The other side went away before the stream's end: a client that disconnected, a body that broke off.
    """


class IByteSource(Interface):
    """
    Bytes that come in.
    """

    def read() -> Awaitable[bytes]:
        """
        The next piece, as soon as there is one: 1 to :data:`PIECE` bytes, or ``b""`` at the end (and from then on).

        Only one read is under way at a time. Cancelling it loses no bytes.

        :raises StreamBroken: if the stream ended without its proper end.
        """


class IByteSink(Interface):
    """
    Bytes that go out, in the order of the writes.
    """

    def write(data: bytes) -> Awaitable[None]:
        """
        Send ``data``.

        :returns: done as soon as the sink can take more; ``data`` may still be on its way then.
        :raises StreamBroken: if nobody will receive it.
        """


class ISpliceSink(IByteSink):
    """
    A sink that can take bytes straight out of a pipe, without their entering Python.
    """

    spliced: int = Attribute("How many bytes came that way so far.")

    def splice(pipe: int) -> Awaitable[int]:
        """
        Send everything that comes out of a pipe until its writing end is closed.

        The caller keeps the descriptor, which is non-blocking, and closes it afterwards; nobody else reads it meanwhile.
        Cancelling stops at a place where the sink can still be written to or closed.

        :param pipe: the pipe's reading end.
        :returns: the number of bytes sent.
        :raises StreamBroken: if nobody will receive them.
        """
