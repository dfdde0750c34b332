"""
Git LFS pointers: small blobs that stand for large files (git-lfs' ``docs/spec.md``).
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAXIMUM = 200
"""Bytes; larger blobs are not looked at."""

_VERSION = b"version https://git-lfs.github.com/spec"
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size ([0-9]+)$", re.MULTILINE)


class Pointer(NamedTuple):
    """
    :param oid: the SHA-256 of the file, in hexadecimal digits.
    :param size: of the file, in bytes.
    """

    oid: bytes
    size: int


def parse_pointer(data: bytes) -> Pointer | None:
    """
    :param data: a blob's content.
    :returns: ``None`` if it is no pointer.
    """
    if len(data) > MAXIMUM or not data.startswith(_VERSION):
        return None
    oid = _OID.search(data)
    size = _SIZE.search(data)
    return None if oid is None or size is None else Pointer(oid[1], int(size[1]))
