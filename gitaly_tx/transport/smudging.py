"""
Files in the place of their Git LFS pointers, for a git that writes files out.

git has a filter for that, a program that it starts when it meets the first such file and speaks to from then on
(gitattributes(5), "Long Running Filter Process"). The program here is no more than two ``cat``: they carry the conversation
through two FIFOs to this process, which knows whom to ask for the contents, and how to prove that it may. So no secret leaves it,
and no content waits anywhere.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from zope.interface import Interface

from protocols.git.errors import InvalidPktLine
from protocols.git.lfs import MAXIMUM, Pointer, parse_pointer
from protocols.git.pktline import FLUSH, MAX_PAYLOAD, Packet, PktLineDecoder, Special, data

from ..errors import GitalyError
from ..git.options import ConfigPair
from ..git.pipes import PipeReader, PipeWriter
from ..streams import StreamBroken
from ..wal.threads import InThread

_KEPT: Final = 1 << 20
"""Bytes of a file that waits in memory until git has sent all of it; the rest waits in a file."""

_SUCCESS: Final = data(b"status=success\n") + FLUSH
_ERROR: Final = data(b"status=error\n") + FLUSH

_log = Logger()


class NoContent(GitalyError):
    """
    Whoever keeps the files has none of that name.
    """


class IBlobSource(Interface):
    """
    Keeps the files that pointers stand for.
    """

    def content(gl_repository: str, oid: str) -> AsyncIterator[bytes]:
        """
        :param gl_repository: its name for the repository.
        :param oid: what the pointer says: 64 hexadecimal digits.
        :returns: the content, piece by piece; closing the iterator ends the transfer.
        :raises NoContent: if it has no such file, before the first piece.
        :raises GitalyError: if it cannot be asked, or breaks off.
        """


@define(eq=False)
class Smudging:
    """
    :param reactor: watches the FIFOs.
    :param in_thread: where they are made, and where files wait.
    :param source: ``None`` if nobody keeps such files; then a git that meets one fails.
    """

    _reactor: IReactorFDSet
    _in_thread: InThread
    _source: IBlobSource | None

    @asynccontextmanager
    async def configured(self, gl_repository: str) -> AsyncGenerator[list[ConfigPair], None]:
        """
        :param gl_repository: the source's name for the repository.
        :returns: settings for one git, which get it the filter for as long as the block lasts.
        """
        folder = await self._in_thread(_make)
        reader = writer = None
        talking: Deferred[None] | None = None
        try:
            incoming, outgoing = await self._in_thread(_open, folder)
            reader, writer = PipeReader(self._reactor, incoming), PipeWriter(self._reactor, outgoing)
            filter = _Filter(reader, writer, self._in_thread, self._source, gl_repository)
            talking = Deferred.fromCoroutine(filter.serve())
            talking.addErrback(lambda failure: failure.trap(CancelledError))
            yield [ConfigPair("filter.lfs.process", _program(folder)), ConfigPair("filter.lfs.required", "true")]
        finally:
            if talking is not None:
                talking.cancel()
            if reader is not None and writer is not None:
                reader.abandon()
                writer.abandon()
            await self._in_thread(shutil.rmtree, folder, True)


def _make() -> str:
    """
    A directory that only this user can look into, with the FIFOs.
    """
    folder = tempfile.mkdtemp(prefix="gitaly-lfs-")
    for name in ("to", "from"):
        os.mkfifo(os.path.join(folder, name), 0o600)
    return folder


def _open(folder: str) -> tuple[int, int]:
    incoming = os.open(os.path.join(folder, "to"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # For reading, too: to write alone it cannot be opened before somebody reads.
        return incoming, os.open(os.path.join(folder, "from"), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except BaseException:
        os.close(incoming)
        raise


def _program(folder: str) -> str:
    """
    What git gives to its shell.
    """
    to, back = (shlex.quote(os.path.join(folder, name)) for name in ("to", "from"))
    return f"exec 3<&0; cat <&3 >{to} & exec cat {back}"


@define(eq=False)
class _Filter:
    """
    The filter's side of the conversation.
    """

    _reader: PipeReader
    _writer: PipeWriter
    _in_thread: InThread
    _source: IBlobSource | None
    _gl_repository: str
    _packets: PktLineDecoder = field(factory=PktLineDecoder)

    async def serve(self) -> None:
        """
        Until git says no more.
        """
        try:
            await self._greet()
            while (lines := await self._lines()) is not None:
                await self._file(lines)
        except StreamBroken:
            pass  # git has ended, and its exit status says how
        except (InvalidPktLine, GitalyError) as error:
            _log.error("filter cannot go on: {why}", why=str(error))
        finally:
            # git waits for the filter's end.
            self._writer.close()

    async def _greet(self) -> None:
        if await self._lines() is None:
            return
        await self._writer.write(data(b"git-filter-server\n") + data(b"version=2\n") + FLUSH)
        await self._lines()
        await self._writer.write(data(b"capability=smudge\n") + FLUSH)

    async def _file(self, lines: list[bytes]) -> None:
        if b"command=smudge" not in lines:
            raise GitalyError("unknown command of a filter")
        with tempfile.SpooledTemporaryFile(_KEPT) as given:
            size = 0
            while isinstance(packet := await self._next(), Packet):
                size += len(packet.payload)
                await self._keep(given, packet.payload, size)
            if packet is None:
                raise StreamBroken("git has ended")
            given.seek(0)
            pointer = parse_pointer(given.read(MAXIMUM + 1)) if size <= MAXIMUM else None
            given.seek(0)
            if pointer is None:
                await self._answer(self._pieces(given))
            else:
                await self._fetch(pointer, self._pieces(given))

    async def _keep(self, given: tempfile.SpooledTemporaryFile[bytes], payload: bytes, size: int) -> None:
        if size > _KEPT:
            await self._in_thread(given.write, payload)
        else:
            given.write(payload)

    async def _pieces(self, given: tempfile.SpooledTemporaryFile[bytes]) -> AsyncGenerator[bytes, None]:
        while piece := await self._in_thread(given.read, MAX_PAYLOAD):
            yield piece

    async def _fetch(self, pointer: Pointer, itself: AsyncGenerator[bytes, None]) -> None:
        """
        The file that a pointer stands for; the pointer itself if there is no such file.
        """
        if self._source is None:
            _log.error("there is no application to ask for LFS files")
            await self._writer.write(_ERROR)
            return
        try:
            async with aclosing(_opened(self._source.content(self._gl_repository, pointer.oid.decode("ascii")))) as content:
                first = await anext(content, b"")
                await self._answer(_after(first, content))
        except NoContent:
            await self._answer(itself)
        except _Failed:
            pass  # git has been told
        except GitalyError as error:
            _log.error("LFS file cannot be had: {why}", why=error.message, **error.facts)
            await self._writer.write(_ERROR)

    async def _answer(self, content: AsyncIterator[bytes]) -> None:
        """
        :raises _Failed: if the content breaks off.
        """
        await self._writer.write(_SUCCESS)
        try:
            async for piece in content:
                for start in range(0, len(piece), MAX_PAYLOAD):
                    await self._writer.write(data(piece[start : start + MAX_PAYLOAD]))
        except GitalyError as error:
            _log.error("LFS file breaks off: {why}", why=error.message)
            await self._writer.write(FLUSH + _ERROR)
            raise _Failed from error
        await self._writer.write(FLUSH + FLUSH)

    async def _lines(self) -> list[bytes] | None:
        """
        What comes before the next flush; ``None`` at the end of it all.
        """
        lines: list[bytes] = []
        while isinstance(packet := await self._next(), Packet):
            lines.append(packet.line)
        return None if packet is None else lines

    async def _next(self) -> Packet | Special | None:
        while (packet := self._packets.read()) is None:
            received = await self._reader.read()
            if not received:
                return None
            self._packets.feed(received)
        return packet


class _Failed(Exception):
    pass


async def _opened(content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """
    The same as a generator, that ends with it.
    """
    try:
        async for piece in content:
            yield piece
    finally:
        close = getattr(content, "aclose", None)
        if close is not None:
            await close()


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece


__all__ = ["IBlobSource", "NoContent", "Smudging"]
