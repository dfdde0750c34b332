"""
Where the parts of backups lie, as Gitaly lays them out.

With pointers, which is the default::

    team/thing/LATEST                                  20240131
    team/thing/20240131/LATEST                         002
    team/thing/20240131/001.refs, .bundle, .custom_hooks.tar
    team/thing/20240131/002.refs, …
    manifests/<storage>/team/thing.git/20240131.toml, +latest.toml

Without, the parts are in ``<storage>/team/thing.git/<backup id>/``, and there are no pointers. Manifests are read first, then
pointers, then what there was before both: ``team/thing.bundle``, ``team/thing.refs``, ``team/thing/custom_hooks.tar``.

No file that a backup names is ever written again: who asks for the same id once more gets another directory (``20240131+2``), and
the manifest of that id leads there.
"""

from __future__ import annotations

from posixpath import basename, dirname, join

from attrs import frozen
from zope.interface import implementer

from ..errors import GitalyError
from ..git.objectid import ObjectFormat
from ..observability.failpoints import failpoint
from .interfaces import IBackupLocator, ISink, NotThere
from .manifest import Backup, Step, decode, encode
from .vanity import Vanity

LAYOUTS = ("pointer", "manifest")

LATEST = "LATEST"

NEWEST = "+latest"
"""The manifest of the latest backup; no backup has such an id."""

_POINTER = 1 << 12
_MANIFEST = 1 << 24
_MOST_STEPS = 99_999


class BadPointer(GitalyError):
    """
    A file says which backup is the latest one, and cannot be right.
    """

    def __init__(self, path: str) -> None:
        super().__init__("pointer locator: invalid pointer", None, {"path": path})


@implementer(IBackupLocator)
@frozen
class Locator:
    """
    :param pointers: whether pointers are written.
    """

    _sink: ISink
    _pointers: bool = True

    async def full(self, vanity: Vanity, backup_id: str) -> Step:
        """
        The first step.
        """
        first = join(vanity.base if self._pointers else vanity.directory, backup_id)
        directory, again = first, 1
        while await self._sink.exists(join(directory, "001.refs")):
            again += 1
            directory = f"{first}+{again}"
        return _step(directory, 1)

    async def increment(self, vanity: Vanity, backup_id: str, before: Backup) -> Step:
        """
        The next step.
        """
        last = before.steps[-1]
        directory = dirname(last.refs) if self._pointers else join(vanity.directory, backup_id)
        number = len(before.steps) + 1
        while await self._sink.exists(join(directory, f"{number:03}.refs")):
            number += 1
        return _step(directory, number, last.refs)

    async def commit(self, vanity: Vanity, backup: Backup) -> None:
        """
        Pointers, then manifests.
        """
        failpoint("backup.before_commit")
        last = backup.steps[-1].refs
        directory = dirname(last)
        if dirname(directory) == vanity.base:
            await self._put(join(directory, LATEST), basename(last).partition(".")[0].encode())
            failpoint("backup.after_step_pointer")
            await self._put(join(vanity.base, LATEST), basename(directory).encode())
            failpoint("backup.after_pointer")
        manifest = encode(backup)
        for name in (backup.id, NEWEST):
            await self._put(join(vanity.manifests, f"{name}.toml"), manifest)
            failpoint("backup.after_manifest")

    async def latest(self, vanity: Vanity) -> Backup:
        """
        What the newest manifest says, or the pointers.
        """
        try:
            return await self._manifest(vanity, NEWEST)
        except NotThere:
            pass
        backup_id = await self._pointer(join(vanity.base, LATEST))
        try:
            return await self._pointed(vanity, backup_id)
        except NotThere as error:
            raise BadPointer(vanity.base) from error  # It says that there is one.

    async def find(self, vanity: Vanity, backup_id: str) -> Backup:
        """
        The same, of one id.
        """
        try:
            return await self._manifest(vanity, backup_id)
        except NotThere:
            return await self._pointed(vanity, backup_id)

    async def _manifest(self, vanity: Vanity, name: str) -> Backup:
        path = join(vanity.manifests, f"{name}.toml")
        return decode(await self._sink.read(path, _MANIFEST), name)

    async def _pointed(self, vanity: Vanity, backup_id: str) -> Backup:
        directory = join(vanity.base, backup_id)
        try:
            newest = await self._pointer(join(directory, LATEST))
        except NotThere as error:
            raise NotThere(directory, "pointer locator: find: find latest ID") from error
        if not newest.isdecimal() or not 0 < int(newest) <= _MOST_STEPS:
            raise BadPointer(directory)
        steps: list[Step] = []
        for number in range(1, int(newest) + 1):
            steps.append(_step(directory, number, steps[-1].refs if steps else ""))
        return Backup(backup_id, None, b"", tuple(steps))

    async def _pointer(self, path: str) -> str:
        try:
            told = (await self._sink.read(path, _POINTER)).decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise BadPointer(path) from None
        if told in ("", ".", "..") or "/" in told or "\0" in told:
            raise BadPointer(path)
        return told

    async def _put(self, path: str, content: bytes) -> None:
        draft = await self._sink.draft(path)
        try:
            await draft.write([content])
            await draft.publish()
        finally:
            await draft.drop()


def legacy(vanity: Vanity) -> Backup:
    """
    Where a backup would lie that was made before there were ids.
    """
    base = vanity.base
    return Backup("", ObjectFormat.SHA1, b"", (Step(f"{base}.refs", f"{base}.bundle", f"{base}/custom_hooks.tar"),))


def _step(directory: str, number: int, previous: str = "") -> Step:
    start = join(directory, f"{number:03}")
    return Step(f"{start}.refs", f"{start}.bundle", f"{start}.custom_hooks.tar", previous)


__all__ = ["LATEST", "LAYOUTS", "NEWEST", "Locator", "legacy"]
