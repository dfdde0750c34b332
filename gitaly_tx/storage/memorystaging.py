"""
New objects in memory, for a repository in memory.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from posixpath import join

from attrs import frozen
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..git.memory import MemoryObjectReader
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import StagedFile
from .errors import StagingFailed
from .interfaces import IStaging


@implementer(IStaging)
@frozen(eq=False)
class MemoryStaging:
    """
    New objects that are not in the repository yet.
    """

    directory: GitDirectory
    object_format: ObjectFormat
    root: str
    _objects: MemoryObjectReader

    async def write_object(self, type: bytes, data: bytes) -> ObjectID:
        """
        Add an object.
        """
        return self.write_blocking(type, len(data), [data])

    def write_blocking(self, type: bytes, size: int, pieces: Iterable[bytes]) -> ObjectID:
        """
        Add an object.
        """
        return self._objects.write(self.directory, self.object_format, type, b"".join(pieces))

    @property
    def in_memory(self) -> bool:
        """
        Whoever can see this repository sees it.
        """
        return False

    async def show(self) -> None:
        """
        Whoever can see this repository sees it.
        """

    async def scratch(self) -> str:
        """
        There is no disk.
        """
        raise StagingFailed(OSError(errno.EROFS, "no disk"))

    async def staged(self) -> tuple[StagedFile, ...]:
        """
        The objects as if they were loose.
        """
        source = self.objects.removeprefix(f"{self.root}/")
        names = [f"{str(oid)[:2]}/{str(oid)[2:]}" for oid in self._objects.written(self.objects)]
        return tuple(StagedFile(join(source, name), join("objects", name)) for name in names)

    async def discard(self) -> None:
        """
        Forget the objects.
        """
        self._objects.forget(GitDirectory(self.objects.removesuffix("/objects")))

    @property
    def objects(self) -> str:
        """
        The quarantine.
        """
        return self.directory.object_directory or self.directory.objects
