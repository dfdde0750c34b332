"""
What can be wrong with bytes that claim to be git's protocol.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, fields

_SHOWN = 120


@define(slots=False)
class GitProtocolError(Exception):
    """
    What came over the wire is not what git's protocol allows there.

    The text is constant and fit for the client; what varies is in the fields.
    """

    message: ClassVar[str] = "git protocol error"

    def __str__(self) -> str:
        return self.message

    @property
    def facts(self) -> dict[str, Any]:
        """
        The fields, for the log; long bytes are cut.
        """
        given = {field.name: getattr(self, field.name) for field in fields(type(self))}
        return {name: value[:_SHOWN] if isinstance(value, bytes) else value for name, value in given.items()}


@define(slots=False)
class InvalidPktLine(GitProtocolError):
    """
    Where a pkt-line's length should be there is something else, or a length that no pkt-line has.
    """

    message = "bad pkt-line length"

    prefix: bytes


@define(slots=False)
class TruncatedPktLine(GitProtocolError):
    """
    The stream ended within a pkt-line.
    """

    message = "stream ended within a pkt-line"

    pending: int


@define(slots=False)
class UnexpectedPacket(GitProtocolError):
    """
    A well-formed packet stands where it has no meaning.
    """

    message = "unexpected packet"

    packet: bytes


@define(slots=False)
class MissingBand(GitProtocolError):
    """
    A sideband packet is empty, so that it does not say which band it belongs to.
    """

    message = "sideband packet without a band"


@define(slots=False)
class UnknownBand(GitProtocolError):
    """
    A sideband packet belongs to a band other than 1, 2 and 3.
    """

    message = "unknown sideband"

    band: int


@define(slots=False)
class InvalidCapability(GitProtocolError):
    """
    A capability holds a control character or has no name.
    """

    message = "invalid capability"

    capability: bytes


@define(slots=False)
class MalformedAdvertisement(GitProtocolError):
    """
    A line of a ref advertisement is none.
    """

    message = "malformed ref advertisement"

    line: bytes


@define(slots=False)
class RemoteError(GitProtocolError):
    """
    The server says that it cannot serve, in an ``ERR`` packet.
    """

    message = "the server refused"

    text: bytes


@define(slots=False)
class MalformedRequest(GitProtocolError):
    """
    A line of a fetch request is none.
    """

    message = "malformed fetch request"

    line: bytes


@define(slots=False)
class MalformedCommand(GitProtocolError):
    """
    A line of a push request is neither a command nor a ``shallow`` line.
    """

    message = "expected old/new/ref"

    line: bytes


@define(slots=False)
class ObjectFormatMismatch(GitProtocolError):
    """
    The client names objects in another way than the repository does.
    """

    message = "unsupported object format"

    expected: bytes
    given: bytes


@define(slots=False)
class TooManyCommands(GitProtocolError):
    """
    A push has more commands, or more ``shallow`` lines, than allowed.
    """

    message = "too many ref updates in one push"

    maximum: int


@define(slots=False)
class TooManyPushOptions(GitProtocolError):
    """
    A push has more options, or longer ones, than allowed.
    """

    message = "too many push options"

    maximum: int


@define(slots=False)
class InvalidPushOption(GitProtocolError):
    """
    A push option holds a NUL.
    """

    message = "invalid push option"

    option: bytes


@define(slots=False)
class PushCertificateRefused(GitProtocolError):
    """
    The push is signed with a certificate, which this server does not advertise.
    """

    message = "signed pushes are not supported"


@define(slots=False)
class RequestBrokenOff(GitProtocolError):
    """
    The client's stream ended between two packets of its request.
    """

    message = "the remote end hung up unexpectedly"


@define(slots=False)
class SSHCommandRefused(GitProtocolError):
    """
    The command that an SSH client wants to run is not one of git's.

    :param text: why, for the person at the other end.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@define(slots=False)
class HTTPRefused(GitProtocolError):
    """
    A request over HTTP is none that git makes.

    :param status: the HTTP status to answer with.
    :param text: why, for the person at the other end.
    :param headers: what the answer must have besides.
    """

    status: int
    text: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __str__(self) -> str:
        return self.text
