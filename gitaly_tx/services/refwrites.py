"""
Refs that a caller names, written; and why they were not, in Gitaly's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from attrs import frozen

from ..git.interfaces import RefRefused, RefUpdate, Refusal
from ..git.objectid import ObjectID
from ..git.refchecks import prefixes, refused_for_value
from ..hooks.unasked import Unasked
from ..slices import InSlices
from ..storage.interfaces import IRepository

LOCKED = "reference is already locked"
STATE_MISMATCH = "reference does not point to expected object"
MISSING = "target object missing"

_AT_ONCE = 250
"""Objects that are looked up in one turn in a thread: some milliseconds."""

_BRANCHES = b"refs/heads/"

_GIT_FAILED = "exit status 128"
"""What Gitaly says where git has no word that it knows."""

_TEXTS = {
    Refusal.MALFORMED: "invalid reference format",
    Refusal.EXISTS: "reference already exists",
    Refusal.LOCKED: LOCKED,
    Refusal.MISSING_OBJECT: MISSING,
}


@frozen
class Problem:
    """
    Why nothing was written.

    :param update: the first one that cannot be made.
    :param text: what is wrong with it.
    :param actual: what the ref is, where it is not what the caller believes.
    """

    update: RefUpdate
    text: str
    actual: ObjectID | None = None


async def write_refs(repository: IRepository, updates: Sequence[RefUpdate], unasked: Unasked) -> Problem | None:
    """
    Write refs, all or none, if the objects that they shall point at are there.

    :returns: ``None`` if they are written.
    :raises GitalyError: as :func:`gitaly_tx.storage.interfaces.IRepository.commit`.
    """
    wrong = await _wrong_targets(repository, updates)
    refused = await _outdated(repository, updates) if wrong else (await unasked.commit(repository, updates)).refused
    if not refused and not wrong:
        return None
    named = Counter([update.name async for update in InSlices(updates)])
    async for update in InSlices(updates):
        if update.name in refused:
            return _problem(update, refused[update.name], named)
        if update.name in wrong:
            return Problem(update, wrong[update.name])
    return None


async def _wrong_targets(repository: IRepository, updates: Sequence[RefUpdate]) -> Mapping[bytes, str]:
    """
    The refs that would point at nothing, and branches that would point at something else than a commit.
    """
    oids = list({update.new: None async for update in InSlices(updates) if not update.new.is_zero})
    types: dict[bytes, bytes] = {}
    for start in range(0, len(oids), _AT_ONCE):
        found = await repository.object_info(oids[start : start + _AT_ONCE])
        types.update((info.oid, info.type) for info in found if info is not None)
    wrong = {}
    async for update in InSlices(updates):
        if update.new.is_zero:
            continue
        type = types.get(update.new)
        if type is None:
            wrong[update.name] = MISSING
        elif type != b"commit" and update.name.startswith(_BRANCHES):
            wrong[update.name] = "target object not a commit"
    return wrong


async def _outdated(repository: IRepository, updates: Sequence[RefUpdate]) -> Mapping[bytes, RefRefused]:
    current = {ref.name: ref.target for ref in await repository.refs([update.name for update in updates])}
    refused = {}
    async for update in InSlices(updates):
        why = refused_for_value(update, current.get(update.name))
        if why is not None:
            refused[update.name] = why
    return refused


def _problem(update: RefUpdate, refused: RefRefused, named: Mapping[bytes, int]) -> Problem:
    if named[update.name] > 1:
        return Problem(update, "reference has been updated multiple times within a transaction")
    if refused.why is Refusal.CONFLICT:
        return Problem(update, _conflict(update.name, refused.other, named))
    if refused.why is Refusal.STALE and refused.actual is not None and not refused.actual.is_zero:
        return Problem(update, STATE_MISMATCH, refused.actual)
    return Problem(update, _TEXTS.get(refused.why, _GIT_FAILED))


def _conflict(name: bytes, other: bytes | None, named: Collection[bytes]) -> str:
    if other is not None and other in named and (other in prefixes(name) or name in prefixes(other)):
        return "conflicting reference updates in the same transaction"
    return "file directory conflict"
