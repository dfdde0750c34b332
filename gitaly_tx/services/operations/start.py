"""
The commit that a change begins at.
"""

from __future__ import annotations

from ...git.objectid import ObjectID
from ...git.revisions import find
from ...storage.interfaces import IRepository
from .ports import OperationPorts
from .refusals import invalid


async def start_here(ports: OperationPorts, repository: IRepository, name: bytes) -> ObjectID:
    """
    :param name: of a branch, or any other revision: it is looked up as it is.
    :raises GitalyError: INVALID_ARGUMENT ``resolve start ref: reference not found``.
    """
    found = await find(ports.git, repository, name, b"commit")
    if found is None:
        raise invalid("resolve start ref: reference not found")
    return found.oid
