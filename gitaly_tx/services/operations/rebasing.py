"""
Commits made anew on top of others, in a quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from ...errors import GitalyError
from ...git.ancestry import NoCommit, merge_base
from ...git.commits import Ident, NewCommit, write_commit
from ...git.interfaces import GitObject, IGit, IObjects
from ...git.merge import Side
from ...git.objectid import ObjectID
from ...git.parse import commit as commits
from ...git.peeling import EMPTY_TREES, parent, peeled_id, tree_of
from ...git.revisions import find
from ...git.revlist import walked
from ...storage.interfaces import IRepository, IStaging
from .merging import Changes, Conflicting, changing
from .picking import author

_OPTIONS = ("--cherry-pick", "--right-only", "--no-merges", "--topo-order", "--reverse")


class RebaseConflict(Conflicting):
    """
    Somebody has to decide about one of the commits.
    """

    def __init__(self, commit: ObjectID, paths: Sequence[bytes]) -> None:
        super().__init__(paths)
        self.text = f'rebase: commit "{commit}": {Conflicting.text}'


async def rebased(
    git: IGit, repository: IRepository, staging: IStaging, upstream: ObjectID, branch: ObjectID, committer: Ident
) -> ObjectID:
    """
    What ``branch`` has and ``upstream`` has not, on top of ``upstream``. Merges are left out, and what is there already as
    another commit; so are commits of which nothing is left, unless they were empty before.

    :param staging: where the new commits go; it may hold ``upstream``.
    :param committer: of all new commits.
    :returns: the last of them; one of the two if the other is in its history.
    :raises RebaseConflict: if it cannot be done without somebody's decision.
    :raises GitalyError: without a code: ``get merge-base: …``; ``rebase: …``.
    """
    seen = repository.through(staging)
    upstream = (await _commit(git, seen, upstream)).oid
    branch = (await _commit(git, seen, branch)).oid
    try:
        base = await merge_base(git, staging.directory, upstream, branch)
    except NoCommit as error:
        raise error.wrapped("get merge-base") from error
    if base is None:
        raise GitalyError("get merge-base: exit status 1")
    if base == upstream:
        return branch
    if base == branch:
        return upstream
    todo: list[ObjectID] = []
    async with aclosing(walked(git, staging.directory, _OPTIONS, [upstream + b"..." + branch])) as lines:
        async for batch in lines:
            todo += map(ObjectID, batch)
    async with changing(git, repository, staging) as changes:
        work = _Rebase(seen, staging, changes, committer, await _commit(git, seen, upstream))
        for oid in todo:
            await work.add(await _commit(git, seen, oid))
        return work.tip


async def _commit(git: IGit, repository: IRepository, oid: ObjectID) -> GitObject:
    found = await find(git, repository, oid, b"commit")
    if found is None:
        raise GitalyError("resolve commit: reference not found")
    return found


class _Rebase:
    """
    :ivar tip: the last commit so far.
    """

    def __init__(self, seen: IRepository, staging: IStaging, changes: Changes, committer: Ident, upstream: GitObject) -> None:
        self._seen = seen
        self._staging = staging
        self._changes = changes
        self._committer = committer
        self._tree = tree_of(upstream)
        self.tip = upstream.oid

    async def add(self, commit: GitObject) -> None:
        """
        Make a commit anew.
        """
        tree, base = await self._seen.look(lambda objects: _trees(objects, commit))
        merged = await self._changes.merge(base, Side(self._tree, self.tip), Side(tree, commit.oid))
        if not merged.clean:
            raise RebaseConflict(commit.oid, merged.paths)
        if merged.tree == self._tree and tree != base:
            return
        message = commits.commit(commit.data).message
        new = NewCommit(merged.tree, [self.tip], author(commit), self._committer, message)
        try:
            self.tip = await write_commit(self._staging.write_object, new)
        except GitalyError as error:
            raise error.wrapped(f'rebase: commit "{commit.oid}"') from error
        self._tree = merged.tree


def _trees(objects: IObjects, commit: GitObject) -> tuple[ObjectID, ObjectID]:
    """
    The trees of a commit and of its first parent; without one, that is the tree without entries.
    """
    first = parent(commit, 1)
    tree = None if first is None else peeled_id(objects, first, b"tree")
    if tree is None:
        tree = next(empty for empty in EMPTY_TREES if empty.format is commit.oid.format)
    return tree_of(commit), tree


__all__ = ["RebaseConflict", "rebased"]
