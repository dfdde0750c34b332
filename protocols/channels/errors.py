"""
What can go wrong with a sidechannel. The texts are Gitaly's: a call that needs the sidechannel answers with them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, fields

_NAMED = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


@define(slots=False)
class SidechannelError(Exception):
    """
    There is no sidechannel, or the other side does not keep to the rules.
    """

    message: ClassVar[str] = "sidechannel: error"

    def __str__(self) -> str:
        return self.message

    @property
    def facts(self) -> dict[str, Any]:
        """
        The fields, for the log.
        """
        return {field.name: getattr(self, field.name) for field in fields(type(self))}


@define(slots=False)
class MissingSidechannelID(SidechannelError):
    """
    The caller of a method that needs a sidechannel names none.
    """

    message = "sidechannel: sidechannel-id not found in incoming metadata"


@define(slots=False)
class NotMultiplexed(SidechannelError):
    """
    The caller has a connection on which no streams can be opened.
    """

    message = "sidechannel: fail to extract yamux session: non-multiplexed connection"


@define(slots=False)
class StreamNotOpened(SidechannelError):
    """
    :param reason: why no stream could be opened.
    """

    reason: str

    def __str__(self) -> str:
        return f"sidechannel: open stream: {self.reason}"


@define(slots=False)
class ConfirmationMissing(SidechannelError):
    """
    The client did not take the sidechannel.

    :param reason: how that showed: :data:`EOF`, :data:`UNEXPECTED_EOF`, :data:`DEADLINE` or :data:`RESET`.
    """

    EOF: ClassVar[str] = "EOF"
    UNEXPECTED_EOF: ClassVar[str] = "unexpected EOF"
    DEADLINE: ClassVar[str] = "i/o deadline reached"
    RESET: ClassVar[str] = "connection reset"

    reason: str

    def __str__(self) -> str:
        return f"sidechannel: receive confirmation: {self.reason}"


@define(slots=False)
class UnexpectedConfirmation(SidechannelError):
    """
    The client answers something else than ``ok``.

    :param got: two bytes.
    """

    got: bytes

    def __str__(self) -> str:
        return f"sidechannel: expected ok, got {_quoted(self.got)}"


@define(slots=False)
class InvalidHeader(SidechannelError):
    """
    Where a packet's length should be there is something else, or a length that no packet has.

    :param header: four bytes.
    """

    header: bytes

    def __str__(self) -> str:
        mark = self.header[3:].decode() if self.header in (b"0001", b"0002", b"0003") else _quoted(self.header)
        return f"sidechannel: invalid header {mark}"


@define(slots=False)
class InputBrokenOff(SidechannelError):
    """
    The client's stream ended before it said that its input was complete.
    """

    message = "unexpected EOF"


@define(slots=False)
class NotASidechannel(SidechannelError):
    """
    A stream does not begin as a sidechannel does, or ends before it has begun.

    :param start: what came.
    """

    message = "sidechannel: not a sidechannel"

    start: bytes


def _quoted(raw: bytes) -> str:
    """
    ``raw`` as Go's ``%q`` prints it.
    """
    return '"' + "".join(map(_escaped, raw.decode("utf-8", "surrogateescape"))) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    if number in _NAMED:
        return _NAMED[number]
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    if character.isprintable():
        return character
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}"
