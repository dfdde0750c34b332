"""
The content of blobs in pieces that fit into messages.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from attrs import frozen

from ...git.contents import IN_MEMORY, contents
from ...git.errors import ObjectNotFound, ObjectTooLarge
from ...git.interfaces import IGit, IObjects, ObjectInfo
from ...git.objectid import ObjectID
from ...rpc.chunks import cut
from ...storage.interfaces import IRepository


@frozen
class Looked:
    """
    :param data: the content, if it was small enough.
    """

    info: ObjectInfo
    data: bytes | None = None


def look(objects: IObjects, oid: ObjectID, maximum: int = IN_MEMORY) -> Looked | None:
    """
    :param maximum: bytes of a content that is read at once; 0 for none.
    :returns: ``None`` if there is no such object.
    """
    if maximum:
        try:
            found = objects.read(oid, maximum)
        except ObjectTooLarge:
            pass
        except ObjectNotFound:
            return None
        else:
            return Looked(ObjectInfo(oid, found.type, len(found.data)), found.data)
    info = objects.info(oid)
    return None if info is None else Looked(info)


def look_all(objects: IObjects, oids: Sequence[ObjectID], maximum: int) -> list[Looked | None]:
    """
    Several of them.
    """
    return [look(objects, oid, maximum) for oid in oids]


async def pieces_of(git: IGit, repository: IRepository, found: Looked, limit: int | None) -> AsyncGenerator[bytes, None]:
    """
    A content in pieces of at most :data:`~gitaly_tx.rpc.chunks.CHUNK` bytes, none of them empty. The iterator is closed by
    whoever stops before its end.

    :param limit: bytes; ``None`` for all.
    """
    if found.data is not None:
        for piece in cut(found.data[:limit]):
            yield piece
        return
    async with aclosing(contents(git, repository, found.info, limit)) as source:
        async for data in source:
            for piece in cut(data):
                yield piece


def limit_of(number: int) -> int | None:
    """
    How many bytes a request wants: a negative number is all of them.
    """
    return None if number < 0 else number
