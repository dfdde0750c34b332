"""
New objects that are in memory until somebody has to see them.
"""

from __future__ import annotations

import hashlib
import os
from posixpath import join
from typing import Final

from ..git.interfaces import GitObject
from ..git.objectid import ObjectFormat, ObjectID
from ..git.quarantine import loose_object
from ..wal.interfaces import StagedFile

ROOM: Final = 1 << 20
"""The most bytes of objects that are held; the log takes as much into its entry."""


class Held:
    """
    A few loose objects, as files that are not written yet.

    :ivar room: how many bytes more there is room for.
    :ivar objects: all of them.
    """

    def __init__(self, object_format: ObjectFormat, room: int = ROOM) -> None:
        self._object_format = object_format
        self._files: dict[str, bytes] = {}
        self.objects: list[GitObject] = []
        self.room = room

    def add(self, type: bytes, data: bytes) -> ObjectID:
        """
        Add an object, which there is room for.
        """
        oid, content = loose_object(self._object_format, type, data)
        digits = str(oid)
        self._files[join(digits[:2], digits[2:])] = content
        self.objects.append(GitObject(oid, type, data))
        self.room -= len(data)
        return oid

    def staged(self) -> tuple[StagedFile, ...]:
        """
        The objects for a transaction, with their contents.
        """
        return tuple(
            StagedFile("", join("objects", name), len(content), hashlib.sha256(content).digest(), content)
            for name, content in sorted(self._files.items())
        )

    def write(self, objects: str) -> None:
        """
        Put the objects into an object directory that nobody looks at yet. It blocks.
        """
        for name, content in self._files.items():
            path = join(objects, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o444), "wb") as file:
                file.write(content)
