"""
What HTTP says of a failure.
"""

from __future__ import annotations

from ...errors import Code, GitalyError

STATUSES = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.FAILED_PRECONDITION: 409,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 413,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 503,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""The status for each code; 500 for the rest."""

REALM = b'Basic realm="git", charset="UTF-8"'


def status(error: GitalyError) -> int:
    """
    The status of a failed call.
    """
    return STATUSES.get(error.code, 500)


def page(error: GitalyError) -> bytes:
    """
    The words for whoever reads the answer; git shows them as ``remote: …``.
    """
    if error.code is Code.UNAUTHENTICATED:
        return b"Please say who you are: user name and token.\n"
    return error.message.encode("utf-8", "replace") + b"\n"


def headers(error: GitalyError) -> list[tuple[bytes, bytes]]:
    """
    What else the answer says.
    """
    found = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-cache, max-age=0, must-revalidate")]
    if error.code is Code.UNAUTHENTICATED:
        found.append((b"WWW-Authenticate", REALM))
    if error.code in (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE):
        found.append((b"Retry-After", b"5"))
    return found
