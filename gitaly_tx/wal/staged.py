"""
The files that a write brings along, in the log's keeping.

A small one is copied into the log's entry, so that the log's one fsync makes it durable too. A large one gets a second name in
the log's own ``pending`` directory and an fsync of its own: whatever becomes of the staging directory that it was made in, it is
there until the entry was applied.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from posixpath import join

from attrs import define, evolve

from ..errors import Code, GitalyError
from ..observability.failpoints import failpoint
from .entry import checked_path
from .interfaces import LogFull, Manifest, StagedFile
from .layout import OWN, Layout, sync_path

INLINE = 1 << 20
"""The most bytes of a file that the log holds itself."""

INLINE_TOGETHER = 4 << 20
"""The most bytes of all files of one entry that the log holds itself."""

_PIECE = 1 << 20
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EXDEV})


@define
class StagedFiles:
    """
    All methods block: they are called in threads.

    :param inline: the most bytes of one file that go into the log.
    :param together: the most bytes of all files of an entry that do.
    """

    _layout: Layout
    _inline: int = INLINE
    _together: int = INLINE_TOGETHER

    def secure(self, manifest: Manifest) -> Manifest:
        """
        Take the staged files into the log's keeping. Those that are in it already stay as they are.

        :returns: the manifest with sizes, checksums, and contents or new places. If it does not get into the log, it is given to
            :meth:`release`.
        :raises LogFull: if there is no space.
        :raises GitalyError: if a file is not there, or is no plain file below the storage.
        """
        if all(file.sha256 is not None for file in manifest.staged):
            return manifest
        done: list[StagedFile] = []
        room = self._together
        try:
            for file in manifest.staged:
                secured = file if file.sha256 is not None else self._take(file, room)
                room -= len(secured.content or b"")
                done.append(secured)
            if any(file.content is None for file in done):
                sync_path(self._layout.pending)
                failpoint("secure.after_fsync")
        except OSError as error:
            self._forget(done)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LogFull(str(error)) from error
            raise GitalyError("staged file cannot be made durable", Code.INTERNAL, {"error": str(error)}) from error
        except GitalyError:
            self._forget(done)
            raise
        return evolve(manifest, staged=tuple(done))

    def release(self, manifest: Manifest) -> None:
        """
        Let go of what :meth:`secure` took, because the entry is not in the log.
        """
        self._forget(manifest.staged)

    def missing(self, repository: str, files: Sequence[StagedFile]) -> tuple[StagedFile, ...]:
        """
        Those whose content is neither in the log's keeping nor in the repository already.

        :param repository: the directory that they belong into.
        """
        return tuple(file for file in files if not self._is_there(repository, file))

    def sweep(self, wanted: Sequence[StagedFile], preserve: bool = False) -> None:
        """
        Empty ``pending`` but for these.

        :param preserve: move the rest aside instead of deleting it: there is damage, and somebody may want it.
        """
        keep = {os.path.basename(file.source) for file in wanted}
        for name in sorted(set(os.listdir(self._layout.pending)) - keep):
            path = join(self._layout.pending, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            elif preserve:
                self._move_aside(path)
            else:
                os.unlink(path)

    def preserve(self, files: Sequence[StagedFile]) -> None:
        """
        Move files aside whose entries will not be applied.
        """
        for file in files:
            if file.source:
                self._move_aside(join(self._layout.root, file.source))

    def _move_aside(self, path: str) -> None:
        os.makedirs(self._layout.damaged, exist_ok=True)
        try:
            os.rename(path, join(self._layout.damaged, os.path.basename(path)))
        except FileNotFoundError:
            pass

    def _take(self, file: StagedFile, room: int) -> StagedFile:
        path = join(self._layout.root, checked_path(file.source))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise GitalyError("staged file is no plain file", Code.INTERNAL, {"path": file.source})
            if found.st_size <= min(self._inline, room):
                content = opened.read(found.st_size)
                return StagedFile("", file.path, len(content), hashlib.sha256(content).digest(), content)
            kept = self._layout.scratch("file")
            self._link(path, kept)
            secured = StagedFile(join(OWN, os.path.relpath(kept, self._layout.own)), file.path, found.st_size, None)
            try:
                failpoint("secure.after_link")
                os.fsync(opened.fileno())
                return evolve(secured, sha256=hash_of(opened.fileno()))
            except OSError:
                self._forget([secured])
                raise

    def _link(self, path: str, kept: str) -> None:
        try:
            os.link(path, kept)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.rename(path, kept)

    def _forget(self, files: Sequence[StagedFile]) -> None:
        for file in files:
            if file.source.startswith(f"{OWN}/{os.path.relpath(self._layout.pending, self._layout.own)}/"):
                try:
                    os.unlink(join(self._layout.root, file.source))
                except OSError:
                    pass  # The next start sweeps.

    def _is_there(self, repository: str, file: StagedFile) -> bool:
        if file.content is not None:
            return True
        places = [join(repository, file.path)]
        if file.source:
            places.insert(0, join(self._layout.root, file.source))
        return any(holds(path, file) for path in places)


def holds(path: str, file: StagedFile) -> bool:
    """
    Whether a plain file with exactly that content is at ``path``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        return stat.S_ISREG(found.st_mode) and found.st_size == file.size and hash_of(descriptor) == file.sha256
    except OSError:
        return False
    finally:
        os.close(descriptor)


def hash_of(descriptor: int) -> bytes:
    """
    The SHA-256 of a file from its beginning, in bounded memory.
    """
    sum = hashlib.sha256()
    piece = bytearray(_PIECE)
    view = memoryview(piece)
    offset = 0
    while read := os.preadv(descriptor, [view], offset):
        sum.update(view[:read])
        offset += read
    return sum.digest()
