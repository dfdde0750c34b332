"""
The file of a backup that has all refs, as ``git show-ref --head`` prints them: HEAD first, if it is anything yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from attrs import frozen

from ..errors import GitalyError
from ..git.interfaces import Reference, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..git.refchecks import refused_in_batch

MAXIMUM = 1 << 30
"""The most bytes of such a file."""


class BadRefs(GitalyError):
    """
    A file of refs is damaged.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"read refs: {why}")


@frozen
class Refs:
    """
    What a repository refers to, at one moment; false if it is nothing.

    :param head: the commit of HEAD; ``None`` if it is unborn.
    """

    head: ObjectID | None
    names: Mapping[bytes, ObjectID]

    def __bool__(self) -> bool:
        return bool(self.names) or self.head is not None


def digest(content: bytes) -> str:
    """
    What a manifest notes of a file.
    """
    return hashlib.sha256(content).hexdigest()


def encode(listed: Iterable[Reference], head: ObjectID | None) -> tuple[Refs, bytes]:
    """
    :param listed: the refs as a repository lists them.
    :returns: what they say, and the file.
    """
    refs = Refs(head, {reference.name: reference.target for reference in listed})
    lines = [] if refs.head is None else [b"%s HEAD\n" % refs.head]
    lines += [b"%s %s\n" % (oid, name) for name, oid in sorted(refs.names.items())]
    return refs, b"".join(lines)


def decode(data: bytes, object_format: ObjectFormat | None = None, noted: str = "") -> tuple[Refs, ObjectFormat]:
    """
    Read one.

    :param object_format: what the ids must be; otherwise the first one decides.
    :param noted: its digest, if that is known.
    :returns: the format, too.
    :raises BadRefs: for anything that no repository could have, such as a part of a line at the end.
    """
    if noted and digest(data) != noted:
        raise BadRefs("checksum does not match")
    if data and not data.endswith(b"\n"):
        raise BadRefs("unexpected end")
    head: ObjectID | None = None
    names: dict[bytes, ObjectID] = {}
    for line in data.removesuffix(b"\n").split(b"\n") if data else ():
        digits, _, name = line.partition(b" ")
        try:
            oid = ObjectID(digits)
        except ValueError:
            raise BadRefs("invalid object ID") from None
        object_format = object_format or oid.format
        if oid.is_zero or oid.format is not object_format:
            raise BadRefs("invalid object ID")
        if name == b"HEAD" and head is None and not names:
            head = oid
        elif name in names:
            raise BadRefs("reference is there twice")
        else:
            names[name] = oid
    object_format = object_format or ObjectFormat.SHA1
    updates = [RefUpdate(name, object_format.zero, oid) for name, oid in names.items()]
    if refused_in_batch(updates, object_format):
        raise BadRefs("invalid reference")
    return Refs(head, names), object_format


__all__ = ["MAXIMUM", "BadRefs", "Refs", "decode", "digest", "encode"]
