"""
Streams that are made once and read by many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


class IStream(Interface):
    """
    The bytes of one key, as far as they are made. Whoever got it from :func:`IStreamCache.join` has to :func:`leave` it.

    The bytes are in a file that has no name: whoever makes them never waits for a reader, and a reader that is slow keeps nobody
    from ending.
    """

    fd: int = Attribute("The file's descriptor, to read with ``pread`` or ``splice``. It is the stream's, and closed with it.")
    size: int = Attribute("How many bytes there are by now.")
    notes: bytes = Attribute("What whoever makes it has to say aside, so far; at most the last of it is kept.")
    noted: int = Attribute("How many bytes were said aside in all.")
    ended: bool = Attribute("All bytes are there.")

    def changed(size: int, noted: int, seconds: float) -> Deferred[bool]:
        """
        Wait for more bytes, for more words, or for the end.

        :param size: how many bytes the reader knows of.
        :param noted: the same for what was said aside.
        :param seconds: for how long to wait.
        :returns: fires with whether there is anything new; fails with what went wrong, if the stream could not be made.
        """

    def leave() -> Deferred[None]:
        """
        Say that this reader reads no more. Each reader leaves once.

        :returns: fires as soon as nothing is made any more that nobody reads.
        """


class IGrowing(Interface):
    """
    A stream, for whoever makes it.
    """

    fd: int = Attribute("Where the bytes go.")

    def note(text: bytes) -> None:
        """
        Say something aside.
        """


Produce: TypeAlias = Callable[[IGrowing], Coroutine[Any, Any, None]]
"""
Makes a stream. It is called, if at all, before anything is awaited; what it returns begins to run when there is a file, or is
closed without having run. It is cancelled when no reader is left before it has ended.
"""


class IStreamCache(Interface):
    """
    Keeps streams for a while.
    """

    def join(key: bytes, produce: Produce) -> Awaitable[IStream | None]:
        """
        Read a stream.

        :param key: all that its bytes depend on.
        :param produce: makes it, if nobody does or did.
        :returns: the stream, or ``None`` if this one is not worth keeping, or cannot be kept now.
        """


__all__ = ["IGrowing", "IStream", "IStreamCache", "Produce"]
