"""
Where the server keeps its own things in a storage, and the few file operations that durability rests on.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from posixpath import join

from attrs import frozen

_SEGMENT = re.compile(r"[0-9]{16}\.log\Z")

OWN = "+gitaly"
"""The directory in every storage that holds no repositories."""


@frozen
class Layout:
    """
    Names of files; makes none but directories.

    :param root: the storage's directory, absolute.
    """

    root: str

    @property
    def own(self) -> str:
        """
        All that is the server's.
        """
        return join(self.root, OWN)

    @property
    def log(self) -> str:
        """
        The segments.
        """
        return join(self.own, "wal")

    @property
    def damaged(self) -> str:
        """
        Segments that could not be read, kept for whoever looks into it.
        """
        return join(self.log, "damaged")

    @property
    def pending(self) -> str:
        """
        Files that entries name and that are not in their repositories yet.
        """
        return join(self.log, "pending")

    @property
    def intents(self) -> str:
        """
        Who is about to lock what.
        """
        return join(self.own, "intents")

    @property
    def staging(self) -> str:
        """
        Where writes are prepared.
        """
        return join(self.own, "staging")

    @property
    def trash(self) -> str:
        """
        What is being deleted.
        """
        return join(self.own, "trash")

    @property
    def state(self) -> str:
        """
        The database of checkpoints.
        """
        return join(self.own, "state.db")

    def directories(self) -> tuple[str, ...]:
        """
        All that must exist.
        """
        return (self.log, self.pending, self.intents, self.staging, self.trash)

    def segment(self, number: int) -> str:
        """
        The file of a segment.
        """
        return join(self.log, f"{number:016d}.log")

    def segments(self) -> list[int]:
        """
        The numbers of the segments that there are, in order.
        """
        return sorted(int(name[:16]) for name in os.listdir(self.log) if _SEGMENT.match(name))

    def scratch(self, kind: str) -> str:
        """
        A name for a new file below :attr:`pending`, which nobody else has.
        """
        return join(self.pending, f"{kind}-{secrets.token_hex(8)}")

    def repository(self, path: str) -> str:
        """
        Where a partition's repository lies.
        """
        return join(self.root, path)


class Disk:
    """
    The operations on files whose failure matters. Tests hand in one that fails or forgets.
    """

    def create(self, path: str) -> int:
        """
        A new file, open for writing.
        """
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: str) -> int:
        """
        An existing file, open for reading and writing.
        """
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """
        All of ``data``, at ``offset``.
        """
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written

    def sync(self, descriptor: int) -> None:
        """
        Make the content durable.
        """
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """
        Cut the file.
        """
        os.ftruncate(descriptor, size)

    def rename(self, old: str, new: str) -> None:
        """
        Give a file its name.
        """
        os.rename(old, new)

    def close(self, descriptor: int) -> None:
        """
        Let go of a file.
        """
        os.close(descriptor)

    def sync_directory(self, path: str) -> None:
        """
        Make names durable.
        """
        sync_path(path)


def sync_path(path: str) -> None:
    """
    fsync of a file or directory by name.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_existing(paths: Iterable[str]) -> None:
    """
    fsync of those files and directories that are still there.
    """
    for path in paths:
        try:
            sync_path(path)
        except (FileNotFoundError, NotADirectoryError):
            pass


def is_directory(path: str) -> bool:
    """
    Whether there is a directory.
    """
    return os.path.isdir(path)


def read_whole(path: str) -> bytes:
    """
    A file's content.
    """
    with open(path, "rb") as file:
        return file.read()
