"""
One ref, or HEAD.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import WriteRefRequest, WriteRefResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IGit, RefUpdate
from ...git.names import is_valid_ref, validate_revision
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import resolve
from ...hooks.unasked import Unasked
from ...storage.interfaces import IRepository, IStorageProvider
from ..refwrites import LOCKED, write_refs
from ..validate import given, opened

HEAD = b"HEAD"


async def write_ref(storage: IStorageProvider, git: IGit, unasked: Unasked, request: WriteRefRequest) -> WriteRefResponse:
    """
    Create, update or delete a ref, or make HEAD a name for another one, which need not exist.

    :raises GitalyError: INVALID_ARGUMENT for names and revisions that cannot be; ABORTED ``reference is locked already``;
        INTERNAL for a revision that does not exist, ``error when running update-ref command: …`` for the rest, and ``setting
        default branch: …``.
    """
    repository = await opened(storage, given(request))
    _validate(request)
    if request.ref == HEAD:
        await _point_head(unasked, repository, request.revision)
        return WriteRefResponse()
    zero = repository.object_format.zero
    new = zero if request.revision == zero else await _resolved(git, repository, request.revision, "new")
    old: ObjectID | None = None
    if request.old_revision:
        old = zero if request.old_revision == zero else await _resolved(git, repository, request.old_revision, "old")
    problem = await write_refs(repository, [RefUpdate(request.ref, old, new)], unasked)
    if problem is None:
        return WriteRefResponse()
    if problem.text == LOCKED:
        raise GitalyError("reference is locked already", Code.ABORTED, {"ref": request.ref})
    raise GitalyError(f"error when running update-ref command: {problem.text}", Code.INTERNAL, {"ref": request.ref})


def _validate(request: WriteRefRequest) -> None:
    for field, revision, optional in (
        ("ref", request.ref, False),
        ("revision", request.revision, False),
        ("OldRevision", request.old_revision, True),
    ):
        if optional and not revision:
            continue
        try:
            validate_revision(revision)
        except GitalyError as error:
            raise error.wrapped(f"invalid {field}") from error
    if request.ref != HEAD and not request.ref.startswith(b"refs/"):
        raise GitalyError("ref has to be a full reference", Code.INVALID_ARGUMENT, {"ref": request.ref})


async def _point_head(unasked: Unasked, repository: IRepository, target: bytes) -> None:
    if not is_valid_ref(target):
        raise GitalyError(f"setting default branch: {quoted(target)} is a malformed refname", Code.INTERNAL)
    await unasked.commit(repository, head=target)


async def _resolved(git: IGit, repository: IRepository, revision: bytes, which: str) -> ObjectID:
    found = await resolve(git, repository, revision + b"^{object}")
    if found is None:
        raise GitalyError(f"resolving {which} revision: reference not found", Code.INTERNAL, {"revision": revision})
    return found
