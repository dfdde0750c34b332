"""
What a mirror lacks, and what it has too much of.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from attrs import frozen

from ...git.objectid import ObjectID

BRANCHES = b"refs/heads/"
TAGS = b"refs/tags/"

MOST_DIVERGENT = 100
"""How many refs are named that were left alone."""

IsAncestor = Callable[[ObjectID, ObjectID], Awaitable[bool]]
"""Whether a commit is in the history of another one; one that is not known is in nobody's."""


@frozen
class Selection:
    """
    :param updated: refs that the mirror lacks, or has another value of; the default branch first.
    :param deleted: refs that only the mirror has.
    :param divergent: refs that were left alone, because the mirror has something that would be lost.
    """

    updated: tuple[bytes, ...]
    deleted: tuple[bytes, ...]
    divergent: tuple[bytes, ...]


class Selector:
    """
    Which refs a mirror is about: all tags, and branches whose names match.

    :param patterns: of short names; ``*`` stands for any characters, a slash too. None for all branches.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._patterns = [_compiled(pattern) for pattern in patterns]

    def selects(self, name: bytes) -> bool:
        """
        Whether a ref is one of them.
        """
        if name.startswith(TAGS):
            return True
        if not name.startswith(BRANCHES):
            return False
        short = name.removeprefix(BRANCHES)
        return not self._patterns or any(pattern.match(short) for pattern in self._patterns)


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    """
    What a star has once taken is never tried in another way, so that no pattern takes long.
    """
    first, *others = map(re.escape, pattern.split(b"*"))
    if not others:
        return re.compile(first + rb"\Z", re.DOTALL)
    middle = b"".join(b"(?>.*?%b)" % piece for piece in others[:-1])
    last = others[-1]
    return re.compile(first + middle + (b".*%b\\Z" % last if last else b""), re.DOTALL)


async def select(
    local: Mapping[bytes, ObjectID],
    remote: Mapping[bytes, ObjectID],
    selector: Selector,
    default: bytes | None,
    keep_divergent: bool,
    is_ancestor: IsAncestor,
) -> Selection:
    """
    Compare a repository with its mirror.

    :param local: its branches and tags, in their order.
    :param default: the branch that HEAD is a name for.
    """
    updated: list[bytes] = []
    divergent: list[bytes] = []
    for name, value in local.items():
        theirs = remote.get(name)
        if not selector.selects(name) or theirs == value:
            continue
        if theirs is not None and keep_divergent and not await is_ancestor(theirs, value):
            divergent.append(name)
        else:
            updated.append(name)
    updated.sort(key=lambda name: name != default)
    deleted: list[bytes] = []
    tip = None if default is None else local.get(default)
    if tip is not None and not keep_divergent:
        extra = [(name, theirs) for name, theirs in remote.items() if name not in local and selector.selects(name)]
        deleted = [name for name, theirs in extra if await is_ancestor(theirs, tip)]
    return Selection(tuple(updated), tuple(deleted), tuple(divergent[:MOST_DIVERGENT]))
