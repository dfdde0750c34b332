"""
Refs that only a walk over history can tell: those that contain a commit, those that another contains.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import Ended, IGit, Reference
from ...git.options import Flag
from ...git.parse.foreachref import FORMAT, parse_ref
from ...git.records import batches
from ...git.refpatterns import RefPatterns
from ...storage.interfaces import IRepository


class ListingFailed(GitalyError):
    """
    ``git for-each-ref`` failed.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(str(ended), Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
        self.status = ended.status


async def listed(
    git: IGit, repository: IRepository, patterns: RefPatterns, options: Sequence[Flag]
) -> AsyncGenerator[list[Reference], None]:
    """
    What ``git for-each-ref`` finds, several at a time. The iterator is closed by whoever stops before its end.

    :raises ListingFailed: if git failed, which may be after some refs.
    """
    command = Command("for-each-ref", [Flag(FORMAT), *options], patterns.patterns, directory=repository.directory)
    child = git.spawn(command, stdin=False)
    try:
        async with aclosing(batches(child)) as lines:
            async for some in lines:
                yield [parse_ref(line) for line in some]
        ended = await child.wait()
    finally:
        child.kill()
    if ended.status:
        raise ListingFailed(ended)


async def all_listed(git: IGit, repository: IRepository, patterns: RefPatterns, options: Sequence[Flag]) -> list[Reference]:
    """
    The same, all at once.
    """
    found: list[Reference] = []
    async with aclosing(listed(git, repository, patterns, options)) as parts:
        async for part in parts:
            found.extend(part)
    return found
