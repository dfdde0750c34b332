"""
Object ids and the two object formats.
"""

from __future__ import annotations

import enum
import re

_HEX = re.compile(rb"[0-9a-f]*\Z")


class ObjectFormat(enum.Enum):
    """
    How a repository names its objects. The value is git's name for it.
    """

    SHA1 = "sha1"
    SHA256 = "sha256"

    @property
    def hex_length(self) -> int:
        """
        The length of an id in hexadecimal digits: 40 or 64.
        """
        return 40 if self is ObjectFormat.SHA1 else 64

    @property
    def zero(self) -> ObjectID:
        """
        The id that stands for "no object".
        """
        return ObjectID(b"0" * self.hex_length)


class ObjectID(bytes):
    """
    An object's id: 40 or 64 lower-case hexadecimal digits, as bytes.

    :raises ValueError: if it is anything else.
    """

    __slots__ = ()

    def __new__(cls, digits: bytes | str) -> ObjectID:
        raw = digits.encode("ascii", "replace") if isinstance(digits, str) else bytes(digits)
        if len(raw) not in (40, 64) or not _HEX.match(raw):
            raise ValueError("invalid object ID")
        return super().__new__(cls, raw)

    @property
    def format(self) -> ObjectFormat:
        """
        The format that this id belongs to.
        """
        return ObjectFormat.SHA1 if len(self) == 40 else ObjectFormat.SHA256

    @property
    def is_zero(self) -> bool:
        """
        Whether this stands for "no object".
        """
        return self.count(b"0") == len(self)

    def __str__(self) -> str:
        return self.decode("ascii")

    def __repr__(self) -> str:
        return f"ObjectID({str(self)!r})"
