"""
The requests of upload-pack: v0 and v1 (https://git-scm.com/docs/gitprotocol-pack), v2 (https://git-scm.com/docs/gitprotocol-v2).

git answers them; here they are only understood.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import field, frozen

from .capabilities import Capabilities
from .errors import InvalidPktLine, MalformedRequest, UnexpectedPacket
from .pktline import Packet, PktLineDecoder, Special

_OID = re.compile(rb"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z")
_NUMBER = re.compile(rb"[0-9]{1,19}\Z")


@frozen
class Want:
    """
    :param oid: an object that the client wants, with all that it needs.
    :param capabilities: what the client asked for with it: only the first ``want`` of v0 and v1 has any.
    """

    oid: bytes
    capabilities: Capabilities = field(factory=Capabilities)


@frozen
class Have:
    """
    A commit that the client has.
    """

    oid: bytes


@frozen
class Shallow:
    """
    A commit at which the client's history ends.
    """

    oid: bytes


@frozen
class Deepen:
    """
    History is wanted down to this many commits; 0 for all.
    """

    depth: int


@frozen
class DeepenSince:
    """
    History is wanted back to this time, in seconds since 1970.
    """

    timestamp: int


@frozen
class DeepenNot:
    """
    History is wanted down to what this ref reaches.
    """

    ref: bytes


@frozen
class Filter:
    """
    Objects that this specification leaves out are not wanted, as in ``blob:none``.
    """

    specification: bytes


@frozen
class Done:
    """
    The client has said what it has: the pack may come.
    """


@frozen
class RoundEnd:
    """
    A flush: the end of the wants, of some haves, or of a v2 command.
    """


@frozen
class CommandBegun:
    """
    A command of v2.

    :param name: ``ls-refs``, ``fetch``, ``object-info`` or what the client makes up.
    """

    name: bytes


@frozen
class CommandCapabilities:
    """
    The capabilities that came with a command of v2, complete; its arguments follow.
    """

    capabilities: Capabilities


@frozen
class Argument:
    """
    An argument of a v2 command that has no event of its own.

    :param line: as it was sent, without its newline.
    """

    line: bytes


FetchEvent: TypeAlias = (
    Want
    | Have
    | Shallow
    | Deepen
    | DeepenSince
    | DeepenNot
    | Filter
    | Done
    | RoundEnd
    | CommandBegun
    | CommandCapabilities
    | Argument
)


class FetchRequestDecoder:
    """
    Takes the bytes of a fetching client, however they are cut, and returns what it asks for.

    :param version: of the protocol: 0, 1 or 2.
    """

    def __init__(self, version: int = 0) -> None:
        self._packets = PktLineDecoder()
        self._wanted = False
        self._command = b""
        self._v2 = version == 2
        self._capabilities: list[bytes] | None = None

    def receive(self, data: bytes) -> list[FetchEvent]:
        """
        :raises GitProtocolError: if this is no request. The error is final.
        """
        self._packets.feed(data)
        events: list[FetchEvent] = []
        while (packet := self._packets.read()) is not None:
            if isinstance(packet, Special):
                events += self._marked(packet)
            else:
                events += self._line(packet)
        return events

    def finish(self) -> None:
        """
        Say that the stream ended, which a client may do between any two packets.

        :raises TruncatedPktLine: if it did so within a packet.
        """
        self._packets.finish()

    def _marked(self, mark: Special) -> list[FetchEvent]:
        collected, self._capabilities = self._capabilities, None
        told: list[FetchEvent] = [] if collected is None else [CommandCapabilities(Capabilities.parse_lines(collected))]
        if mark is Special.FLUSH:
            self._command = b""
            return [*told, RoundEnd()]
        if mark is Special.DELIM and told:
            return told
        raise UnexpectedPacket(mark.value)

    def _line(self, packet: Packet) -> list[FetchEvent]:
        line = packet.line
        if self._capabilities is not None:
            self._capabilities.append(line)
            return []
        if self._v2 and not self._command:
            word, _, self._command = line.partition(b"=")
            if word != b"command" or not self._command:
                raise MalformedRequest(line)
            self._capabilities = []
            return [CommandBegun(self._command)]
        if self._v2 and self._command != b"fetch":
            return [Argument(line)]
        return [self._asked(line)]

    def _asked(self, line: bytes) -> FetchEvent:
        word, _, value = line.partition(b" ")
        match word:
            case b"want":
                return self._want(value)
            case b"have":
                return Have(_oid(value, line))
            case b"shallow":
                return Shallow(_oid(value, line))
            case b"deepen":
                return Deepen(_number(value, line))
            case b"deepen-since":
                return DeepenSince(_number(value, line))
            case b"deepen-not":
                return DeepenNot(value)
            case b"filter":
                return Filter(value)
            case b"done":
                return Done()
        if not self._v2:
            raise MalformedRequest(line)
        return Argument(line)

    def _want(self, value: bytes) -> Want:
        oid, _, words = value.partition(b" ")
        oid = _oid(oid, value)
        if not words:
            return Want(oid)
        if self._wanted or self._v2:
            raise MalformedRequest(value)
        self._wanted = True
        return Want(oid, Capabilities.parse(words))


def _oid(value: bytes, line: bytes) -> bytes:
    if not _OID.match(value):
        raise MalformedRequest(line)
    return value.lower()


def _number(value: bytes, line: bytes) -> int:
    if not _NUMBER.match(value):
        raise MalformedRequest(line)
    return int(value)


class NegotiationStatistics:
    """
    Counts what a fetching client says, on the side: nothing that it sends is ever an error here. Counting ends with ``done``,
    with the first bytes that are no pkt-line, or with the input.

    :ivar payload_size: bytes of payload, trailing newlines left out.
    :ivar packets: packets before ``done``, marks included.
    :ivar caps: the words behind the first ``want``.
    :ivar wants: how many objects are wanted.
    :ivar haves: how many commits the client has.
    :ivar shallows: at how many commits its history ends.
    :ivar deepen: the last ``deepen…`` line, whole.
    :ivar filter: the last ``filter``'s argument.
    :ivar reached_flush: whether a flush has come: the negotiation of upload-archive is over.
    :ivar reached_done: whether ``done`` has come: the negotiation of upload-pack is over.
    :ivar broken: whether something came that is no pkt-line.
    """

    def __init__(self) -> None:
        self.payload_size = 0
        self.packets = 0
        self.caps: list[bytes] = []
        self.wants = 0
        self.haves = 0
        self.shallows = 0
        self.deepen = b""
        self.filter = b""
        self.reached_flush = False
        self.reached_done = False
        self.broken = False
        self._packets = PktLineDecoder()

    @property
    def saw_deepen(self) -> bool:
        """
        Whether the client asked for history to be cut: git may then end with an error although all is well.
        """
        return self.deepen != b""

    def receive(self, data: bytes) -> None:
        """
        Take the next bytes from the client.
        """
        if self.reached_done or self.broken:
            return
        self._packets.feed(data)
        try:
            while not self.reached_done and (packet := self._packets.read()) is not None:
                if isinstance(packet, Special):
                    self.packets += 1
                    self.reached_flush = self.reached_flush or packet is Special.FLUSH
                else:
                    self._count(packet.line)
        except InvalidPktLine:
            self.broken = True
        if self.reached_done or self.broken:
            self._packets.stop()

    def _count(self, line: bytes) -> None:
        self.payload_size += len(line)
        if line == b"done":
            self.reached_done = True
            return
        self.packets += 1
        word, _, value = line.partition(b" ")
        match word:
            case b"want":
                if not self.wants:
                    self.caps = value.split(b" ")[1:]
                self.wants += 1
            case b"have":
                self.haves += 1
            case b"shallow":
                self.shallows += 1
            case b"deepen" | b"deepen-since" | b"deepen-not":
                self.deepen = line
            case b"filter":
                self.filter = value
