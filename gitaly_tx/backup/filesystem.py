"""
Backups in a directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from posixpath import dirname, join, normpath

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import GitalyError
from ..storage.naming import INTERNAL, is_inside
from ..wal.layout import sync_path
from ..wal.threads import InThread
from .drafts import Drafts
from .interfaces import IDraft, ISink, NotThere


class PathRefused(GitalyError):
    """
    A name leads out of a sink.
    """

    def __init__(self, path: str) -> None:
        super().__init__("path escapes the backup sink", None, {"path": path})


@implementer(IDraft)
@define(eq=False)
class FileDraft:
    """
    A file that has no name yet.
    """

    descriptor: int
    _sink: DirectorySink
    _temporary: str
    _path: str
    _ended: bool = field(default=False, init=False)

    def write(self, pieces: Iterable[bytes]) -> Deferred[None]:
        """
        Write in a thread.
        """
        return self._sink.threads(_write, self.descriptor, pieces)

    def publish(self) -> Deferred[int]:
        """
        Sync, rename, sync the directory.
        """
        return self._sink.threads(self._publish)

    def drop(self) -> Deferred[None]:
        """
        Close and remove.
        """
        return self._sink.threads(self._drop)

    def _publish(self) -> int:
        os.fsync(self.descriptor)
        size = os.fstat(self.descriptor).st_size
        target = self._sink.absolute(self._path)
        _make_directory(dirname(target))
        os.rename(self._temporary, target)
        sync_path(dirname(target))
        return size

    def _drop(self) -> None:
        if self._ended:
            return
        self._ended = True
        os.close(self.descriptor)
        _unlink(self._temporary)


@implementer(ISink)
@define(eq=False)
class DirectorySink:
    """
    Files in a directory, which is made when it is needed.

    :param root: absolute.
    """

    root: str
    threads: InThread
    _drafts: Drafts = field(init=False)

    @_drafts.default
    def _make_drafts(self) -> Drafts:
        return Drafts(self.root)

    def draft(self, path: str) -> Deferred[IDraft]:
        """
        Begin a file beside all others. If it is not waited for it does not stay.
        """
        waiting: Deferred[IDraft] = Deferred()

        def begun(result: FileDraft | Failure) -> Deferred[None] | None:
            if not waiting.called:
                waiting.callback(result)  # a Failure calls the errbacks
            elif not isinstance(result, Failure):
                return result.drop()
            return None

        self.threads(self._begin, path).addBoth(begun)
        return waiting

    def read(self, path: str, maximum: int) -> Deferred[bytes]:
        """
        Read a file.
        """
        return self.threads(self._read, path, maximum)

    def file(self, path: str) -> Deferred[str]:
        """
        A file's own path.
        """
        return self.threads(self._file, path)

    def exists(self, path: str) -> Deferred[bool]:
        """
        Look.
        """
        return self.threads(lambda: os.path.lexists(self.absolute(path)))

    def remove(self, path: str) -> Deferred[None]:
        """
        Unlink.
        """
        return self.threads(lambda: _unlink(self.absolute(path)))

    def stop(self) -> Deferred[None]:
        """
        Remove what was begun and not finished.
        """
        return self.threads(self._drafts.close)

    def absolute(self, path: str) -> str:
        """
        Where a name leads. Blocking.

        :raises PathRefused: if that is not in the sink.
        """
        plain = path not in ("", ".", "..") and path == normpath(path) and not path.startswith(("/", "../"))
        if not plain or "\0" in path or path.split("/", 1)[0] == INTERNAL:
            raise PathRefused(path)
        absolute = join(self.root, path)
        if not is_inside(os.path.realpath(absolute), os.path.realpath(self.root)):
            raise PathRefused(path)
        return absolute

    def _begin(self, path: str) -> FileDraft:
        self.absolute(path)
        _make_directory(self.root)
        descriptor, temporary = self._drafts.new()
        return FileDraft(descriptor, self, temporary, path)

    def _read(self, path: str, maximum: int) -> bytes:
        try:
            with open(self.absolute(path), "rb") as file:
                data = file.read(maximum + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotThere(path) from None
        if len(data) > maximum:
            raise GitalyError("file is too large", None, {"path": path})
        return data

    def _file(self, path: str) -> str:
        absolute = self.absolute(path)
        if not os.path.isfile(absolute):
            raise NotThere(path)
        return absolute


def _write(descriptor: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]


def _make_directory(path: str) -> None:
    """
    Make a directory and those on the way to it, durably.
    """
    if os.path.isdir(path):
        return
    above = dirname(path)
    _make_directory(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    sync_path(above)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass


__all__ = ["DirectorySink", "FileDraft", "PathRefused"]
