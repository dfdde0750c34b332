"""
Custom hooks as a tar file, and back. Blocking: run it in a thread.

Nothing is ever unpacked to where its name leads: members become values, and what is no plain file or directory below
``custom_hooks`` is refused. Links are refused, too: a hook is a program that runs as the server, and where a link leads is not in
the archive.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from posixpath import join, normpath

from ..errors import Code, GitalyError
from ..storage.tarstream import END, Bytes, file_at, gathered, header
from ..wal.interfaces import FileChange

NAME = "custom_hooks"

MAXIMUM = 16 << 20
"""The most bytes of an archive; they go into the log."""

MEMBERS = 4096
"""The most files and directories."""

_PERMISSIONS = 0o777


class BadArchive(GitalyError):
    """
    What was sent is no archive of hooks. The words are those of Gitaly, whose tar program would have failed.
    """

    def __init__(self, why: str) -> None:
        super().__init__("waiting for tar command completion: exit status 2", Code.INTERNAL, {"error": why})


class ArchiveTooLarge(GitalyError):
    """
    There is more in it than may be.
    """

    def __init__(self) -> None:
        super().__init__("custom hooks are too large", Code.RESOURCE_EXHAUSTED, {"bytes": MAXIMUM, "members": MEMBERS})


def archived_hooks(path: str) -> Bytes:
    """
    The directory ``custom_hooks`` of a repository as a tar stream; nothing if there is none.

    :raises GitalyError: INTERNAL if a file cannot be read, perhaps after some data.
    """
    directory = join(path, NAME)
    if not os.path.lexists(directory):
        return
    try:
        yield from gathered(_everything(directory))
    except (OSError, GitalyError) as error:
        # The words of Gitaly, whose tar program would have failed like this.
        text = "reading custom hooks: archiving hooks: waiting for tar command completion: exit status 2"
        raise GitalyError(text, Code.INTERNAL, {"error": str(error)}) from error


def replaced_hooks(archive: bytes) -> tuple[FileChange, ...]:
    """
    The directory ``custom_hooks`` as the archive has it, in the place of the one that there is. Without a member of that name it
    is empty; other members do not matter.

    :raises BadArchive: if it is none, or has something in it that is refused.
    :raises ArchiveTooLarge: if it has too many members.
    """
    found: dict[str, FileChange] = {NAME: FileChange(NAME, b"", stat.S_IFDIR | 0o755)}
    if archive:
        try:
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                _read(tar, found)
                _check_end(archive, tar.offset)
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            raise BadArchive(str(error)) from error
    _check_places(found)
    return tuple(found.values())


def _read(tar: tarfile.TarFile, found: dict[str, FileChange]) -> None:
    for count, member in enumerate(tar):
        if count == MEMBERS:
            raise ArchiveTooLarge
        name = member.name
        if name.split("/", 1)[0] != NAME:
            continue
        if name != normpath(name) or "\0" in name or name.startswith("/"):
            raise BadArchive("name leads elsewhere")
        mode = member.mode & _PERMISSIONS
        if member.isdir():
            found[name] = FileChange(name, b"", stat.S_IFDIR | mode)
        elif member.isreg() and not member.issparse():
            found[name] = FileChange(name, _content(tar, member), mode)
        else:
            raise BadArchive("neither a plain file nor a directory")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = tar.extractfile(member)
    content = b"" if opened is None else opened.read()
    if len(content) != member.size:
        raise BadArchive("unexpected end of archive")
    return content


def _check_end(archive: bytes, offset: int) -> None:
    """
    Python's tarfile takes a block that is no header for the end.
    """
    if archive[offset : offset + tarfile.BLOCKSIZE].strip(b"\0"):
        raise BadArchive("not a header")


def _check_places(found: dict[str, FileChange]) -> None:
    """
    Everything must have a directory, or nothing, above it.
    """
    if not found[NAME].is_directory:
        raise BadArchive("a file is where the directory is needed")
    for name in found:
        above = os.path.dirname(name)
        while above:
            if above in found and not found[above].is_directory:
                raise BadArchive("a file is where a directory is needed")
            above = os.path.dirname(above)


def _everything(directory: str) -> Bytes:
    yield from _entry(NAME, directory)
    yield END


def _entry(name: str, path: str) -> Bytes:
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode):
        yield header(f"{name}/", found)
        for entry in sorted(os.listdir(path)):
            yield from _entry(f"{name}/{entry}", join(path, entry))
    elif stat.S_ISLNK(found.st_mode):
        yield header(name, found, os.readlink(path))
    elif stat.S_ISREG(found.st_mode):
        yield from file_at(name, path)
