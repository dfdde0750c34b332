"""
Parts of lists of refs, as callers ask for them and as they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from protocols.gitaly.shared_pb2 import PaginationParameter

from ...git.interfaces import Reference

LINES = 500
"""How many refs one message carries at most. Gitaly sends 20; but a message costs more than a hundred refs in it."""

T = TypeVar("T")


def paged(refs: Sequence[Reference], params: PaginationParameter | None) -> Sequence[Reference] | None:
    """
    The page that a caller asks for. The token is the full name of the last ref of the page before; a limit of 0 is an empty page,
    and a negative one no limit.

    :param params: ``None`` for everything.
    :returns: ``None`` if the token is not met, as it never is on an empty page.
    """
    if params is None:
        return refs
    limit = None if params.limit < 0 else params.limit
    if not params.page_token:
        return refs[:limit]
    token = params.page_token.encode("utf-8")
    start = None if limit == 0 else next((index for index, ref in enumerate(refs, 1) if ref.name == token), None)
    if start is None:
        return None
    return refs[start : None if limit is None else start + limit]


def in_lines(items: Sequence[T], count: int = LINES) -> Iterator[Sequence[T]]:
    """
    Parts of ``count`` items.
    """
    for start in range(0, len(items), count):
        yield items[start : start + count]
