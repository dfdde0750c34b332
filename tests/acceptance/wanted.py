"""
What refs must be, as their writers go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from . import inspection

Refs = dict[str, str | None]
"""What refs must be; ``None`` for one that must not be."""

Steady = tuple[Refs, Counter[tuple[str, str]]]


@define
class Wanted:
    """
    The refs of several repositories. Each has one writer at a time.

    :ivar refs: what they must be, by repository.
    """

    refs: dict[str, Refs] = field(converter=lambda paths: {path: {} for path in paths})
    _begun: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    _pending: set[tuple[str, str]] = field(factory=set, init=False)

    @contextmanager
    def writing(self, path: str, updates: Refs) -> Iterator[None]:
        """
        While this goes on, refs may or may not have their new values; after it they have.
        """
        keys = {(path, ref) for ref in updates}
        self._begun.update(keys)
        self._pending |= keys
        yield
        self._pending -= keys
        self.refs[path].update(updates)

    def steady(self, path: str) -> Steady:
        """
        The refs that nobody writes at the moment, to be compared with what is found a little later (:meth:`unmoved`).
        """
        refs = {ref: oid for ref, oid in self.refs[path].items() if (path, ref) not in self._pending}
        return refs, self._begun.copy()

    def unmoved(self, path: str, steady: Steady) -> Refs:
        """
        Of those refs, the ones that nobody began to write since.
        """
        refs, begun = steady
        return {ref: oid for ref, oid in refs.items() if self._begun[path, ref] == begun[path, ref]}

    def wrong_with(self, storage: Path, path: str) -> list[str]:
        """
        Look at a repository; blocks.

        :returns: what is not as it must be.
        """
        found = inspection.refs(storage / path)
        return [
            *differences(path, dict.fromkeys(found or (), None) | self.refs[path], found),
            *inspection.unsound(storage / path),
        ]


def differences(path: str, expected: Refs, found: dict[str, str] | None) -> list[str]:
    """
    :param found: the refs that are there; ``None`` if there is no repository.
    :returns: those that are not as expected, in words.
    """
    there = found or {}
    return [f"{path} {ref}: {there.get(ref)}, not {oid}" for ref, oid in sorted(expected.items()) if there.get(ref) != oid]
