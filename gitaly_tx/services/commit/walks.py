"""
Commits that a walk over history finds: one child, its output read as it comes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from ...git.command import Command
from ...git.interfaces import Ended, IGit
from ...git.options import Flag, Option, Revision
from ...git.records import batches

UNMAPPED: Final = Flag("--no-mailmap")
"""For a ``git log`` that looks at no names: it would read HEAD's mailmap, which takes a fifth of the time of a short log."""


class WalkEnded(Exception):
    """
    The child said that it failed.

    :ivar ended: how.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(str(ended))
        self.ended = ended


async def lines(git: IGit, command: Command, separator: bytes = b"\n") -> AsyncGenerator[list[bytes], None]:
    """
    The lines that a command prints, several at a time.

    :raises WalkEnded: if it failed, after all that it printed.
    """
    child = git.spawn(command, stdin=False)
    try:
        async with aclosing(batches(child, separator)) as source:
            async for batch in source:
                yield batch
        ended = await child.wait()
    finally:
        child.kill()
    if ended.status:
        raise WalkEnded(ended)


async def whatever_comes(source: AsyncGenerator[list[bytes], None]) -> AsyncGenerator[list[bytes], None]:
    """
    The same, where a failure only means that there is nothing more: a revision that does not resolve, an empty repository.
    """
    try:
        async with aclosing(source):
            async for batch in source:
                yield batch
    except WalkEnded:
        return


def between(after: Timestamp | None, before: Timestamp | None) -> Iterator[Flag]:
    """
    The options for commits from one date on, up to another.
    """
    if after is not None:
        yield Flag(f"--max-age={after.seconds}")
    if before is not None:
        yield Flag(f"--min-age={before.seconds}")


def revision_options(revisions: Iterable[bytes]) -> Iterator[Option]:
    """
    Revisions as a command that walks takes them among its options: in their order, pseudo revisions and all.

    :param revisions: checked by :func:`~gitaly_tx.git.names.validate_revision`.
    """
    for revision in revisions:
        yield Flag(revision) if revision.startswith(b"--") else Revision(revision)


__all__ = ["UNMAPPED", "WalkEnded", "between", "lines", "revision_options", "whatever_comes"]
