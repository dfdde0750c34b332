"""
What both searches ask of a request.
"""

from __future__ import annotations

from ...errors import Code, GitalyError


def check_query(query: str, ref: bytes) -> None:
    """
    :raises GitalyError: INVALID_ARGUMENT, with Gitaly's text for the first thing that is wrong.
    """
    for wrong, text in (
        (not query, "no query given"),
        (not ref, "no ref given"),
        (ref.startswith(b"-"), "invalid ref argument"),
        (b"\0" in ref or "\0" in query, "query contains a NUL byte"),
    ):
        if wrong:
            raise GitalyError(text, Code.INVALID_ARGUMENT)
