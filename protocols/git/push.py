"""
The requests of receive-pack (https://git-scm.com/docs/gitprotocol-pack): commands, push options, and the report.

A push is ``shallow`` lines, commands, a flush; push options and a flush, if both sides have that capability; then, unless all
commands are deletions, a pack that runs to the end of the stream or as long as it says itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from attrs import frozen

from . import pktline
from .capabilities import Capabilities
from .errors import (
    InvalidPushOption,
    MalformedCommand,
    ObjectFormatMismatch,
    PushCertificateRefused,
    RequestBrokenOff,
    TooManyCommands,
    TooManyPushOptions,
    UnexpectedPacket,
)
from .pktline import MAX_PAYLOAD, Packet, PktLineDecoder, Special

MAX_COMMANDS = 500_000
"""How many refs one push may update, unless told otherwise."""

MAX_OPTIONS = 4096
"""How many options one push may have, unless told otherwise: hooks get them in their environment, which is limited."""

MAX_OPTION_BYTES = 1 << 20
"""How many bytes the options of one push may have together, unless told otherwise."""

_HEX = re.compile(rb"[0-9a-f]*\Z")
_FORMATS = {b"sha1": 40, b"sha256": 64}
_NAMES = {length: name for name, length in _FORMATS.items()}


@frozen
class ShallowLine:
    """
    The client's history ends at this commit.
    """

    oid: bytes


@frozen
class Command:
    """
    One ref is to be updated.

    :param old: what the client believes that it is; zeros for "does not exist".
    :param new: what it shall be; zeros to delete it.
    :param ref: its name, which nobody has checked yet; it holds no NUL.
    """

    old: bytes
    new: bytes
    ref: bytes


@frozen
class PushOption:
    """
    A word for the hooks; it holds no NUL.
    """

    option: bytes


@frozen
class CommandsEnd:
    """
    The request is complete, push options included; what follows is not pkt-lines.

    :param capabilities: what the client asked for with its first command.
    :param pack_follows: whether a pack comes next: something is to be created or changed, not only deleted.
    """

    capabilities: Capabilities
    pack_follows: bool


PushEvent: TypeAlias = ShallowLine | Command | PushOption | CommandsEnd


class PushRequestDecoder:
    """
    Takes the bytes of a push, however they are cut, and returns what is asked for.

    With :class:`CommandsEnd`, which is always the last event, the decoder is done: :attr:`rest` has the bytes that came after the
    request, and everything later goes past the decoder, so that no pack is copied through it.

    A request of nothing but a flush is a push of nothing: clients probe with it.

    :param hex_length: how long the repository's object ids are: 40 or 64; ``None`` to believe the client, for a repository that
        does not exist yet.
    :param max_commands: how many commands one push may have, and how many ``shallow`` lines.
    :param max_options: how many push options.
    :param max_option_bytes: how many bytes of push options.
    """

    def __init__(
        self,
        hex_length: int | None,
        max_commands: int = MAX_COMMANDS,
        max_options: int = MAX_OPTIONS,
        max_option_bytes: int = MAX_OPTION_BYTES,
    ) -> None:
        self.hex_length = hex_length
        self.done = False
        self.rest = b""
        self.capabilities = Capabilities()
        self._max_commands = max_commands
        self._max_options = max_options
        self._max_option_bytes = max_option_bytes
        self._packets = PktLineDecoder()
        self._shallows = 0
        self._commands = 0
        self._options = 0
        self._option_bytes = 0
        self._pack_follows = False
        self._in_options = False

    def receive(self, data: bytes) -> list[PushEvent]:
        """
        :raises GitProtocolError: if this is no push, or one that is not allowed. The error is final.
        """
        return list(self.events(data))

    def events(self, data: bytes) -> Iterator[PushEvent]:
        """
        As :func:`receive`, one by one, for who has something else to do in between. All of them must be taken before the next
        bytes are given.
        """
        if self.done:
            raise RuntimeError("the request is complete: what follows is not the decoder's")
        self._packets.feed(data)
        while not self.done and (packet := self._packets.read()) is not None:
            event = self._flushed() if packet is Special.FLUSH else self._line(packet)
            if event is not None:
                yield event

    def finish(self) -> None:
        """
        Say that the stream ended.

        :raises TruncatedPktLine: if it did so within a packet of the request.
        :raises RequestBrokenOff: if it did so before the request was complete.
        """
        self._packets.finish()
        if not self.done:
            raise RequestBrokenOff()

    def _flushed(self) -> CommandsEnd | None:
        if self._commands and not self._in_options and self.capabilities.has(b"push-options"):
            self._in_options = True
            return None
        self.done = True
        self.rest = self._packets.stop()
        return CommandsEnd(self.capabilities, self._pack_follows)

    def _line(self, packet: pktline.Event) -> PushEvent:
        if isinstance(packet, Special):
            raise UnexpectedPacket(packet.value)
        return self._option(packet) if self._in_options else self._command(packet)

    def _option(self, packet: Packet) -> PushOption:
        self._options += 1
        self._option_bytes += len(packet.line)
        if self._options > self._max_options:
            raise TooManyPushOptions(self._max_options)
        if self._option_bytes > self._max_option_bytes:
            raise TooManyPushOptions(self._max_option_bytes)
        if b"\0" in packet.line:
            raise InvalidPushOption(packet.line)
        return PushOption(packet.line)

    def _command(self, packet: Packet) -> ShallowLine | Command:
        line, nul, words = packet.line.partition(b"\0")
        if not self._commands and not nul and line.startswith(b"shallow "):
            self._shallows += 1
            if self._shallows > self._max_commands:
                raise TooManyCommands(self._max_commands)
            return ShallowLine(self._oid(line[8:], packet))
        if line == b"push-cert":
            raise PushCertificateRefused()
        if nul:
            self._agreed(words, packet)
        self._commands += 1
        if self._commands > self._max_commands:
            raise TooManyCommands(self._max_commands)
        old, _, pair = line.partition(b" ")
        new, _, ref = pair.partition(b" ")
        if not ref:
            raise MalformedCommand(packet.payload)
        command = Command(self._oid(old, packet), self._oid(new, packet), ref)
        self._pack_follows = self._pack_follows or command.new.strip(b"0") != b""
        return command

    def _agreed(self, words: bytes, packet: Packet) -> None:
        if self._commands:
            raise MalformedCommand(packet.payload)
        self.capabilities = Capabilities.parse(words)
        name = self.capabilities.value(b"object-format") or b"sha1"
        expected = name if self.hex_length is None else _NAMES[self.hex_length]
        if name != expected or name not in _FORMATS:
            raise ObjectFormatMismatch(expected, name)
        self.hex_length = _FORMATS[name]

    def _oid(self, digits: bytes, packet: Packet) -> bytes:
        digits = digits.lower()
        if self.hex_length is None and len(digits) in _NAMES:
            self.hex_length = len(digits)
        if len(digits) != self.hex_length or not _HEX.match(digits):
            raise MalformedCommand(packet.payload)
        return digits


@frozen
class RefResult:
    """
    What became of one command.

    :param ref: the ref as the client named it.
    :param error: why it was refused; ``None`` if it was not.
    :param refname: the ref that was updated instead (only told to clients with ``report-status-v2``, like what follows).
    :param old: what it really was.
    :param new: what it really is.
    :param forced: whether it went another way than forward.
    """

    ref: bytes
    error: bytes | None = None
    refname: bytes | None = None
    old: bytes | None = None
    new: bytes | None = None
    forced: bool = False

    def lines(self, v2: bool) -> list[bytes]:
        """
        The lines of a report, without newlines.
        """
        if self.error is not None:
            return [b"ng " + self.ref + b" " + one_line(self.error)]
        lines = [b"ok " + self.ref]
        if v2:
            given = ((b"refname", self.refname), (b"old-oid", self.old), (b"new-oid", self.new))
            lines += [b"option " + name + b" " + value for name, value in given if value is not None]
            lines += [b"option forced-update"] if self.forced else []
        return lines


_BREAKS = re.compile(rb"[\x00-\x1f\x7f]+")


def one_line(text: bytes) -> bytes:
    """
    :returns: ``text`` with each run of control characters turned into a space.
    """
    return _BREAKS.sub(b" ", text).strip()


def report_status(unpack: bytes, results: Iterable[RefResult], v2: bool = False) -> Iterator[bytes]:
    """
    The report on a push, as pkt-lines with a flush at the end; with sidebands it travels within band 1. It comes part by part,
    because there may be very many refs.

    :param unpack: ``b"ok"``, or why the pack could not be taken. Texts too long for a packet are cut.
    :param results: one for each command, in their order.
    :param v2: whether the client asked for ``report-status-v2``.
    """
    yield _report_line(b"unpack " + one_line(unpack))
    for result in results:
        yield b"".join(map(_report_line, result.lines(v2)))
    yield pktline.FLUSH


def _report_line(line: bytes) -> bytes:
    return pktline.data(line[: MAX_PAYLOAD - 1] + b"\n")
