"""
What the log remembers beside its segments, in an :class:`~.interfaces.IKeyValue`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping

from attrs import frozen

from .entry import decode_checkpoint, encode_checkpoint, tag_of
from .interfaces import Head, IKeyValue, Partition

_STORAGE = b"storage"
_FIRST = b"first-segment"
_REFUSED = b"refused"


@frozen
class Remembered:
    """
    :param storage: 16 bytes that say whose log it is.
    :param first: the number of the oldest segment that is still needed.
    :param refused: why a partition takes no writes, by tag.
    """

    storage: bytes
    first: int
    refused: Mapping[bytes, str]


@frozen
class State:
    """
    Reads and writes it. The first segment's number and the checkpoints change together, before a segment is deleted: a segment is
    either needed and there, or not needed.
    """

    _map: IKeyValue

    async def read(self) -> Remembered:
        """
        What was remembered; a new storage gets its identity here.
        """
        storage = await self._map.get(_STORAGE)
        if storage is None:
            storage = os.urandom(16)
            await self._map.put([(_STORAGE, storage), (_FIRST, b"1")])
        return Remembered(storage, int(await self._map.get(_FIRST) or b"1"), await self._refused())

    async def checkpoints(self, tags: Iterable[bytes]) -> dict[bytes, tuple[str, Head]]:
        """
        Path and head of those partitions that have a checkpoint, by tag.
        """
        found = {}
        for tag in tags:
            value = await self._map.get(_head_key(tag))
            if value is not None:
                found[tag] = decode_checkpoint(value)
        return found

    async def checkpoint(self, heads: Mapping[Partition, Head], first: int | None = None) -> None:
        """
        Remember what is durable in the repositories.

        :param first: the oldest segment that is needed from now on.
        """
        items: list[tuple[bytes, bytes | None]] = [
            (_head_key(tag_of(partition.path)), encode_checkpoint(partition, head)) for partition, head in heads.items()
        ]
        if first is not None:
            items.append((_FIRST, str(first).encode("ascii")))
        if items:
            await self._map.put(items)

    async def refuse(self, refused: Mapping[bytes, str]) -> None:
        """
        Remember who takes no writes: these and no others.
        """
        value = json.dumps({tag.hex(): why for tag, why in refused.items()}).encode("ascii")
        await self._map.put([(_REFUSED, value)])

    async def _refused(self) -> dict[bytes, str]:
        value = await self._map.get(_REFUSED)
        return {} if value is None else {bytes.fromhex(tag): why for tag, why in json.loads(value).items()}


def _head_key(tag: bytes) -> bytes:
    return b"head/" + tag.hex().encode("ascii")
