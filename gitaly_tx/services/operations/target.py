"""
The refs of merge requests: what an application merges or rebases for a look at the result.
"""

from __future__ import annotations

from ...errors import Code, GitalyError
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.refpatterns import RefPatterns
from ...storage.interfaces import IRepository
from .oldvalue import expected_old
from .refusals import invalid

_MERGE_REQUESTS = b"refs/merge-requests"


def is_target(name: bytes) -> bool:
    """
    Whether a ref may be written that way.
    """
    return name.startswith(_MERGE_REQUESTS) and b"\0" not in name


async def old_value(repository: IRepository, name: bytes, expected: str) -> ObjectID:
    """
    What the ref has to be when it is written: what the caller expects, or what it is now. The name is one for many if it is what
    names of refs begin with.

    :param expected: the request's ``expected_old_oid``.
    :raises GitalyError: FAILED_PRECONDITION ``target reference is symbolic: "X"``; INVALID_ARGUMENT ``target reference is
        ambiguous: …``, and as :func:`~gitaly_tx.services.operations.oldvalue.expected_old`.
    """
    old = await expected_old(repository, expected)
    if old is not None:
        return old
    patterns = RefPatterns([name])
    found = next((ref for ref in await repository.refs(patterns.prefixes()) if patterns.match(ref.name)), None)
    if found is None:
        return repository.object_format.zero
    if found.name != name:
        conflict = f"reference is ambiguous: conflicts with {quoted(found.name)}"
        raise invalid(f"target reference is ambiguous: {conflict}")
    if found.symbolic is not None:
        raise GitalyError(f"target reference is symbolic: {quoted(name)}", Code.FAILED_PRECONDITION)
    return found.target
