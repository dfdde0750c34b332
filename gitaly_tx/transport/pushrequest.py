"""
Reading what a push asks for.
"""

from __future__ import annotations

from attrs import define, field, frozen

from protocols.git.capabilities import Capabilities
from protocols.git.errors import (
    GitProtocolError,
    InvalidPktLine,
    MalformedCommand,
    ObjectFormatMismatch,
    RequestBrokenOff,
    TruncatedPktLine,
)
from protocols.git.push import Command, CommandsEnd, PushOption, PushRequestDecoder, ShallowLine

from ..git.objectid import ObjectID
from ..slices import InSlices
from ..streams import IByteSource, StreamBroken
from .interfaces import PushBroken


@define(eq=False)
class Wish:
    """
    One ref that the client wants to be changed, and what became of it so far.

    :param name: as the client wrote it; nobody has checked it.
    :param error: why it is refused, in git's words; ``None`` as long as it is not.
    :param nothing: it is granted and nothing needs to be done: a ref is to be deleted that does not exist.
    :param any_old: whatever the ref is now counts as what the client believes, because what it believes cannot be.
    """

    name: bytes
    old: ObjectID
    new: ObjectID
    error: bytes | None = None
    nothing: bool = False
    any_old: bool = False

    @property
    def deletes(self) -> bool:
        """
        Whether the ref shall be deleted.
        """
        return self.new.is_zero

    @property
    def open(self) -> bool:
        """
        Whether it is neither refused nor done.
        """
        return self.error is None and not self.nothing


@frozen
class PushHead:
    """
    Everything that a push says before its pack.

    :param shallow: where the client's own history ends.
    :param rest: the bytes of the pack that came along already.
    :param pack_follows: whether there is a pack at all.
    """

    wishes: list[Wish] = field(factory=list)
    shallow: list[ObjectID] = field(factory=list)
    options: list[bytes] = field(factory=list)
    capabilities: Capabilities = field(factory=Capabilities)
    rest: bytes = b""
    pack_follows: bool = False

    @property
    def atomic(self) -> bool:
        """
        All or none.
        """
        return self.capabilities.has(b"atomic")

    @property
    def quiet(self) -> bool:
        """
        No progress is to be shown.
        """
        return self.capabilities.has(b"quiet")

    @property
    def sidebands(self) -> bool:
        """
        Messages can be told apart from the report.
        """
        return self.capabilities.has(b"side-band-64k")


async def read_head(source: IByteSource, decoder: PushRequestDecoder) -> PushHead:
    """
    Read up to the pack.

    :returns: without any wishes if the client asks for nothing.
    :raises PushBroken: if it is no push, or breaks off.
    """
    wishes: list[Wish] = []
    shallow: list[ObjectID] = []
    options: list[bytes] = []
    try:
        while True:
            data = await source.read()
            if not data:
                decoder.finish()
            async for event in InSlices(decoder.events(data)):
                match event:
                    case Command(old, new, ref):
                        wishes.append(Wish(ref, ObjectID(old), ObjectID(new)))
                    case ShallowLine(oid):
                        shallow.append(ObjectID(oid))
                    case PushOption(option):
                        options.append(option)
                    case CommandsEnd(agreed, pack_follows):
                        return PushHead(wishes, shallow, options, agreed, decoder.rest, pack_follows)
    except StreamBroken as error:
        raise PushBroken(PushBroken.HUNG_UP) from error
    except GitProtocolError as error:
        raise PushBroken(_words(error)) from error


def _words(error: GitProtocolError) -> bytes:
    """
    What git says of the same.
    """
    match error:
        case RequestBrokenOff() | TruncatedPktLine():
            return PushBroken.HUNG_UP
        case InvalidPktLine(prefix):
            try:
                return b"protocol error: bad line length %d" % int(prefix, 16)
            except ValueError:
                return b"protocol error: bad line length character: " + prefix
        case MalformedCommand(line):
            return b"protocol error: expected old/new/ref, got '%b'" % line.removesuffix(b"\n").partition(b"\0")[0]
        case ObjectFormatMismatch(_, given):
            return b"error: unsupported object format '%b'" % given
        case _:
            return str(error).encode()
