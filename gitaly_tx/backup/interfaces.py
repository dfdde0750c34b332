"""
Where backups are kept, and where their parts lie there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from zope.interface import Attribute, Interface

from ..errors import GitalyError
from .manifest import Backup, Step
from .vanity import Vanity


class NotThere(GitalyError):
    """
    A sink does not have what it was asked for.

    :param doing: what stands before the words.
    """

    def __init__(self, path: str, doing: str = "") -> None:
        super().__init__(f"{doing}: doesn't exist" if doing else "doesn't exist", None, {"path": path})


class IDraft(Interface):
    """
    A file that is being written, and that nobody finds yet. Exactly one of :func:`publish` and :func:`drop` ends it; a draft that
    a killed server left is removed later.
    """

    descriptor: int = Attribute("What it is written to, by us or by a child.")

    def write(pieces: Iterable[bytes]) -> Awaitable[None]:
        """
        Add to it.

        :raises OSError: if the disk does not take it.
        """

    def publish() -> Awaitable[int]:
        """
        Give it its name, durably and at once, whatever had the name before.

        :returns: its size.
        :raises OSError: if that fails; what had the name before still has it then, or the new content is whole.
        """

    def drop() -> Awaitable[None]:
        """
        Give it up. Safe to repeat, and after :func:`publish`.
        """


class ISink(Interface):
    """
    Keeps files by names such as ``team/thing/20240131/001.bundle``, relative and with slashes.

    No name leads out of it: what is not normalised, or leads elsewhere over a link, is refused with a GitalyError.
    """

    def draft(path: str) -> Awaitable[IDraft]:
        """
        Begin a file.

        :raises OSError: if there can be none.
        """

    def read(path: str, maximum: int) -> Awaitable[bytes]:
        """
        The content of a file.

        :param maximum: the most bytes; a larger one is none of ours.
        :raises NotThere: if there is none.
        :raises GitalyError: if it is too large.
        """

    def file(path: str) -> Awaitable[str]:
        """
        Where git can read a file.

        :returns: an absolute path.
        :raises NotThere: if there is none.
        """

    def exists(path: str) -> Awaitable[bool]:
        """
        Whether there is a file, or a directory of files.
        """

    def remove(path: str) -> Awaitable[None]:
        """
        Remove a file that no backup names. Safe to repeat.
        """

    def stop() -> Awaitable[None]:
        """
        Let go of what is held; nothing is written any more.
        """


class IBackupLocator(Interface):
    """
    Says where the parts of backups lie, finds backups, and writes down that they are complete.
    """

    def full(vanity: Vanity, backup_id: str) -> Awaitable[Step]:
        """
        Places for a backup that relies on no other; nothing that a backup names is there.
        """

    def increment(vanity: Vanity, backup_id: str, before: Backup) -> Awaitable[Step]:
        """
        Places for what is new since another backup.
        """

    def commit(vanity: Vanity, backup: Backup) -> Awaitable[None]:
        """
        Make a backup the latest one. Its parts are all there. If this is broken off, the one before is found, or this one.
        """

    def latest(vanity: Vanity) -> Awaitable[Backup]:
        """
        :raises NotThere: if there is none.
        """

    def find(vanity: Vanity, backup_id: str) -> Awaitable[Backup]:
        """
        :raises NotThere: if there is none of that id.
        """


__all__ = ["IBackupLocator", "IDraft", "ISink", "NotThere"]
