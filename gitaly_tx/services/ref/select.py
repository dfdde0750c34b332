"""
Refs by pattern, by what they point at, and in an order: ``git for-each-ref`` without the git.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...git.interfaces import IObjects, Reference
from ...git.objectid import ObjectID
from ...git.reforder import BY_NAME, RefOrder, points_at
from ...git.refpatterns import RefPatterns
from ...storage.interfaces import IRepository

_AT_ONCE = 500


async def selected(
    repository: IRepository,
    patterns: RefPatterns,
    *,
    order: RefOrder = BY_NAME,
    pointing_at: Collection[ObjectID] = (),
) -> Sequence[Reference]:
    """
    The refs that match.

    :param pointing_at: with any, only refs that point at one of them, or at a tag of one.
    :raises ObjectNotFound: if a ref's object is needed and missing.
    """
    refs = await repository.refs(patterns.prefixes())
    if not (pointing_at or order.needs_objects or (len(refs) > _AT_ONCE and not (patterns.exact and order == BY_NAME))):
        return order.sort(_matching(refs, patterns))

    def select(objects: IObjects) -> Sequence[Reference]:
        found = _matching(refs, patterns)
        if pointing_at:
            found = [ref for ref in found if points_at(objects, ref, pointing_at)]
        return order.sort(found, objects)

    return await repository.look(select)


def _matching(refs: Sequence[Reference], patterns: RefPatterns) -> Sequence[Reference]:
    return refs if patterns.exact else [ref for ref in refs if patterns.match(ref.name)]
