"""
Commits as messages, many at a time: up to a few hundred in one turn in a thread, a reply's worth at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, TypeVar

from protocols.gitaly.shared_pb2 import GitCommit

from ...git.interfaces import IObjects
from ...git.objectid import ObjectID
from ...git.parse.mailmap import Mailmap
from ...git.peeling import read
from ...rpc.chunks import REPLY, batched
from ...storage.interfaces import IRepository
from ..wire import commit_message
from .ports import CommitPorts

AT_ONCE: Final = 256
"""Commits that are read in one turn in a thread: some milliseconds."""

FEW: Final = 32
"""Commits that need no thread, if they are in memory."""

T = TypeVar("T")

Make = Callable[[IObjects, T, Mailmap], GitCommit | None]
"""Makes the message of what was asked for; ``None`` to leave it out."""


async def found(
    ports: CommitPorts, repository: IRepository, wanted: AsyncGenerator[Sequence[T], None], make: Make[T]
) -> AsyncGenerator[list[tuple[T, GitCommit]], None]:
    """
    The commits that ``make`` finds, with what they were wanted as, in the order in which they were wanted.

    :param wanted: in lists of any length; closed at the end.
    :returns: lists that fit into a reply; none that is empty.
    """
    mailmap = await ports.mailmaps.of(repository)
    batch: list[tuple[T, GitCommit]] = []
    weight = 0
    async with aclosing(wanted):
        async for several in wanted:
            for start in range(0, len(several), AT_ONCE):
                part = several[start : start + AT_ONCE]
                look = repository.glance if len(part) <= FEW else repository.look
                for item, commit, size in await look(partial(_made, part, make, mailmap)):
                    if batch and weight + size >= REPLY:
                        yield batch
                        batch, weight = [], 0
                    batch.append((item, commit))
                    weight += size
    if batch:
        yield batch


def in_replies(found: Iterable[GitCommit]) -> Iterator[list[GitCommit]]:
    """
    Commits that are there already, in lists that fit into a reply; none that is empty.
    """
    return batched(found, lambda commit: commit.ByteSize() + 4)


def _made(wanted: Sequence[T], make: Make[T], mailmap: Mailmap, objects: IObjects) -> list[tuple[T, GitCommit, int]]:
    made = []
    for item in wanted:
        commit = make(objects, item, mailmap)
        if commit is not None:
            made.append((item, commit, commit.ByteSize() + 4))
    return made


async def commits(
    ports: CommitPorts, repository: IRepository, ids: AsyncGenerator[Sequence[bytes], None]
) -> AsyncGenerator[list[GitCommit], None]:
    """
    The commits with these ids, which git has just named.

    :raises ObjectNotFound: if one has gone meanwhile.
    """
    async with aclosing(found(ports, repository, ids, _make)) as batches:
        async for batch in batches:
            yield [commit for _, commit in batch]


def _make(objects: IObjects, oid: bytes, mailmap: Mailmap) -> GitCommit:
    return commit_message(read(objects, ObjectID(oid)), mailmap)
