"""
The commit that a change begins at.
"""

from __future__ import annotations

from protocols.gitaly.shared_pb2 import Repository

from ...errors import Code, GitalyError
from ...git.objectid import ObjectID
from ...git.revisions import find
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..elsewhere import elsewhere
from .ports import OperationPorts
from .refusals import invalid

_WRONG = "resolve start ref"


async def started(
    ports: OperationPorts,
    call: Call,
    source: Repository | None,
    name: bytes,
    repository: IRepository,
    staging: IStaging,
) -> ObjectID:
    """
    Look a commit up, and see to it that it is here.

    :param source: the repository in which to look, reached by the caller's ``gitaly-servers`` even if it is the same; ``None``
        for ``repository``.
    :param name: of a branch, or any other revision: it is looked up as it is.
    :param staging: of ``repository``; where the commit goes if it is not there.
    :raises GitalyError: INVALID_ARGUMENT ``resolve start ref: reference not found``; INTERNAL ``remote repository: …``, ``fetch
        start: …``.
    """
    if source is None:
        found = await find(ports.git, repository, name, b"commit")
        if found is None:
            raise invalid(f"{_WRONG}: reference not found")
        return found.oid
    there = elsewhere(ports.git, ports.peers, call, source)
    try:
        oid = await there.commit(name + b"^{commit}")
    except GitalyError as error:
        raise error.wrapped(_WRONG, Code.INVALID_ARGUMENT) from error
    if oid is None:
        raise invalid(f"{_WRONG}: reference not found")
    try:
        await there.bring(oid, repository, staging)
    except GitalyError as error:
        raise error.wrapped("fetch start") from error
    return oid
