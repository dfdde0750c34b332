"""
The few commits that most walks are begun for, without a git.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from google.protobuf.message import Message

from protocols.gitaly.shared_pb2 import GitCommit

from ...git.interfaces import IObjects
from ...git.newest import MOST, newest
from ...git.revisions import resolve
from ...storage.interfaces import IRepository
from ..wire import commit_message
from .ports import CommitPorts
from .replies import FEW


def says_no_more_than(request: Message, fields: Collection[str]) -> bool:
    """
    Whether a request leaves everything but some fields as it is by default.
    """
    return all(field.name in fields for field, _ in request.ListFields())


async def newest_commits(
    ports: CommitPorts,
    repository: IRepository,
    revisions: Sequence[bytes],
    skip: int,
    count: int,
    *,
    first_parent: bool = False,
    with_trailers: bool = False,
) -> list[GitCommit] | None:
    """
    The first commits that git would list.

    :param revisions: checked by :func:`~gitaly_tx.git.names.validate_revision`.
    :returns: ``None`` if that takes a git: they are too many, a revision stands for no single commit, or as
        :func:`~gitaly_tx.git.newest.newest` says.
    """
    if not (skip >= 0 < count and skip + count <= MOST):
        return None
    starts = []
    for revision in revisions:
        start = None if revision.startswith((b"-", b"^")) else await resolve(ports.git, repository, revision)
        if start is None:
            return None
        starts.append(start)
    mailmap = await ports.mailmaps.of(repository)

    def make(objects: IObjects) -> list[GitCommit] | None:
        found = newest(objects, repository.directory, starts, skip + count, first_parent=first_parent)
        if found is None:
            return None
        return [commit_message(commit, mailmap, with_trailers=with_trailers) for commit in found[skip:]]

    look = repository.glance if skip + count <= FEW else repository.look
    return await look(make)


__all__ = ["newest_commits", "says_no_more_than"]
