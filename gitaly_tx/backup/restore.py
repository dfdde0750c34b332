"""
The way back.

The repository is made beside, step by step, and looked at: all refs, and everything that they lead to, must be there. Until then
nothing was touched. Then what has the name is removed, and what was made gets it: a transaction each, carried through whoever
goes away. A server that dies between the two leaves no repository, and the backup to ask for once more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from attrs import frozen

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import Ended, IGit
from ..git.objectid import ObjectFormat
from ..git.options import ConfigPair
from ..git.quoting import quoted
from ..hooks.unasked import Unasked
from ..observability.failpoints import failpoint
from ..storage.interfaces import IRepository, IStaging, IStorageProvider
from ..wal.interfaces import FileChange
from ..wal.threads import InThread
from . import refsfile
from .bundling import NO_HEAD, write_refs
from .create import Skipped
from .hookfile import changes_of, stored_hooks
from .interfaces import IBackupLocator, ISink, NotThere
from .locator import legacy
from .manifest import Backup, Step
from .refsfile import Refs
from .vanity import Vanity

_BRANCHES = b"refs/heads/"

_UNSYNCED = (ConfigPair("core.fsync", "none"),)
"""The log makes durable what becomes of it."""


@frozen
class Contents:
    """
    What the repository will be.

    :param refs: of each step; the last one's are the repository's.
    """

    object_format: ObjectFormat
    head: bytes
    refs: Sequence[Refs]
    steps: Sequence[Step]
    hooks: Sequence[FileChange]


EMPTY = Contents(ObjectFormat.SHA1, NO_HEAD, (), (), ())


@frozen
class Restoring:
    """
    Puts repositories back.

    :param packed: told of a repository that came back.
    """

    _storage: IStorageProvider
    _git: IGit
    _sink: ISink
    _locator: IBackupLocator
    _unasked: Unasked
    _in_thread: InThread
    _packed: Callable[[IRepository], None]

    async def restore(self, target: Repository | None, vanity: Vanity, backup_id: str, always: bool) -> None:
        """
        :param backup_id: empty for the latest one.
        :param always: make an empty repository if there is no backup; an id, if given, must be there all the same.
        :raises Skipped: if there is no backup. The repository is as it was.
        :raises GitalyError: if the backup cannot be used. The repository is as it was.
        """
        backup = await self._find(vanity, backup_id)
        try:
            contents = await self._contents(backup)
        except NotThere as error:
            if not always or len(backup.steps) > 1:
                raise Skipped(f"repository skipped: {error.message}") from error
            contents = EMPTY
        staging = await self._storage.prepare(target, object_format=contents.object_format, replacing=True)
        try:
            await self._build(staging.directory, contents)
        except BaseException:
            await staging.discard()
            raise
        repository = await self._unasked.carry(self._replace(target, staging, contents))
        self._packed(repository)

    async def _find(self, vanity: Vanity, backup_id: str) -> Backup:
        try:
            return await self._locator.find(vanity, backup_id) if backup_id else await self._locator.latest(vanity)
        except NotThere as error:
            if not backup_id:
                return legacy(vanity)
            raise Skipped(f"repository skipped: {error.message}") from error

    async def _contents(self, backup: Backup) -> Contents:
        """
        :raises NotThere: ``read refs: doesn't exist``.
        """
        object_format, found = backup.object_format, []
        for step in backup.steps:
            try:
                text = await self._sink.read(step.refs, refsfile.MAXIMUM)
            except NotThere as error:
                raise NotThere(step.refs, "read refs") from error
            refs, named = await self._in_thread(refsfile.decode, text, object_format, step.refs_digest)
            if text:
                object_format = named
            found.append(refs)
        try:
            archive = await stored_hooks(self._sink, self._in_thread, backup.steps)
            hooks = await self._in_thread(changes_of, archive)
        except GitalyError as error:
            raise GitalyError(f"restore custom hooks: {error.message}", error.given_code, error.facts) from error
        head = backup.head or await self._in_thread(_guessed, found[-1])
        return Contents(object_format or ObjectFormat.SHA1, head, found, backup.steps, hooks)

    async def _build(self, made: GitDirectory, contents: Contents) -> None:
        """
        Put the objects of all steps into a new repository.
        """
        for step, refs in zip(contents.steps, contents.refs, strict=True):
            if refs:
                await self._unbundle(made, step.bundle)
            # git wants a bundle's prerequisites to be reachable; and no reference must be left that is not in the end.
            await self._in_thread(write_refs, made.path, refs)
        ended = await self._run(Command("rev-list", ["--objects", "--all", "--quiet"], directory=made))
        if ended.status != 0:
            facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
            raise GitalyError("restore bundle: objects are missing", Code.FAILED_PRECONDITION, facts)

    async def _unbundle(self, made: GitDirectory, bundle: str) -> None:
        doing = f"restore bundle: {quoted(bundle)}"
        try:
            path = await self._sink.file(bundle)
        except NotThere as error:
            raise GitalyError(f"{doing}: {error.message}", None, error.facts) from error
        ended = await self._run(Command("bundle", [], [path], action="unbundle", config=_UNSYNCED, directory=made))
        if ended.status != 0:
            raise GitalyError(f"{doing}: {ended}", None, {"stderr": ended.stderr.decode("utf-8", "replace")})

    async def _run(self, command: Command) -> Ended:
        """
        Run a git whose output nobody wants.
        """
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            child = self._git.spawn(command, stdout=nowhere, stdin=False)
        finally:
            os.close(nowhere)
        try:
            return await child.wait()
        except BaseException:
            child.kill()
            await child.wait()
            raise

    async def _replace(self, target: Repository | None, staging: IStaging, contents: Contents) -> IRepository:
        try:
            failpoint("restore.before_remove")
            try:
                await self._unasked.remove(self._storage, target)
            except GitalyError as error:
                if error.code is not Code.NOT_FOUND:
                    raise
            failpoint("restore.after_remove")
            return await self._unasked.create(
                self._storage,
                target,
                object_format=contents.object_format,
                default_branch=contents.head,
                staging=staging,
                refs=contents.refs[-1].names if contents.refs else {},
                files=contents.hooks,
            )
        finally:
            await staging.discard()


def _guessed(refs: Refs) -> bytes:
    """
    A branch for HEAD, if all that is known of it is its commit.
    """
    for name in (NO_HEAD, b"refs/heads/master", *sorted(refs.names)):
        if name.startswith(_BRANCHES) and refs.head is not None and refs.names.get(name) == refs.head:
            return name
    return NO_HEAD


__all__ = ["Restoring"]
