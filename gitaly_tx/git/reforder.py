"""
Refs in the orders of ``git for-each-ref --sort``, and those that point at an object.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from typing import Any

from attrs import frozen

from .errors import ObjectNotFound, ObjectTooLarge
from .interfaces import IObjects, Reference
from .objectid import ObjectID
from .parse.foreachref import AUTHOR, COMMITTER, CREATOR, date_of
from .peeling import read
from .tags import tagged
from .versions import version_key

_ORDINARY = 1 << 20


class SortKey(enum.Enum):
    """
    What refs are sorted by; the value is git's name for it.
    """

    NAME = "refname"
    VERSION = "version:refname"
    AUTHOR_DATE = "authordate"
    COMMITTER_DATE = "committerdate"
    CREATOR_DATE = "creatordate"


_DATES = {SortKey.AUTHOR_DATE: AUTHOR, SortKey.COMMITTER_DATE: COMMITTER, SortKey.CREATOR_DATE: CREATOR}


@frozen
class RefOrder:
    """
    :param descending: the largest first. Refs that are equal are in the order of their names all the same.
    """

    key: SortKey = SortKey.NAME
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> RefOrder | None:
        """
        What git calls ``text``; ``None`` for what only git understands.
        """
        try:
            return cls(SortKey(text.removeprefix("-")), text.startswith("-"))
        except ValueError:
            return None

    @property
    def needs_objects(self) -> bool:
        """
        Whether the refs' objects must be looked at.
        """
        return self.key in _DATES

    def sort(self, refs: Sequence[Reference], objects: IObjects | None = None) -> list[Reference]:
        """
        :param refs: sorted by name.
        :param objects: where the refs' objects are; see :attr:`needs_objects`.
        :raises ObjectNotFound: if a ref's object is missing.
        """
        key: Callable[[Reference], Any]
        if self.key is SortKey.NAME:
            return list(reversed(refs)) if self.descending else list(refs)
        if self.key is SortKey.VERSION:
            key = _version
        else:
            assert objects is not None
            fields = _DATES[self.key]
            known = {oid: _date(objects, oid, fields) for oid in {ref.target for ref in refs}}

            def key(ref: Reference) -> int:
                return known[ref.target]

        return sorted(refs, key=key, reverse=self.descending)


BY_NAME = RefOrder()
"""The usual order."""


def _version(ref: Reference) -> Any:
    return version_key(ref.name)


def _date(objects: IObjects, oid: ObjectID, fields: Sequence[bytes]) -> int:
    try:
        found = objects.read(oid, _ORDINARY)
    except ObjectTooLarge:
        info = objects.info(oid)
        if info is None or info.type not in (b"commit", b"tag"):
            return 0
        found = read(objects, oid)
    return date_of(found.data, fields) if found.type in (b"commit", b"tag") else 0


def points_at(objects: IObjects, ref: Reference, oids: Collection[ObjectID]) -> bool:
    """
    Whether a ref points at one of some objects, or at a tag that names one, at however many removes.

    :raises ObjectNotFound: if the ref's object is missing.
    """
    oid = ref.target
    while oid not in oids:
        info = objects.info(oid)
        if info is None:
            raise ObjectNotFound(oid)
        if info.type != b"tag":
            return False
        oid = tagged(oid, read(objects, oid).data)
    return True
