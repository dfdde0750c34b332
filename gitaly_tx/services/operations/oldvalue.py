"""
What a caller believes a ref to be.
"""

from __future__ import annotations

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectID
from ...storage.interfaces import IRepository
from ..validate import object_id
from .refusals import invalid


async def expected_old(repository: IRepository, text: str) -> ObjectID | None:
    """
    The ``expected_old_oid`` of a request.

    :returns: ``None`` if the caller expects nothing.
    :raises GitalyError: INVALID_ARGUMENT if it is no id in full, or there is no such object.
    """
    if not text:
        return None
    try:
        oid = object_id(text, repository.object_format)
    except GitalyError as error:
        raise error.wrapped("invalid expected old object ID", Code.INVALID_ARGUMENT) from error
    if await repository.look(lambda objects: peeling.info(objects, oid)) is None:
        raise invalid("cannot resolve expected old object ID: reference not found")
    return oid


async def deleted(repository: IRepository, name: bytes, expected: str, missing: str) -> RefUpdate:
    """
    That a ref goes.

    :param expected: the request's ``expected_old_oid``. If that is empty, the ref may be what it is now.
    :param missing: what to say if there is none.
    :raises GitalyError: FAILED_PRECONDITION ``missing``, or as :func:`expected_old`.
    """
    old = await expected_old(repository, expected)
    if old is None:
        found = await repository.ref(name)
        if found is None:
            raise GitalyError(missing, Code.FAILED_PRECONDITION)
        old = found.target
    return RefUpdate(name, old, repository.object_format.zero)
