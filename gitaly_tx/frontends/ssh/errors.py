"""
What SSH says of a failure.
"""

from __future__ import annotations

from ...errors import Code, GitalyError

NOT_A_COMMAND = 128
"""The exit status for what is none of git's commands."""


def status(error: GitalyError, given: int | None) -> int:
    """
    :param given: git's own exit status, if it had one.
    :returns: the exit status of a failed command: git's, or 128 as git itself has it for "fatal".
    """
    return given or NOT_A_COMMAND


def text(error: GitalyError) -> bytes:
    """
    The words for whoever runs git.
    """
    if error.code in (Code.PERMISSION_DENIED, Code.UNAUTHENTICATED):
        words = error.message or "permission denied"
    elif error.code is Code.INTERNAL:
        words = "the server failed; its log says why"
    else:
        words = error.message
    return f"gitaly: {words}\n".encode("utf-8", "replace")
