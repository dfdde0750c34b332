"""
Contents of files on their way into a quarantine: small ones wait in memory for the one turn in which everything is written, large
ones are written as they come.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from attrs import frozen

from ...errors import GitalyError
from ...git.conversions import conversion_of
from ...git.interfaces import IObjects
from ...git.objectid import ObjectID
from ...git.textconversion import Conversion, Statistics, converted, may_change
from ...storage.interfaces import IRepository, IStaging
from ...wal.threads import InThread
from ..spool import Spool

_WAITING: Final = 1 << 20
"""The most bytes that wait in memory, of all files of a call together."""

_INLINE: Final = 256 << 10
"""Bytes that are decoded in the reactor's thread, which takes well under a millisecond."""


@frozen
class Waiting:
    """
    A content in memory.
    """

    path: bytes
    data: bytes


class Base64:
    """
    Decodes base64 (RFC 4648) that comes in pieces; line ends in it do not count.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def feed(self, data: bytes) -> bytes:
        """
        The bytes that are complete.

        :raises GitalyError: without a code, if that is no base64.
        """
        data = self._rest + data.translate(None, b"\r\n")
        whole = len(data) // 4 * 4
        data, self._rest = data[:whole], data[whole:]
        if self._padded and (data or self._rest):
            raise _no_base64()
        self._padded = data.endswith(b"=") or self._padded
        try:
            return binascii.a2b_base64(data, strict_mode=True)
        except binascii.Error as error:
            raise _no_base64() from error

    def end(self) -> None:
        """
        That was all.

        :raises GitalyError: without a code, if it is not complete.
        """
        if self._rest:
            raise _no_base64()


class Content:
    """
    One file's content, while it comes in.

    :param base64: it is written in base64.
    :ivar may_change: it matters which attributes the file has.
    """

    def __init__(self, in_thread: InThread, base64: bool) -> None:
        self._in_thread = in_thread
        self._base64 = Base64() if base64 else None
        self._end = b""
        self.may_change = False
        self.spool = Spool(in_thread)

    async def append(self, data: bytes) -> None:
        """
        Some more of it.

        :raises GitalyError: if that is no base64.
        """
        if self._base64 is not None:
            decode = self._base64.feed
            data = decode(data) if len(data) <= _INLINE else await self._in_thread(decode, data)
        self.may_change = self.may_change or may_change(self._end + data)
        self._end = data[-2:]
        await self.spool.append(data)

    def end(self) -> None:
        """
        That was all.

        :raises GitalyError: if that is no base64.
        """
        if self._base64 is not None:
            self._base64.end()


class Contents:
    """
    Makes blobs of contents, converted as git does when a file is added: by ``info/attributes``, and ``.gitattributes`` at HEAD.
    """

    def __init__(self, in_thread: InThread, repository: IRepository, staging: IStaging) -> None:
        self._in_thread = in_thread
        self._repository = repository
        self._staging = staging
        self._waiting = 0

    async def take(self, path: bytes, content: Content) -> Waiting | ObjectID:
        """
        A file's content is complete.

        :returns: what :meth:`write` takes, or the blob if that is there already.
        """
        held = content.spool.held(_WAITING - self._waiting)
        if held is not None:
            self._waiting += len(held)
            return Waiting(path, held)
        how = Conversion()
        if content.may_change:
            how = await self._repository.look(partial(self._conversion, path, await self._head()))
        return await self._in_thread(self._write, how, content.spool.pieces_blocking)

    async def attributes(self, contents: Iterable[Waiting]) -> ObjectID | None:
        """
        The commit whose attributes count for some contents; ``None`` if none is needed, or there is none.
        """
        return await self._head() if any(may_change(content.data) for content in contents) else None

    def write(self, objects: IObjects, head: ObjectID | None, content: Waiting) -> ObjectID:
        """
        Make a blob. It blocks.

        :param head: as :meth:`attributes` says.
        """
        how = self._conversion(content.path, head, objects) if may_change(content.data) else Conversion()
        return self._write(how, lambda: (content.data,))

    async def _head(self) -> ObjectID | None:
        head = await self._repository.ref(b"HEAD")
        return None if head is None else head.target

    def _conversion(self, path: bytes, head: ObjectID | None, objects: IObjects) -> Conversion:
        repository = self._repository
        return conversion_of(path, objects, repository.directory, repository.object_format, head)

    def _write(self, how: Conversion, pieces: Callable[[], Iterable[bytes]]) -> ObjectID:
        statistics = Statistics()
        for piece in pieces():
            statistics.feed(piece)
        ends = statistics.taken_out(how.ends)
        if how.ident:
            data = b"".join(converted(pieces(), ends, True))
            return self._staging.write_blocking(b"blob", len(data), [data])
        return self._staging.write_blocking(b"blob", statistics.size_without(ends), converted(pieces(), ends, False))


def _no_base64() -> GitalyError:
    return GitalyError("illegal base64 data")
