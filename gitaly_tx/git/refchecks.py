"""
Which ref updates can be made, as far as that can be said without touching a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from .interfaces import RefRefused, RefUpdate, Refusal
from .names import is_valid_ref
from .objectid import ObjectFormat, ObjectID

DIRECTORIES = frozenset({b"refs/heads", b"refs/tags"})
"""Names that are well-formed, and would leave no room for branches or tags if they were refs."""


def prefixes(name: bytes) -> Iterator[bytes]:
    """
    The names that a ref of this name excludes because they would be its directories: ``refs/heads/a`` for ``refs/heads/a/b``.
    The shortest comes first; ``refs`` and ``refs/heads`` alike are among them.
    """
    end = name.find(b"/")
    while end >= 0:
        yield name[:end]
        end = name.find(b"/", end + 1)


def in_the_way(gone: Collection[bytes], made: Collection[bytes]) -> bool:
    """
    Whether a ref that is to be deleted is in the way of the name of one that is to be made.
    """
    if not gone or not made:
        return False
    return any(prefix in gone for name in made for prefix in prefixes(name)) or any(
        prefix in made for name in gone for prefix in prefixes(name)
    )


def refused_in_batch(updates: Sequence[RefUpdate], object_format: ObjectFormat | None = None) -> dict[bytes, RefRefused]:
    """
    The updates of a batch that cannot be made, whatever the repository holds: malformed names, :data:`DIRECTORIES`, refs that
    are named more than once, and of two names that cannot be refs at once the later one, even if it is to be deleted.

    :param object_format: of the repository, if ids of the other one are to be refused, too.
    """
    refused: dict[bytes, RefRefused] = {}
    seen: set[bytes] = set()
    below: dict[bytes, bytes] = {}
    for update in updates:
        name = update.name
        if not is_valid_ref(name):
            refused[name] = RefRefused(name, Refusal.MALFORMED)
            continue
        if object_format is not None and update.new.format is not object_format:
            refused[name] = RefRefused(name, Refusal.MISSING_OBJECT)
            continue
        if name in DIRECTORIES:
            refused[name] = RefRefused(name, Refusal.CONFLICT)
            continue
        if name in seen:
            refused[name] = RefRefused(name, Refusal.STALE)
            continue
        # Most names are in a directory with others; of one that holds a ref it is known already that nothing is in its way.
        new = name.rpartition(b"/")[0] not in below
        other = below.get(name) or (next((prefix for prefix in prefixes(name) if prefix in seen), None) if new else None)
        if other is not None:
            refused[name] = RefRefused(name, Refusal.CONFLICT, other=other)
            continue
        seen.add(name)
        for prefix in prefixes(name) if new else ():
            below.setdefault(prefix, name)
    return refused


def refused_for_value(update: RefUpdate, actual: ObjectID | None) -> RefRefused | None:
    """
    Compare what a writer believes of a ref with what it is.

    :param actual: its value; ``None`` if it does not exist, which a refusal tells as the zero id.
    """
    if update.old is None:
        return None
    if actual is None:
        return None if update.old.is_zero else RefRefused(update.name, Refusal.STALE, update.old.format.zero)
    if update.old.is_zero:
        return RefRefused(update.name, Refusal.EXISTS, actual)
    return None if update.old == actual else RefRefused(update.name, Refusal.STALE, actual)


def matches(name: bytes, patterns: Sequence[bytes]) -> bool:
    """
    Whether a ref is one of ``patterns`` or below one; each ends in ``/`` or is a full name.
    """
    return any(name.startswith(pattern) if pattern.endswith(b"/") else name == pattern for pattern in patterns)
