"""
Many refs, changed at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from protocols.gitaly.errors_pb2 import InvalidRefFormatError, ReferencesLockedError, ReferenceStateMismatchError
from protocols.gitaly.ref_pb2 import UpdateReferencesError, UpdateReferencesRequest, UpdateReferencesResponse

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.names import check_ref
from ...git.objectid import ObjectFormat, ObjectID
from ...hooks.unasked import Unasked
from ...slices import InSlices
from ...storage.interfaces import IRepository, IStorageProvider
from ..refwrites import LOCKED, MISSING, STATE_MISMATCH, Problem, write_refs
from ..validate import given, object_id, opened

MAXIMUM = 100_000
"""The most updates of one call; a push may have as many."""


async def update_references(
    storage: IStorageProvider, unasked: Unasked, requests: AsyncIterator[UpdateReferencesRequest]
) -> UpdateReferencesResponse:
    """
    Create, update and delete refs, all or none, once the caller has sent the last of them.

    :raises GitalyError: INVALID_ARGUMENT for requests that are not well-formed; ABORTED for a ref that somebody has locked, or
        that is not what the caller believes; NOT_FOUND ``target object missing``; RESOURCE_EXHAUSTED for too many; INTERNAL
        ``committing update: …`` for the rest.
    """
    repository: IRepository | None = None
    updates: list[RefUpdate] = []
    async for request in requests:
        if repository is None:
            repository = await opened(storage, given(request))
        elif request.HasField("repository"):
            raise GitalyError("repository set in subsequent request", Code.INVALID_ARGUMENT)
        if not request.updates:
            raise GitalyError("no updates specified", Code.INVALID_ARGUMENT)
        if len(updates) + len(request.updates) > MAXIMUM:
            raise GitalyError("too many updates", Code.RESOURCE_EXHAUSTED, {"maximum": MAXIMUM})
        async for update in InSlices(request.updates):
            updates.append(_checked(update, repository.object_format))
    if repository is None:
        raise GitalyError("receiving initial request: EOF", Code.INTERNAL)
    problem = await write_refs(repository, updates, unasked)
    if problem is not None:
        raise _refusal(problem)
    return UpdateReferencesResponse()


def _checked(update: UpdateReferencesRequest.Update, object_format: ObjectFormat) -> RefUpdate:
    try:
        check_ref(update.reference)
    except GitalyError as error:
        wrong = UpdateReferencesError(invalid_format=InvalidRefFormatError(refs=[update.reference]))
        raise error.wrapped("validating reference", details=(wrong,)) from error
    old = _id("old", update.old_object_id, object_format) if update.old_object_id else None
    return RefUpdate(update.reference, old, _id("new", update.new_object_id, object_format))


def _id(which: str, given: bytes, object_format: ObjectFormat) -> ObjectID:
    try:
        return object_id(given.decode("utf-8", "replace"), object_format)
    except GitalyError as error:
        raise error.wrapped(f"validating {which} object ID") from error


def _refusal(problem: Problem) -> GitalyError:
    name = problem.update.name
    facts = {"ref": name}
    if problem.text == LOCKED:
        locked = UpdateReferencesError(references_locked=ReferencesLockedError(refs=[name]))
        return GitalyError(LOCKED, Code.ABORTED, facts, (locked,))
    if problem.text == STATE_MISMATCH:
        mismatch = ReferenceStateMismatchError(
            reference_name=name, expected_object_id=problem.update.old, actual_object_id=problem.actual
        )
        return GitalyError(STATE_MISMATCH, Code.ABORTED, facts, (UpdateReferencesError(reference_state_mismatch=mismatch),))
    if problem.text == MISSING:
        return GitalyError(MISSING, Code.NOT_FOUND, facts)
    return GitalyError(f"committing update: {problem.text}", Code.INTERNAL, facts)
