"""
The refs that a repository is made with.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Code, GitalyError
from ..git.interfaces import RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..git.refchecks import refused_in_batch


def first_refs(refs: Mapping[bytes, ObjectID], object_format: ObjectFormat) -> tuple[RefUpdate, ...]:
    """
    The updates that make refs where there are none.

    :raises GitalyError: INVALID_ARGUMENT if one of them cannot be, alone or beside another one.
    """
    updates = tuple(RefUpdate(name, object_format.zero, oid) for name, oid in refs.items())
    for refused in refused_in_batch(updates, object_format).values():
        facts = {"ref": refused.name, "why": refused.why.value}
        raise GitalyError("repository cannot have such a reference", Code.INVALID_ARGUMENT, facts)
    for update in updates:
        if update.new.is_zero:
            raise GitalyError("reference without an object", Code.INVALID_ARGUMENT, {"ref": update.name})
    return updates
