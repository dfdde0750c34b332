"""
Which licence does a tree come with?
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..git.errors import ObjectNotFound
from ..git.interfaces import IObjects
from ..git.objectid import ObjectID
from ..git.parse.tree import entries
from ..git.peeling import below, peeled
from ..git.revisions import Readable
from .interfaces import LONGEST_TEXT, ILinguist, License

_KINDS: Final = rb"li[cs]en[cs]es?|legal|copy(?:left|right|ing)|unlicense|l?gpl(?:[-_ v]?)(?:\d\.?\d)?|bsd|mit|apache"

_CANDIDATE: Final = re.compile(rb"(?:|.*[-_. ])(?:%b)(?:|[-_. ].*)\Z" % _KINDS, re.DOTALL)

_POINTER: Final = 128
"""Bytes; a shorter file may hold the name of the file that is meant."""

_MOST: Final = 32
"""Files that are looked at."""


@frozen
class Found:
    """
    :param path: the file.
    :param license: which one it is; ``None`` for a text that is none of the list's.
    """

    path: bytes
    license: License | None


class LicenseFiles:
    """
    Remembers by commit.

    :param maximum: how many commits.
    """

    def __init__(self, linguist: ILinguist, maximum: int = 100) -> None:
        self._linguist = linguist
        self._maximum = maximum
        self._known: OrderedDict[ObjectID, Found | None] = OrderedDict()

    async def of(self, repository: Readable, commit: ObjectID) -> Found | None:
        """
        The licence of which a file at the root of the tree has most; ``None`` if no file there looks like one.

        :raises GitalyError: as :class:`ILinguist`, and if the tree cannot be read.
        """
        if commit in self._known:
            self._known.move_to_end(commit)
            return self._known[commit]
        found = await self._find(repository, commit)
        self._known[commit] = found
        while len(self._known) > self._maximum:
            self._known.popitem(last=False)
        return found

    async def _find(self, repository: Readable, commit: ObjectID) -> Found | None:
        files = await repository.look(lambda objects: _candidates(objects, commit))
        best: Found | None = None
        for path, content in files:
            for license in await self._linguist.licenses(content, _ending(path)):
                if best is None or best.license is None or _better(license, best.license):
                    best = Found(path, license)
            if best is None:
                best = Found(path, None)
        return best


def _better(license: License, other: License) -> bool:
    return (-license.confidence, license.id) < (-other.confidence, other.id)


def _candidates(objects: IObjects, commit: ObjectID) -> Sequence[tuple[bytes, bytes]]:
    """
    Names and contents of files that look like licences.
    """
    tree = peeled(objects, commit, b"tree")
    if tree is None:
        raise ObjectNotFound(commit)
    found: list[tuple[bytes, bytes]] = []
    for entry in entries(tree.oid, tree.data):
        if entry.type != b"blob" or not _CANDIDATE.match(entry.name.lower()):
            continue
        path, content = entry.name, _content(objects, entry.oid)
        if content is not None and len(content) < _POINTER and (other := content.strip()):
            meant = below(objects, tree.oid, other)
            meant_content = _content(objects, meant.oid) if meant is not None and meant.type == b"blob" else None
            if meant_content is not None:
                path, content = other, meant_content
        if content is not None:
            found.append((path, content))
        if len(found) == _MOST:
            break
    return found


def _content(objects: IObjects, oid: ObjectID) -> bytes | None:
    """
    ``None`` for one that is too large to be a licence.
    """
    info = objects.info(oid)
    if info is None or info.size > 4 * LONGEST_TEXT:
        return None
    return objects.read(oid).data


def _ending(path: bytes) -> str:
    dot = path.rfind(b".")
    return "" if dot < 0 else path[dot:].decode("latin-1")
