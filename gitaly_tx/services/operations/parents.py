"""
What a new commit is made on: a branch's commit, or one that the caller names, here or in another repository.
"""

from __future__ import annotations

from protocols.gitaly.operations_pb2 import UserCommitFilesRequestHeader
from protocols.gitaly.shared_pb2 import Repository

from ...errors import GitalyError
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import find
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES, has_branches
from ..elsewhere import Elsewhere, elsewhere
from ..validate import object_id
from .ports import OperationPorts


async def base_commits(
    ports: OperationPorts, call: Call, header: UserCommitFilesRequestHeader, repository: IRepository, staging: IStaging
) -> tuple[ObjectID | None, ObjectID | None]:
    """
    :param staging: of ``repository``; where the parent goes if it is in another repository only.
    :returns: what the target branch is now, and what the commit is made on; ``None`` for none.
    :raises GitalyError: INTERNAL ``resolve parent commit: …``, ``fetch missing commit: …``.
    """
    found = await repository.ref(BRANCHES + header.branch_name)
    target = None if found is None else found.target
    source = _other(header)

    def there() -> Elsewhere | None:
        return None if source is None else elsewhere(ports.git, ports.peers, call, source)

    if header.start_sha:
        parent: ObjectID | None = object_id(header.start_sha, repository.object_format)
    else:
        try:
            parent = await _parent(ports, header, repository, there(), target)
        except GitalyError as error:
            raise error.wrapped("resolve parent commit") from error
    if parent is not None and parent != target and await find(ports.git, repository, parent, b"commit") is None:
        try:
            await _bring(repository, staging, there(), parent)
        except GitalyError as error:
            raise error.wrapped("fetch missing commit") from error
    return target, parent


def _other(header: UserCommitFilesRequestHeader) -> Repository | None:
    """
    The repository to start from, if it is another one.
    """
    if not header.HasField("start_repository"):
        return None
    start, own = header.start_repository, header.repository
    same = (start.storage_name, start.relative_path) == (own.storage_name, own.relative_path)
    return None if same else start


async def _parent(
    ports: OperationPorts,
    header: UserCommitFilesRequestHeader,
    repository: IRepository,
    there: Elsewhere | None,
    target: ObjectID | None,
) -> ObjectID | None:
    if there is None and not header.start_branch_name:
        return target
    # Who makes the first branch names as the start what is not there yet.
    if not await (has_branches(repository) if there is None else there.has_branches()):
        return target
    refish = BRANCHES + (header.start_branch_name or header.branch_name) + b"^{commit}"
    if there is None:
        commit = await find(ports.git, repository, refish, b"commit")
        found = None if commit is None else commit.oid
    else:
        found = await there.commit(refish)
    if found is None:
        where = "*localrepo.Repo" if there is None else "*remoterepo.Repo"
        raise GitalyError(f"resolving refish {quoted(refish)} in {where}: reference not found")
    return found


async def _bring(repository: IRepository, staging: IStaging, there: Elsewhere | None, oid: ObjectID) -> None:
    if there is None:
        raise GitalyError("lookup parent commit: reference not found")
    await staging.show()
    try:
        await there.bring(oid, repository, staging)
    except GitalyError as error:
        raise error.wrapped("fetch") from error
