"""
Files in a merged tree, with their conflicts marked.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from ...errors import Code, GitalyError
from ...git.interfaces import IChild
from ...streams import StreamBroken
from ..spool import Spool

_LONGEST: Final = 1 << 20
"""Bytes of the line before a content."""


class Contents:
    """
    Asks a ``git cat-file --batch -z`` for one file after the other.
    """

    def __init__(self, child: IChild) -> None:
        self._child = child
        self._rest = b""

    async def find(self, revision: bytes) -> int | None:
        """
        Begin with a file.

        :param revision: ``<tree>:<path>``.
        :returns: the size of its content, which has to be read before the next is asked for; ``None`` if there is none.
        """
        missing = revision + b" missing\n"
        try:
            await self._child.stdin.write(revision + b"\0")
        except StreamBroken as error:
            raise GitalyError("reading conflict file: git ended", Code.INTERNAL) from error
        # A path may hold a newline, so what is said of a missing one is longer than a line.
        while missing.startswith(self._rest) and self._rest != missing:
            await self._more()
        if self._rest.startswith(missing):
            self._rest = self._rest[len(missing) :]
            return None
        while b"\n" not in self._rest:
            await self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        words = line.split(b" ")
        if len(words) != 3 or not words[2].isdigit():
            raise GitalyError("reading conflict file: unexpected output of git", Code.INTERNAL, {"output": line})
        return int(words[2])

    async def read(self, size: int) -> AsyncGenerator[bytes, None]:
        """
        The content that was found, in pieces.
        """
        while size > 0:
            if not self._rest:
                await self._more()
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield piece
        while not self._rest:
            await self._more()
        self._rest = self._rest[1:]

    async def _more(self) -> None:
        data = await self._child.stdout.read()
        if not data or len(self._rest) > _LONGEST:
            raise GitalyError("reading conflict file: git ended", Code.INTERNAL)
        self._rest += data


class Labels:
    """
    Puts paths in the place of the ids that git writes beside conflict markers.

    :param labels: what stands for what; all ids have the same length.
    """

    def __init__(self, labels: dict[bytes, bytes]) -> None:
        self._labels = labels
        self._pattern = re.compile(b"|".join(map(re.escape, labels)))
        self._held = max(map(len, labels)) - 1
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """
        The next of the text, as far as no id can begin in it that goes on.
        """
        data = self._rest + data
        end = 0
        found: list[bytes] = []
        for match in self._pattern.finditer(data):
            found += (data[end : match.start()], self._labels[match[0]])
            end = match.end()
        cut = max(end, len(data) - self._held)
        self._rest = data[cut:]
        return b"".join((*found, data[end:cut]))

    def end(self) -> bytes:
        """
        The rest of the text.
        """
        rest, self._rest = self._rest, b""
        return rest


async def copy(contents: Contents, size: int, labels: Labels, spool: Spool) -> None:
    """
    Read a content as it is to be sent.

    :param spool: where it goes.
    :raises GitalyError: FAILED_PRECONDITION ``unsupported encoding`` if it is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    async with aclosing(contents.read(size)) as pieces:
        async for piece in pieces:
            _check(decoder, piece)
            await spool.append(labels.feed(piece))
    _check(decoder, b"", True)
    await spool.append(labels.end())


def _check(decoder: codecs.IncrementalDecoder, data: bytes, final: bool = False) -> None:
    try:
        decoder.decode(data, final)
    except UnicodeDecodeError as error:
        raise GitalyError("unsupported encoding", Code.FAILED_PRECONDITION) from error


__all__ = ["Contents", "Labels", "copy"]
