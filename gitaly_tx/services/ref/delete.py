"""
Refs that end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocols.gitaly.errors_pb2 import InvalidRefFormatError, ReferencesLockedError
from protocols.gitaly.ref_pb2 import DeleteRefsError, DeleteRefsRequest, DeleteRefsResponse

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.names import validate_revision
from ...hooks.unasked import Unasked
from ...storage.interfaces import IStorageProvider
from ..refwrites import LOCKED, Problem, write_refs
from ..validate import given, opened


async def delete_refs(storage: IStorageProvider, unasked: Unasked, request: DeleteRefsRequest) -> DeleteRefsResponse:
    """
    Delete refs, all or none, whatever they point at: those that are named, or all that begin with none of some prefixes. A
    symbolic ref is deleted itself; one that does not exist is as it should be.

    :raises GitalyError: INVALID_ARGUMENT for a request that names nothing, or names badly; ABORTED ``cannot lock references``;
        INTERNAL ``unable to prepare: …`` for what git alone refuses.
    """
    repository = await opened(storage, given(request))
    _check(request.refs, request.except_with_prefix)
    names: Sequence[bytes] = request.refs
    if request.except_with_prefix:
        kept = tuple(request.except_with_prefix)
        names = [ref.name for ref in await repository.refs() if not ref.name.startswith(kept)]
    zero = repository.object_format.zero
    problem = await write_refs(repository, [RefUpdate(name, None, zero, follow=False) for name in names], unasked)
    if problem is not None:
        raise _refusal(problem)
    return DeleteRefsResponse()


def _check(names: Sequence[bytes], kept: Sequence[bytes]) -> None:
    for wrong, text in (
        (names and kept, "ExceptWithPrefix and Refs are mutually exclusive"),
        (not names and not kept, "empty ExceptWithPrefix and Refs"),
        (b"" in kept, "empty prefix for exclusion"),
        (b"" in names, "empty ref"),
    ):
        if wrong:
            raise GitalyError(text, Code.INVALID_ARGUMENT)
    malformed = _malformed(names)
    if malformed:
        detail = DeleteRefsError(invalid_format=InvalidRefFormatError(refs=malformed))
        raise GitalyError("invalid references", Code.INVALID_ARGUMENT, {"refs": malformed}, (detail,))


def _malformed(names: Iterable[bytes]) -> list[bytes]:
    found = []
    for name in names:
        try:
            validate_revision(name)
        except GitalyError:
            found.append(name)
    return found


def _refusal(problem: Problem) -> GitalyError:
    name = problem.update.name
    if problem.text == LOCKED:
        locked = DeleteRefsError(references_locked=ReferencesLockedError(refs=[name]))
        return GitalyError("cannot lock references", Code.ABORTED, {"ref": name}, (locked,))
    return GitalyError(f"unable to prepare: {problem.text}", Code.INTERNAL, {"ref": name})
