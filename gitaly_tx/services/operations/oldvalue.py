"""
What a caller believes a ref to be.
"""

from __future__ import annotations

from ...errors import Code, GitalyError
from ...git import peeling
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
