"""
Commits and tags as messages, for many refs at once.

What a ref points at never changes, so messages that were made are kept for the next caller: lists of branches and tags are asked
for again and again. Which refs there are is looked up every time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from google.protobuf.message import Message

from ...git.interfaces import IObjects, Reference
from ...git.parse.mailmap import Mailmap
from ...rpc.chunks import REPLY
from ...storage.interfaces import IRepository

M = TypeVar("M", bound=Message)

Make = Callable[[IObjects, Reference, Mailmap], M]
"""Makes a ref's message; it runs in a thread, and its result is used as a part of replies, as often as may be."""

_AT_ONCE = 100
"""Refs whose objects are read in one turn in a thread: some milliseconds."""

_OVERHEAD = 500
"""Bytes that a kept message takes besides its own."""


class Messages(Generic[M]):
    """
    :param make: makes a message.
    :param maximum: bytes of messages that are kept, over all repositories; nearly so.
    """

    def __init__(self, make: Make[M], maximum: int = 16 << 20) -> None:
        self._make = make
        self._maximum = maximum
        self._kept: OrderedDict[Hashable, tuple[M, int]] = OrderedDict()
        self._bytes = 0

    async def of(
        self, repository: IRepository, mailmap: Mailmap, refs: Sequence[Reference]
    ) -> AsyncGenerator[list[tuple[Reference, M]], None]:
        """
        The refs with their messages, in lists that fit into a reply; none that is empty.

        :raises GitalyError: what ``make`` raises, once all before are out.
        """
        batch: list[tuple[Reference, M]] = []
        weight = 0
        for start in range(0, len(refs), _AT_ONCE):
            part = refs[start : start + _AT_ONCE]
            for ref, (message, size) in zip(part, await self._found(repository, mailmap, part), strict=True):
                if batch and weight + size >= REPLY:
                    yield batch
                    batch, weight = [], 0
                batch.append((ref, message))
                weight += size
        if batch:
            yield batch

    async def one(self, repository: IRepository, mailmap: Mailmap, ref: Reference) -> M:
        """
        The message of one ref.
        """
        ((message, _),) = await self._found(repository, mailmap, [ref])
        return message

    async def _found(self, repository: IRepository, mailmap: Mailmap, refs: Sequence[Reference]) -> list[tuple[M, int]]:
        # Another mailmap is another object, and one that has gone is not mistaken for a new one as long as it is a key.
        keys = [(repository.directory, ref.name, ref.target, mailmap) for ref in refs]
        found = [self._kept.get(key) for key in keys]
        unknown = [index for index, known in enumerate(found) if known is None]
        if unknown:
            wanted = [refs[index] for index in unknown]
            made = await repository.look(partial(self._made, wanted, mailmap))
            for index, message in zip(unknown, made, strict=True):
                found[index] = message
                self._keep(keys[index], message)
        for key in keys:
            if key in self._kept:
                self._kept.move_to_end(key)
        return [known for known in found if known is not None]

    def _made(self, refs: Sequence[Reference], mailmap: Mailmap, objects: IObjects) -> list[tuple[M, int]]:
        messages = [self._make(objects, ref, mailmap) for ref in refs]
        return [(message, message.ByteSize() + len(ref.name)) for ref, message in zip(refs, messages, strict=True)]

    def _keep(self, key: Hashable, made: tuple[M, int]) -> None:
        if key in self._kept:
            return
        self._kept[key] = made
        self._bytes += made[1] + _OVERHEAD
        while self._bytes > self._maximum:
            _, (_, size) = self._kept.popitem(last=False)
            self._bytes -= size + _OVERHEAD


__all__ = ["Make", "Messages"]
