"""
Three streams in one: data, progress and a fatal error, in pkt-lines whose first byte says which.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from .errors import MissingBand, UnknownBand
from .pktline import MAX_PACKET, Packet, PktLineDecoder, Special

BAND_DATA = 1
BAND_PROGRESS = 2
BAND_ERROR = 3

LARGE = MAX_PACKET
"""The longest packet of ``side-band-64k``."""

SMALL = 1000
"""The longest packet of ``side-band``."""

KEEPALIVE = b"0005\x01"
"""A packet that carries nothing, to say that somebody is still there."""


@frozen
class BandData:
    """
    :param band: 1 data, 2 progress, 3 a fatal error.
    :param data: the bytes, where the sender happened to cut them.
    """

    band: int
    data: bytes


SidebandEvent: TypeAlias = BandData | Special


def encode(band: int, data: bytes, maximum: int = LARGE) -> list[bytes]:
    """
    :param maximum: the longest packet allowed: :data:`LARGE` or :data:`SMALL`.
    :returns: ``data`` as packets of one band; none if it is empty.
    """
    room = maximum - 5
    view = memoryview(data)
    return [
        b"".join((b"%04x%c" % (min(room, len(view) - at) + 5, band), view[at : at + room])) for at in range(0, len(view), room)
    ]


def encoded(band: int, data: bytes | memoryview) -> bytes:
    """
    :func:`encode` with the longest packets, all in one, for much data: it is copied once.
    """
    room = LARGE - 5
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    for at in range(0, len(view), room):
        piece = view[at : at + room]
        pieces += (b"%04x%c" % (len(piece) + 5, band), piece)
    return b"".join(pieces)


class SidebandDecoder:
    """
    Takes bytes, however they are cut, and returns what the bands carry, and the marks between.
    """

    def __init__(self) -> None:
        self._packets = PktLineDecoder()

    def receive(self, data: bytes) -> list[SidebandEvent]:
        """
        :raises InvalidPktLine: if these are no pkt-lines.
        :raises MissingBand: for an empty packet.
        :raises UnknownBand: for a packet of another band.
        """
        self._packets.feed(data)
        events: list[SidebandEvent] = []
        while (packet := self._packets.read()) is not None:
            events.append(packet if isinstance(packet, Special) else _banded(packet))
        return events

    def finish(self) -> None:
        """
        Say that the stream ended.

        :raises TruncatedPktLine: if it did so within a packet.
        """
        self._packets.finish()


def _banded(packet: Packet) -> BandData:
    if not packet.payload:
        raise MissingBand()
    band = packet.payload[0]
    if band not in (BAND_DATA, BAND_PROGRESS, BAND_ERROR):
        raise UnknownBand(band)
    return BandData(band, packet.payload[1:])
