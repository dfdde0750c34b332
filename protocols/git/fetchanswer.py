"""
A fetch of v2 as its client sees it: one request for each round, and what the server answers
(https://git-scm.com/docs/protocol-v2#_fetch).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TypeAlias

from attrs import frozen

from . import pktline
from .errors import MissingBand, RemoteError, UnexpectedPacket, UnknownBand
from .pktline import Packet, PktLineDecoder, Special
from .sideband import BAND_DATA, BAND_ERROR, BAND_PROGRESS


def encode_round(wants: Iterable[bytes], haves: Iterable[bytes], object_format: bytes, *, done: bool) -> bytes:
    """
    :param wants: ids of what is wanted; the same in every round.
    :param haves: ids of what is there: those that the server knew in earlier rounds, and new ones.
    :param object_format: ``sha1`` or ``sha256``.
    :param done: the server shall send the pack now, whatever it knows.
    """
    lines = [b"thin-pack", b"ofs-delta", b"no-progress"]
    lines += [b"want " + oid for oid in wants]
    lines += [b"have " + oid for oid in haves]
    if done:
        lines.append(b"done")
    parts = [b"command=fetch\n", b"object-format=" + object_format]
    return b"".join(
        (
            *map(pktline.data, parts),
            pktline.DELIM,
            *(pktline.data(line + b"\n") for line in lines),
            pktline.FLUSH,
        )
    )


@frozen
class Acknowledged:
    """
    The server has this, too.
    """

    oid: bytes


@frozen
class RoundEnd:
    """
    The server wants to hear more.
    """


@frozen
class PackData:
    """
    A piece of the pack.
    """

    data: bytes


@frozen
class PackEnd:
    """
    The pack is complete.
    """


AnswerEvent: TypeAlias = Acknowledged | RoundEnd | PackData | PackEnd


class _Section(enum.Enum):
    NONE = b""
    ACKNOWLEDGMENTS = b"acknowledgments"
    PACKFILE = b"packfile"
    OTHER = b"other"


class FetchAnswerDecoder:
    """
    Takes what the server sends after its capabilities, however it is cut; one answer after the other.
    """

    def __init__(self) -> None:
        self._packets = PktLineDecoder()
        self._section = _Section.NONE

    def receive(self, data: bytes) -> list[AnswerEvent]:
        """
        :raises GitProtocolError: if this is no such answer, or the server says that it cannot serve. The error is final.
        """
        self._packets.feed(data)
        events: list[AnswerEvent] = []
        while (packet := self._packets.read()) is not None:
            events += self._marked(packet) if isinstance(packet, Special) else self._packet(packet)
        return events

    def _marked(self, mark: Special) -> list[AnswerEvent]:
        section, self._section = self._section, _Section.NONE
        if mark is Special.DELIM and section in (_Section.ACKNOWLEDGMENTS, _Section.OTHER):
            return []
        if mark is not Special.FLUSH or section is _Section.NONE:
            raise UnexpectedPacket(mark.value)
        return [PackEnd() if section is _Section.PACKFILE else RoundEnd()]

    def _packet(self, packet: Packet) -> list[AnswerEvent]:
        if self._section is _Section.PACKFILE:
            return _banded(packet.payload)
        line = packet.line
        if line.startswith(b"ERR "):
            raise RemoteError(line[4:])
        if self._section is _Section.NONE:
            known = line in (_Section.ACKNOWLEDGMENTS.value, _Section.PACKFILE.value)
            self._section = _Section(line) if known else _Section.OTHER
        elif self._section is _Section.ACKNOWLEDGMENTS:
            word, _, oid = line.partition(b" ")
            if word == b"ACK":
                return [Acknowledged(oid)]
            if line not in (b"NAK", b"ready"):
                raise UnexpectedPacket(line)
        return []


def _banded(payload: bytes) -> list[AnswerEvent]:
    if not payload:
        raise MissingBand()
    band, data = payload[0], payload[1:]
    if band == BAND_ERROR:
        raise RemoteError(data.rstrip())
    if band not in (BAND_DATA, BAND_PROGRESS):
        raise UnknownBand(band)
    return [PackData(data)] if band == BAND_DATA and data else []


__all__ = ["Acknowledged", "AnswerEvent", "FetchAnswerDecoder", "PackData", "PackEnd", "RoundEnd", "encode_round"]
