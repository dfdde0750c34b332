"""
The patterns of ``git for-each-ref``: a full name, the beginning of names up to a slash, or a glob.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from ..errors import Code, GitalyError
from .options import positional
from .wildmatch import SPECIAL, Matches, compiled

LONGEST = 1 << 17
"""Bytes of all patterns of one request, as many as the kernel lets git have in one argument."""

_EVERYTHING = b"refs/"


def _checked(given: Iterable[bytes]) -> tuple[bytes, ...]:
    patterns = tuple(map(positional, given))
    if sum(map(len, patterns)) > LONGEST:
        raise GitalyError("patterns too long", Code.INVALID_ARGUMENT)
    return patterns


@frozen
class RefPatterns:
    """
    :param patterns: a ref matches if it matches any of them; with none, all refs do.
    :raises GitalyError: for a pattern that git would take for an option.
    """

    patterns: Sequence[bytes] = field(converter=_checked)
    _globs: tuple[Matches, ...] = field(init=False)

    @_globs.default
    def _compiled(self) -> tuple[Matches, ...]:
        return tuple(compiled(pattern, components=True) for pattern in self.patterns if SPECIAL.search(pattern))

    @property
    def exact(self) -> bool:
        """
        Whether all that :func:`prefixes` lead to matches.
        """
        return not self._globs

    def prefixes(self) -> tuple[bytes, ...]:
        """
        Where the refs that match are, for :func:`gitaly_tx.git.interfaces.IRefs.list`. Others may be there, too.
        """
        found: dict[bytes, None] = {}
        for pattern in self.patterns:
            special = SPECIAL.search(pattern)
            if special is not None:
                pattern = pattern[: pattern.rfind(b"/", 0, special.start()) + 1]
                if _EVERYTHING.startswith(pattern):
                    return (_EVERYTHING,)
                found[pattern] = None
            elif pattern.endswith(b"/"):
                found[pattern] = None
            elif pattern:
                found[pattern] = found[pattern + b"/"] = None
        if not self.patterns or _EVERYTHING in found:
            return (_EVERYTHING,)
        return tuple(prefix for prefix in found if prefix.startswith(_EVERYTHING))

    def match(self, name: bytes) -> bool:
        """
        Whether a ref matches.
        """
        if not self.patterns:
            return True
        for pattern in self.patterns:
            if name.startswith(pattern) and (len(name) == len(pattern) or pattern[-1:] == b"/" or name[len(pattern)] == 0x2F):
                return True
        return any(matches(name) is not None for matches in self._globs)
