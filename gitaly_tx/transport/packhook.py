"""
How git's upload-pack lets somebody else make its pack, without a helper program.

``uploadpack.packObjectsHook`` is what upload-pack runs in the place of ``pack-objects``, with a shell. Two pipes of ours go
through upload-pack down to that shell. It tells us over the first what it was asked for: how many words, the words, what was on
standard input, each ended by a NUL. Then it makes the pack itself, of the list that it gets back over the second, unless it was
killed before: then the pack is sent by us, and upload-pack is not needed any more. If the pipes cannot be used, it makes the pack
as if we were not there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from attrs import frozen
from twisted.internet.interfaces import IReactorFDSet

from ..errors import GitalyError
from ..git.options import ConfigPair
from ..git.pipes import PipeReader, PipeWriter
from .objectlist import ObjectList

MOST_WORDS = 1000
"""Words of a command line, and as many KiB in them: upload-pack's are a dozen."""

_SCRIPT = (
    "h() { if { true >/dev/fd/%(asking)d; } 2>/dev/null; then"
    ' { printf "%%s\\0" "$#" "$@" && cat && printf "\\0"; } >/dev/fd/%(asking)d && exec "$@" </dev/fd/%(answer)d;'
    ' else exec "$@"; fi; }; h'
)


class BadRequest(GitalyError):
    """
    What came over the pipe is not what the hook writes.
    """

    def __init__(self) -> None:
        super().__init__("pack-objects hook: malformed request")


@frozen
class Asked:
    """
    What upload-pack asks for.

    :param words: its command line: ``git``, ``pack-objects``, flags.
    :param objects: what goes to its standard input. Whoever has this closes it.
    """

    words: Sequence[bytes]
    objects: ObjectList


class PackHook:
    """
    The pipes for one upload-pack. :func:`close` ends it, whatever happened.
    """

    def __init__(self, reactor: IReactorFDSet) -> None:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            given, giving = os.pipe2(os.O_CLOEXEC)
        except OSError:
            os.close(ours)
            os.close(theirs)
            raise
        self._theirs: list[int] = [theirs, given]
        self._asking = PipeReader(reactor, ours)
        self._answer = PipeWriter(reactor, giving)

    @property
    def descriptors(self) -> Sequence[int]:
        """
        What upload-pack inherits.
        """
        return tuple(self._theirs)

    def config(self) -> ConfigPair:
        """
        The setting that makes upload-pack ask.
        """
        asking, answer = self._theirs
        return ConfigPair("uploadpack.packObjectsHook", _SCRIPT % {"asking": asking, "answer": answer})

    def started(self) -> None:
        """
        Upload-pack runs, or does not: it has its ends of the pipes, and we do not need them. Safe to repeat.
        """
        theirs, self._theirs = self._theirs, []
        for descriptor in theirs:
            os.close(descriptor)

    async def asked(self, objects: ObjectList) -> Asked | None:
        """
        Wait until upload-pack wants a pack.

        :param objects: an empty one, to be filled.
        :returns: what it wants; ``None`` if it has ended without wanting any.
        :raises BadRequest: for what no hook of ours writes.
        """
        data = await self._asking.read()
        if not data:
            return None
        words: list[bytes] | None = None
        while words is None:
            words, rest = _words(data)
            if words is None:
                data += await self._more()
        while not rest.endswith(b"\0"):
            await objects.add(rest)
            rest = await self._more()
        await objects.add(rest[:-1])
        return Asked(words, objects)

    async def let_go(self, objects: ObjectList) -> None:
        """
        Let the hook make the pack itself.
        """
        async for piece in objects.pieces():
            await self._answer.write(piece)
        self._answer.close()

    def close(self) -> None:
        """
        Let go of the pipes. Safe to repeat.
        """
        self.started()
        self._asking.abandon()
        self._answer.abandon()

    async def _more(self) -> bytes:
        data = await self._asking.read()
        if not data:
            raise BadRequest()
        return data


def _words(data: bytes) -> tuple[list[bytes] | None, bytes]:
    """
    :returns: the words, if they are complete, and what comes behind them.
    """
    number, nul, rest = data.partition(b"\0")
    if len(data) > MOST_WORDS * 1024 or (nul and not (number.isdigit() and int(number) <= MOST_WORDS)):
        raise BadRequest()
    if not nul:
        return None, b""
    *words, rest = rest.split(b"\0", int(number))
    return (words, rest) if len(words) == int(number) else (None, b"")
