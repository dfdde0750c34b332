"""
What a server begins with: the list of its refs (v0 and v1) or of its capabilities (v2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from attrs import frozen

from . import pktline
from .capabilities import Capabilities
from .errors import MalformedAdvertisement, RemoteError, RequestBrokenOff, UnexpectedPacket
from .pktline import Packet, PktLineDecoder, Special
from .service import Service

_PIECE = 64 * 1024
_NO_REFS = b"capabilities^{}"
_PEELED = b"^{}"
_OID = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


def service_line(service: Service) -> bytes:
    """
    What stands before an advertisement over HTTP, its flush included.
    """
    return pktline.data(b"# service=%b\n" % service.value) + pktline.FLUSH


def encode_refs(
    refs: Iterable[tuple[bytes, bytes, bytes | None]],
    capabilities: Capabilities,
    object_format_hex_length: int,
    shallow: Iterable[bytes] = (),
    version: int = 0,
) -> Iterator[bytes]:
    """
    An advertisement of v0 or v1, in pieces of about 64 KiB that consist of whole packets.

    :param refs: name, id and, for an annotated tag, what it stands for; in the order to be told. ``.have`` may stand as a name.
    :param object_format_hex_length: the length of the zero id that an empty repository tells.
    :param shallow: the commits at which the repository's own history ends.
    :param version: 0, or 1 for a first line that says so.
    :raises ValueError: if a name is too long for a packet.
    """
    piece = bytearray(pktline.data(b"version 1\n") if version == 1 else b"")
    suffix = b"\0" + capabilities.encode() + b"\n"
    for name, oid, peeled in refs:
        piece += pktline.data(oid + b" " + name + suffix)
        suffix = b"\n"
        if peeled is not None:
            piece += pktline.data(peeled + b" " + name + b"^{}\n")
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    if suffix != b"\n":
        piece += pktline.data(b"0" * object_format_hex_length + b" " + _NO_REFS + suffix)
    for oid in shallow:
        piece += pktline.data(b"shallow " + oid + b"\n")
    yield bytes(piece + pktline.FLUSH)


def encode_capabilities(capabilities: Capabilities) -> bytes:
    """
    An advertisement of v2: capabilities, one on each line.
    """
    lines = [b"version 2", *capabilities.lines()]
    return b"".join(pktline.data(line + b"\n") for line in lines) + pktline.FLUSH


@frozen
class ServiceAnnounced:
    """
    The line that stands before an advertisement over HTTP.

    :param name: the service's name as it was sent.
    """

    name: bytes


@frozen
class VersionAnnounced:
    """
    The server speaks v1 or v2; with v0 there is no such event.
    """

    version: int


@frozen
class CapabilitiesAnnounced:
    """
    What the server can do: once in every advertisement.
    """

    capabilities: Capabilities


@frozen
class RefAdvertised:
    """
    :param name: in full, or ``.have`` for an object that the server has without a ref of its own.
    :param oid: what it is.
    :param peeled: for an annotated tag, what it stands for.
    """

    name: bytes
    oid: bytes
    peeled: bytes | None = None


@frozen
class ShallowAdvertised:
    """
    The server's own history ends at this commit.
    """

    oid: bytes


@frozen
class AdvertisementEnd:
    """
    The advertisement is complete. Always the last event.
    """


AdvertisementEvent: TypeAlias = (
    ServiceAnnounced | VersionAnnounced | CapabilitiesAnnounced | RefAdvertised | ShallowAdvertised | AdvertisementEnd
)


class AdvertisementDecoder:
    """
    The client's side: takes the bytes of an advertisement of any version, however they are cut, and returns what it tells.

    After :class:`AdvertisementEnd` the decoder is done, and :attr:`rest` has the bytes that came after it.
    """

    def __init__(self) -> None:
        self.version = 0
        self.done = False
        self.rest = b""
        self._packets = PktLineDecoder()
        self._begun = False
        self._after_service = False
        self._told = False
        self._capabilities: list[bytes] = []
        self._tag: RefAdvertised | None = None

    def receive(self, data: bytes) -> list[AdvertisementEvent]:
        """
        :raises GitProtocolError: if this is no advertisement. The error is final.
        """
        if self.done:
            raise RuntimeError("the advertisement is complete: what follows is not the decoder's")
        self._packets.feed(data)
        events: list[AdvertisementEvent] = []
        while not self.done and (packet := self._packets.read()) is not None:
            if isinstance(packet, Special):
                events += self._marked(packet)
            else:
                events += self._line(packet)
                self._begun = True
        return events

    def finish(self) -> None:
        """
        Say that the stream ended.

        :raises TruncatedPktLine: if it did so within a packet.
        :raises RequestBrokenOff: if it did so before the advertisement was complete.
        """
        self._packets.finish()
        if not self.done:
            raise RequestBrokenOff()

    def _marked(self, mark: Special) -> list[AdvertisementEvent]:
        if mark is not Special.FLUSH:
            raise UnexpectedPacket(mark.value)
        if self._after_service:
            self._after_service = self._begun = False
            return []
        events: list[AdvertisementEvent] = list(self._held())
        if self.version == 2:
            events.append(CapabilitiesAnnounced(Capabilities.parse_lines(self._capabilities)))
        self.done = True
        self.rest = self._packets.stop()
        return [*events, AdvertisementEnd()]

    def _line(self, packet: Packet) -> list[AdvertisementEvent]:
        line = packet.line
        if line.startswith(b"ERR "):
            raise RemoteError(line[4:])
        if self._after_service:
            raise MalformedAdvertisement(line)
        if not self._begun:
            if line.startswith(b"# service="):
                self._after_service = True
                return [ServiceAnnounced(line[10:])]
            if line in (b"version 1", b"version 2"):
                self.version = int(line[8:])
                return [VersionAnnounced(self.version)]
        if self.version == 2:
            self._capabilities.append(line)
            return []
        return self._told_of(line)

    def _told_of(self, line: bytes) -> list[AdvertisementEvent]:
        line, nul, words = line.partition(b"\0")
        first, _, second = line.partition(b" ")
        if not second or not _OID.match(second if first == b"shallow" else first):
            raise MalformedAdvertisement(line)
        events: list[AdvertisementEvent] = []
        if nul and not self._told:
            self._told = True
            events.append(CapabilitiesAnnounced(Capabilities.parse(words)))
        if first == b"shallow":
            return [*events, *self._held(), ShallowAdvertised(second)]
        if self._tag is not None and second == self._tag.name + _PEELED:
            tag, self._tag = self._tag, None
            return [*events, RefAdvertised(tag.name, tag.oid, first)]
        events += self._held()
        if second != _NO_REFS:
            self._tag = RefAdvertised(second, first)
        return events

    def _held(self) -> list[RefAdvertised]:
        """
        The ref that was kept back because its peeled form could have followed.
        """
        held = [] if self._tag is None else [self._tag]
        self._tag = None
        return held
