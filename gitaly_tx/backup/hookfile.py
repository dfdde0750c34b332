"""
The file of a backup that has the custom hooks.

Each step has all of them, or no file if there are none; but a step that comes after one with hooks has an empty archive then, so
that the last file there is always says what is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Code, GitalyError
from ..hooks.hookarchive import MAXIMUM, ArchiveTooLarge, archived_hooks, replaced_hooks
from ..storage.tarstream import END
from ..wal.interfaces import FileChange
from ..wal.threads import InThread
from .interfaces import ISink, NotThere
from .manifest import Step
from .refsfile import digest

NONE = END
"""An archive without hooks."""


def read_hooks(repository: str) -> bytes:
    """
    The archive of a repository's hooks; empty if there are none. Blocking.

    :param repository: its directory.
    :raises GitalyError: FAILED_PRECONDITION if a restore would refuse them; RESOURCE_EXHAUSTED if they are too large.
    """
    found = bytearray()
    for piece in archived_hooks(repository):
        found += piece
        if len(found) > MAXIMUM:
            raise ArchiveTooLarge
    try:
        changes_of(bytes(found))
    except ArchiveTooLarge:
        raise
    except GitalyError as error:
        raise GitalyError("hooks could not be restored", Code.FAILED_PRECONDITION, error.facts) from error
    return bytes(found)


def changes_of(archive: bytes) -> tuple[FileChange, ...]:
    """
    What an archive puts into a new repository. Blocking.

    :raises GitalyError: for what is no such archive.
    """
    return replaced_hooks(archive) if archive.strip(b"\0") else ()


async def stored_hooks(sink: ISink, in_thread: InThread, steps: Sequence[Step]) -> bytes:
    """
    The archive that the steps of a backup end with; empty if none of them has one.

    :raises GitalyError: if it is not as it was written, or not there any more.
    """
    for step in reversed(steps):
        if not step.hooks:
            continue
        try:
            archive = await sink.read(step.hooks, MAXIMUM)
        except NotThere:
            if step.hooks_digest:
                raise
            continue
        return await in_thread(_checked, archive, step)
    return b""


def _checked(archive: bytes, step: Step) -> bytes:
    if step.hooks_digest and digest(archive) != step.hooks_digest:
        raise GitalyError("checksum does not match", None, {"path": step.hooks})
    return archive if archive.strip(b"\0") else b""


__all__ = ["NONE", "changes_of", "read_hooks", "stored_hooks"]
