"""
Which ``.mailmap`` counts for a repository: the one at HEAD, as for git in a bare repository.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .interfaces import IObjects
from .objectid import ObjectID
from .parse.mailmap import NONE, Mailmap
from .peeling import below, peeled
from .revisions import Readable

_NAME: Final = b".mailmap"

_LARGEST: Final = 16 << 20
"""Bytes; a larger file is passed over."""


class Mailmaps:
    """
    Remembers by commit, so that nothing has to be looked at again.

    :param maximum: how many commits are remembered. A content that several commits share is there once.
    """

    def __init__(self, maximum: int = 512) -> None:
        self._parsed = lru_cache(32)(Mailmap)
        self._maximum = maximum
        self._known: dict[ObjectID, Mailmap] = {}

    async def of(self, repository: Readable) -> Mailmap:
        """
        The mailmap of a repository; :data:`~gitaly_tx.git.parse.mailmap.NONE` if it has none.
        """
        head = await repository.ref(b"HEAD")
        if head is None:
            return NONE
        known = self._known.get(head.target)
        if known is not None:
            return known
        commit = head.target
        found = await repository.look(lambda objects: self._read(objects, commit))
        while len(self._known) >= self._maximum:
            del self._known[next(iter(self._known))]
        self._known[commit] = found
        return found

    def _read(self, objects: IObjects, commit: ObjectID) -> Mailmap:
        tree = peeled(objects, commit, b"tree")
        entry = None if tree is None else below(objects, tree.oid, _NAME)
        info = None if entry is None else objects.info(entry.oid)
        if info is None or info.type != b"blob" or info.size > _LARGEST:
            return NONE
        return self._parsed(objects.read(info.oid).data)
