"""
What cherry-picks and reverts have in common: a commit's change is done to a start, and a branch is moved to the result.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from protocols.gitaly.operations_pb2 import OperationBranchUpdate, UserCherryPickRequest, UserRevertRequest

from ...errors import Code, GitalyError
from ...git.ancestry import is_ancestor
from ...git.commits import Ident
from ...git.interfaces import GitObject, IObjects, RefUpdate
from ...git.names import is_branch_name
from ...git.objectid import ObjectID
from ...git.parse import commit as commits
from ...git.peeling import parent, peeled_id, tree_of
from ...git.revisions import find
from ...hooks.updateref import AccessError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES, has_branches
from .oldvalue import expected_old
from .ports import OperationPorts
from .refusals import described, invalid
from .start import started

PickRequest = UserCherryPickRequest | UserRevertRequest

_ZONE: Final = re.compile(rb"[+-][0-9]{4}\Z")


class Diverged(Exception):
    """
    The branch is not in the result's history.
    """

    def __init__(self, old: ObjectID, new: ObjectID) -> None:
        super().__init__("branch diverged")
        self.old = old
        self.new = new


def check(request: PickRequest) -> None:
    """
    :raises GitalyError: INVALID_ARGUMENT for what is missing.
    """
    if not request.HasField("user"):
        raise invalid("empty User")
    if not request.HasField("commit"):
        raise invalid("empty Commit")
    if not request.branch_name:
        raise invalid("empty BranchName")
    if not request.message:
        raise invalid("empty Message")


@frozen
class Pick:
    """
    One such call. Made by :func:`begun`.

    :param staging: where all that is made goes.
    :param start: the commit that the change is done to.
    :param before: its tree.
    :param fresh: the repository has no branch yet.
    """

    ports: OperationPorts
    call: Call
    request: PickRequest
    repository: IRepository
    staging: IStaging
    start: ObjectID
    before: ObjectID
    fresh: bool

    @property
    def seen(self) -> IRepository:
        """
        The repository with what is staged.
        """
        return self.repository.through(self.staging)

    async def commit(self, revision: str) -> GitObject | None:
        """
        A commit; ``None`` if there is none of that name.
        """
        return await find(self.ports.git, self.seen, revision.encode("utf-8"), b"commit")

    async def trees(self, commit: GitObject) -> tuple[ObjectID, ObjectID | None]:
        """
        The trees of a commit and of its first parent, if it has one.
        """

        def look(objects: IObjects) -> tuple[ObjectID, ObjectID | None]:
            first = parent(commit, 1)
            return tree_of(commit), None if first is None else peeled_id(objects, first, b"tree")

        return await self.seen.look(look)

    async def move(self, commit: ObjectID) -> OperationBranchUpdate:
        """
        Move the branch, or make it; for a dry run, to the start.

        :raises Diverged: if the branch is not in the result's history.
        :raises HookError: if a hook is against it.
        :raises GitalyError: INTERNAL ``update reference with hooks: …`` if the application is, or the ref cannot be moved.
        """
        request = self.request
        name = BRANCHES + request.branch_name
        old = await expected_old(self.repository, request.expected_old_oid)
        if old is None:
            found = await find(self.ports.git, self.repository, name, b"commit")
            old = None if found is None else found.oid
            if old is None and not is_branch_name(request.branch_name):
                text = "update reference with hooks: reference update: invalid reference format"
                raise GitalyError(text, Code.INTERNAL)
        new = self.start if request.dry_run else commit
        if old is not None and not await is_ancestor(self.ports.git, self.staging.directory, old, new):
            raise Diverged(old, new)
        update = RefUpdate(name, self.repository.object_format.zero if old is None else old, new)
        writer = Writer.of(request.user, request.repository, self.call.correlation_id)
        try:
            await self.ports.updater.update(self.repository, writer, [update], self.staging, made=True)
        except (AccessError, UpdateError) as error:
            raise GitalyError(f"update reference with hooks: {described(error)}", Code.INTERNAL) from error
        except GitalyError as error:
            raise error.wrapped("update reference with hooks") from error
        return OperationBranchUpdate(commit_id=str(new), branch_created=old is None, repo_created=self.fresh)


async def begun(ports: OperationPorts, call: Call, request: PickRequest, repository: IRepository, staging: IStaging) -> Pick:
    """
    Find the start.

    :raises GitalyError: as :func:`~gitaly_tx.services.operations.start.started`.
    """
    source = request.start_repository if request.HasField("start_repository") else None
    name = request.start_branch_name or request.branch_name
    start = await started(ports, call, source, name, repository, staging)
    found = await find(ports.git, repository.through(staging), start, b"commit")
    if found is None:
        raise GitalyError("ours commit lookup: commit not found", Code.NOT_FOUND)
    fresh = not await has_branches(repository)
    return Pick(ports, call, request, repository, staging, start, tree_of(found), fresh)


def author(commit: GitObject) -> Ident:
    """
    Who wrote a commit, and when, as far as it says so.
    """
    found = commits.commit(commit.data).author or commits.Person(b"")
    zone = found.zone if _ZONE.match(found.zone) else b"+0000"
    return Ident(found.name, found.email, found.seconds or 0, zone)


__all__ = ["Diverged", "Pick", "PickRequest", "author", "begun", "check"]
