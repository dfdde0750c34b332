"""
What ``git rev-list --objects`` and ``git cat-file --batch-check`` print.
"""

from __future__ import annotations

from ..interfaces import ObjectInfo
from ..objectid import ObjectID

CHECK_FORMAT = "%(objectname) %(objecttype) %(objectsize)"
"""The format of ``--batch-check`` that :func:`parse_info` reads."""


def parse_object(line: bytes) -> tuple[ObjectID, bytes]:
    """
    :param line: without its newline.
    :returns: an object, and the path where it was met first; empty if it has none.
    :raises ValueError: if that is none.
    """
    oid, _, path = line.partition(b" ")
    return ObjectID(oid), path


def parse_info(line: bytes) -> ObjectInfo:
    """
    :raises ValueError: if the line is of another form.
    """
    oid, type, size = line.split(b" ")
    return ObjectInfo(ObjectID(oid), type, int(size))
