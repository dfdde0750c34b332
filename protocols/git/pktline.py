"""
pkt-lines: the framing of git's protocol (https://git-scm.com/docs/gitprotocol-common).

A packet is four hexadecimal digits, which count themselves, and the payload. The lengths 0, 1 and 2 are marks without a payload.
"""

from __future__ import annotations

import enum
from binascii import unhexlify
from typing import TypeAlias

from attrs import frozen

from .errors import InvalidPktLine, TruncatedPktLine

MAX_PACKET = 65520
"""The most bytes of a packet, its length's four digits included."""

MAX_PAYLOAD = MAX_PACKET - 4
"""The most bytes of a packet's payload."""

FLUSH = b"0000"
DELIM = b"0001"
RESPONSE_END = b"0002"


class Special(enum.Enum):
    """
    Packets that only mark a place. The value is the packet itself.
    """

    FLUSH = FLUSH
    DELIM = DELIM
    RESPONSE_END = RESPONSE_END


@frozen
class Packet:
    """
    A packet with a payload, which may be empty.
    """

    payload: bytes

    @property
    def line(self) -> bytes:
        """
        The payload as a line of text: without its newline, if it has one.
        """
        return self.payload.removesuffix(b"\n")


Event: TypeAlias = Packet | Special

_SPECIALS = {0: Special.FLUSH, 1: Special.DELIM, 2: Special.RESPONSE_END}


def data(payload: bytes) -> bytes:
    """
    :returns: ``payload`` as a packet.
    :raises ValueError: if it is longer than :data:`MAX_PAYLOAD`.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("payload too long for a pkt-line")
    return b"%04x%b" % (len(payload) + 4, payload)


def error(text: bytes) -> bytes:
    """
    :param text: why nothing can be served, for a person; cut if it is too long for a packet.
    :returns: the packet that clients show as ``remote error: …``.
    """
    return data(b"ERR " + text[: MAX_PAYLOAD - 4])


class PktLineDecoder:
    """
    Takes bytes, however they are cut, and returns packets.

    Holds no more than what it was fed and did not decode yet. A stream that goes over into something else, as a push goes over
    into a pack, is decoded up to a mark (:meth:`receive` with ``until``) and then taken back undecoded (:meth:`stop`).

    An error is final: the decoder stays where the stream is broken, and every further call says so again.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._stopped = False

    @property
    def pending(self) -> bytes:
        """
        What was fed and is not decoded.
        """
        return bytes(self._buffer[self._at :])

    def receive(self, data: bytes, until: Special | None = None) -> list[Event]:
        """
        Feed, and read all that is complete.

        :param until: read no further than this mark; what follows it stays :attr:`pending` for the next call.
        :raises InvalidPktLine: if the stream is broken. To see the packets before that place, use :meth:`feed` and :meth:`read`.
        """
        self.feed(data)
        events: list[Event] = []
        while (event := self.read()) is not None:
            events.append(event)
            if event is until:
                break
        return events

    def feed(self, data: bytes) -> None:
        """
        Take bytes without decoding them yet.
        """
        if self._stopped:
            raise RuntimeError("the decoder was stopped")
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def read(self) -> Event | None:
        """
        :returns: the next packet, or ``None`` if it has not come wholly yet.
        :raises InvalidPktLine: if the stream is broken here.
        """
        start = self._at + 4
        if len(self._buffer) < start:
            return None
        prefix = bytes(self._buffer[self._at : start])
        try:
            length = int.from_bytes(unhexlify(prefix), "big")
        except ValueError:
            raise InvalidPktLine(prefix) from None
        if length < 4:
            if length not in _SPECIALS:
                raise InvalidPktLine(prefix)
            self._at = start
            return _SPECIALS[length]
        if length > MAX_PACKET:
            raise InvalidPktLine(prefix)
        end = self._at + length
        if len(self._buffer) < end:
            return None
        self._at = end
        return Packet(bytes(self._buffer[start:end]))

    def finish(self) -> None:
        """
        Say that the stream ended.

        :raises TruncatedPktLine: if it did so within a packet.
        """
        pending = len(self._buffer) - self._at
        if pending:
            raise TruncatedPktLine(pending)

    def stop(self) -> bytes:
        """
        Decode no more.

        :returns: what is left undecoded; from here on the stream is the caller's.
        """
        rest = self.pending
        self._buffer.clear()
        self._at = 0
        self._stopped = True
        return rest
