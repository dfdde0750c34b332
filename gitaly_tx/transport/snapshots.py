"""
Repositories out of the tar files that GetSnapshot makes. Blocking: run it in a thread.

Only what a snapshot has is taken out of one: objects, refs, HEAD and ``shallow``. A name that leads elsewhere, a link or a device
is no mistake that somebody makes.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from posixpath import dirname, join, normpath

from ..errors import Code, GitalyError
from ..git.directory import GitDirectory
from ..git.names import is_valid_ref
from ..git.objectid import ObjectFormat
from ..wal.building import skeleton
from ..wal.interfaces import Creation

_HEX = r"([0-9a-f]{%d}(?:[0-9a-f]{24})?)"
_OBJECT = re.compile(rf"objects/(?:[0-9a-f]{{2}}/{_HEX % 38}|pack/pack-{_HEX % 40}\.(?:pack|idx))\Z")
_ID = re.compile(rb"(?:^|\n)([0-9a-f]{64}|[0-9a-f]{40})(?:[ \n]|\Z)")

_SMALL = frozenset({"HEAD", "packed-refs", "shallow"})

_SHORT = (38, 40)


class BadSnapshot(GitalyError):
    """
    What was sent is no snapshot of a repository. The words are those of Gitaly, whose tar program would have failed.
    """

    def __init__(self, why: str) -> None:
        super().__init__("exit status 2", Code.INTERNAL, {"error": why})


def unpack_snapshot(archive: str, root: str) -> GitDirectory:
    """
    Make a repository of a snapshot.

    :param archive: the tar file.
    :param root: where the repository is made; there is nothing yet.
    :raises BadSnapshot: if it is none.
    """
    os.mkdir(root)
    lengths: set[int] = set()
    try:
        # "|" reads it from beginning to end, and never goes back.
        with tarfile.open(archive, "r|", errors="surrogateescape") as tar:
            for member in tar:
                _take(tar, member, root, lengths)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise BadSnapshot(str(error)) from error
    if not os.path.exists(join(root, "HEAD")):
        raise BadSnapshot("there is no HEAD")
    for name in ("HEAD", "packed-refs"):
        lengths.update(_lengths(join(root, name)))
    object_format = ObjectFormat.SHA256 if 64 in lengths else ObjectFormat.SHA1
    skeleton(root, Creation(object_format, b"refs/heads/main"))
    return GitDirectory(root)


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, root: str, lengths: set[int]) -> None:
    name = member.name.rstrip("/").removeprefix("./")
    if name in ("", ".") or (member.isdir() and name == normpath(name) and not name.startswith(("/", ".."))):
        return
    if name != normpath(name) or name.startswith(("/", "..")) or "\0" in name:
        raise BadSnapshot("name leads elsewhere")
    if not member.isreg() or member.issparse():
        raise BadSnapshot("neither a plain file nor a directory")
    found = _OBJECT.match(name)
    if found is not None:
        lengths.add(40 if len(found[1] or found[2]) in _SHORT else 64)
        _write(tar, member, join(root, name), 0o444)
    elif name in _SMALL:
        _write(tar, member, join(root, name), 0o644)
    elif name.startswith("refs/"):
        if not is_valid_ref(os.fsencode(name)):
            raise BadSnapshot("ref with a bad name")
        _write(tar, member, join(root, name), 0o644)
        lengths.update(_lengths(join(root, name)))


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, mode: int) -> None:
    source = tar.extractfile(member)
    assert source is not None
    try:
        os.makedirs(dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)  # What changed while the snapshot was made is in it again.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise BadSnapshot("file in the place of a directory") from error
    with open(descriptor, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        if target.tell() != member.size:
            raise BadSnapshot("unexpected end of archive")


def _lengths(path: str) -> set[int]:
    """
    How long ids are in the first lines of a file.
    """
    try:
        with open(path, "rb") as file:
            return {len(oid) for oid in _ID.findall(file.read(1 << 12))}
    except FileNotFoundError:
        return set()
