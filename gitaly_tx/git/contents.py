"""
The content of an object as a stream, whatever its size.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Final, Protocol

from ..errors import Code, GitalyError
from .command import Command
from .directory import GitDirectory
from .interfaces import GitObject, IGit, ObjectInfo
from .objectid import ObjectID
from .records import pieces

IN_MEMORY: Final = 1 << 20
"""Bytes; larger objects come from a ``git cat-file``, so that they are never whole in this process."""


class Readable(Protocol):
    """
    What is needed of a repository.
    """

    @property
    def directory(self) -> GitDirectory:
        """
        Where it lies.
        """

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        One object.
        """


async def contents(git: IGit, repository: Readable, info: ObjectInfo, limit: int | None = None) -> AsyncGenerator[bytes, None]:
    """
    :param info: what is known of the object.
    :param limit: stop after so many bytes.
    :returns: pieces of at most :data:`IN_MEMORY` bytes. Whoever stops half-way closes the iterator.
    :raises ObjectNotFound: if the object has gone meanwhile.
    :raises GitalyError: INTERNAL if it cannot be read.
    """
    wanted = info.size if limit is None else min(limit, info.size)
    if not wanted:
        return
    if info.size <= IN_MEMORY:
        yield (await repository.object(info.oid)).data[:wanted]
        return
    child = git.spawn(Command("cat-file", arguments=[info.type, info.oid], directory=repository.directory), stdin=False)
    try:
        async with aclosing(pieces(child)) as source:
            async for piece in source:
                yield piece[:wanted]
                wanted -= len(piece)
                if wanted <= 0:
                    return
        ended = await child.wait()
    finally:
        child.kill()
    facts = {"oid": str(info.oid), "stderr": ended.stderr.decode("utf-8", "replace")}
    raise GitalyError(f"reading object: {ended}", Code.INTERNAL, facts)
