"""
Sidechannels: a stream that the server opens towards its caller, for the bytes of one call.

The client names the sidechannel in the call's metadata. The server opens a stream and announces which one it is, the client
answers :data:`CONFIRMATION`, and data flow. The client's are in packets like git's pkt-lines, but around whatever the call
carries, so that :data:`INPUT_END` can say that there will be no more while the stream stays open; the server's are raw, and end
with the stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from attrs import frozen

from ..git.errors import InvalidPktLine
from ..git.pktline import FLUSH, MAX_PAYLOAD, Packet, PktLineDecoder, Special
from .backchannel import SIDECHANNEL
from .errors import (
    ConfirmationMissing,
    InputBrokenOff,
    InvalidHeader,
    MissingSidechannelID,
    NotASidechannel,
    UnexpectedConfirmation,
)

METADATA_KEY = "gitaly-sidechannel-id"
"""Where a call names its sidechannel."""

CONFIRMATION = b"ok"
"""What the client answers to an announcement, once, before anything else."""

INPUT_END = FLUSH
"""What the client sends after its last packet."""

HANDSHAKE_SECONDS = 5
"""How long opening a stream, announcing it and waiting for the answer may take altogether."""

_ANNOUNCEMENT_SIZE = len(SIDECHANNEL) + 8
_DECIMAL = re.compile(r"[+-]?[0-9]+")
_MOST = (1 << 63) - 1
_LEAST = -(1 << 63)


def named(values: Sequence[str]) -> int:
    """
    :param values: what the call's metadata have for :data:`METADATA_KEY`: the last counts.
    :returns: the sidechannel's number; 0 for what is no number, the nearest for one that does not fit into 64 bits.
    :raises MissingSidechannelID: if there are no values.
    """
    if not values:
        raise MissingSidechannelID()
    word = values[-1]
    if not _DECIMAL.fullmatch(word):
        return 0
    digits = word.lstrip("+-").lstrip("0")
    if len(digits) > len(str(_MOST)):
        return _LEAST if word.startswith("-") else _MOST
    return min(max(int(word), _LEAST), _MOST)


def announcement(sidechannel_id: int) -> bytes:
    """
    What the server begins a sidechannel's stream with.

    :param sidechannel_id: a signed number of 64 bits.
    """
    return SIDECHANNEL + sidechannel_id.to_bytes(8, "big", signed=True)


def packets(data: bytes | memoryview) -> list[bytes | memoryview]:
    """
    :returns: ``data`` as a client sends it, not copied: a length and a piece, in turn; nothing if it is empty.
    """
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    for at in range(0, len(view), MAX_PAYLOAD):
        piece = view[at : at + MAX_PAYLOAD]
        pieces += (b"%04x" % (len(piece) + 4), piece)
    return pieces


@frozen
class Confirmed:
    """
    The client has taken the sidechannel: the server may send.
    """


@frozen
class InputReceived:
    """
    :param data: a packet's bytes; never none.
    """

    data: bytes


@frozen
class InputEnded:
    """
    The client has sent everything.
    """


ServerEvent: TypeAlias = Confirmed | InputReceived | InputEnded


class ServerSide:
    """
    Takes what a client sends on the stream that was opened for it, however it is cut.

    The events are :class:`Confirmed`, then :class:`InputReceived`, and last :class:`InputEnded`; what follows that is ignored.
    The server sends :func:`announcement` first, and its own data after :class:`Confirmed`.

    An error is final: every further call says so again.
    """

    def __init__(self) -> None:
        self.confirmed = False
        self.done = False
        self._answer = b""
        self._packets = PktLineDecoder()
        self._failure: InvalidHeader | None = None

    def receive(self, data: bytes) -> list[ServerEvent]:
        """
        :raises UnexpectedConfirmation: if the client answers something else than :data:`CONFIRMATION`.
        :raises InvalidHeader: if this is no packet. The events from the same ``data`` are lost.
        """
        events: list[ServerEvent] = []
        if not self.confirmed:
            missing = len(CONFIRMATION) - len(self._answer)
            self._answer += data[:missing]
            data = data[missing:]
            if len(self._answer) < len(CONFIRMATION):
                return events
            if self._answer != CONFIRMATION:
                raise UnexpectedConfirmation(self._answer)
            self.confirmed = True
            events.append(Confirmed())
        if self._failure is not None:
            raise self._failure
        if not self.done:
            self._packets.feed(data)
        while not self.done and (packet := self._read()) is not None:
            if packet is Special.FLUSH:
                self.done = True
                self._packets.stop()
                events.append(InputEnded())
            elif packet.payload:
                events.append(InputReceived(packet.payload))
        return events

    def finish(self) -> None:
        """
        Say that the client sends no more.

        :raises ConfirmationMissing: if it has not taken the sidechannel.
        :raises InputBrokenOff: if it has not said that its input was complete.
        """
        if not self.confirmed:
            raise ConfirmationMissing(ConfirmationMissing.UNEXPECTED_EOF if self._answer else ConfirmationMissing.EOF)
        if not self.done:
            raise InputBrokenOff()

    def _read(self) -> Packet | Literal[Special.FLUSH] | None:
        try:
            packet = self._packets.read()
        except InvalidPktLine as error:
            self._failure = InvalidHeader(error.prefix)
            raise self._failure from None
        if packet in (Special.DELIM, Special.RESPONSE_END):
            self._failure = InvalidHeader(packet.value)
            raise self._failure
        return packet


@frozen
class Announced:
    """
    The server has opened the sidechannel for a call of ours.

    :param sidechannel_id: which. If it is not one that is waited for, the stream is to be closed.
    """

    sidechannel_id: int


@frozen
class OutputReceived:
    """
    :param data: what the server sends; never none.
    """

    data: bytes


ClientEvent: TypeAlias = Announced | OutputReceived


class ClientSide:
    """
    Takes what a server sends on a stream that it opened, however it is cut.

    The events are :class:`Announced`, which the client answers with :data:`CONFIRMATION`, and :class:`OutputReceived` until the
    stream ends. The client sends :func:`packets` after its confirmation, and :data:`INPUT_END`.

    An error is final: every further call says so again.
    """

    def __init__(self) -> None:
        self.announced = False
        self._start = b""

    def receive(self, data: bytes) -> list[ClientEvent]:
        """
        :raises NotASidechannel: if the stream is for something else.
        """
        events: list[ClientEvent] = []
        if not self.announced:
            missing = _ANNOUNCEMENT_SIZE - len(self._start)
            self._start += data[:missing]
            data = data[missing:]
            word = self._start[: len(SIDECHANNEL)]
            if len(word) == len(SIDECHANNEL) and word != SIDECHANNEL:
                raise NotASidechannel(word)
            if len(self._start) < _ANNOUNCEMENT_SIZE:
                return events
            self.announced = True
            events.append(Announced(int.from_bytes(self._start[len(SIDECHANNEL) :], "big", signed=True)))
        if data:
            events.append(OutputReceived(data))
        return events

    def finish(self) -> None:
        """
        Say that the server closed the stream, which is how its data end.

        :raises NotASidechannel: if it did so before announcing anything.
        """
        if not self.announced:
            raise NotASidechannel(self._start)
