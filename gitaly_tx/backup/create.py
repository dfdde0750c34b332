"""
How a backup is made: all refs of one moment, a bundle of what they lead to, and the hooks.

1. Refs and HEAD are listed in the repository's turn in the write queue, so that no write is seen by half. From before that to the
   end there is a staging directory of the repository: while there is, housekeeping drops no objects.
2. git makes the bundle of exactly these refs (:mod:`gitaly_tx.backup.bundling`). Pushes go on meanwhile.
3. Everything is written into drafts, which nobody finds. Only when all of it is there the parts get their names, the refs last,
   and only then come the pointers and manifests that lead to them. Whatever a crash leaves, the backup before is there.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from attrs import evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from ..errors import Code, GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import IGit, Reference
from ..git.objectid import ObjectID
from ..observability.failpoints import failpoint
from ..storage.interfaces import IRepository, ITurn
from ..wal.threads import InThread
from . import refsfile
from .bundling import NothingNew, make_view, without, write_bundle
from .hookfile import NONE, read_hooks, stored_hooks
from .interfaces import IBackupLocator, IDraft, ISink, NotThere
from .manifest import Backup, Step
from .refsfile import Refs
from .vanity import Vanity

T = TypeVar("T")


class Skipped(GitalyError):
    """
    There is nothing to back up, or to restore.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.FAILED_PRECONDITION)


@frozen
class Measured:
    """
    Those who are told how it went.

    :param phase: how many seconds ``refs``, ``bundle`` or ``custom_hooks`` took.
    :param bundle: how many bytes a bundle has.
    """

    phase: Callable[[str, float], None]
    bundle: Callable[[float], None]


@frozen
class Before:
    """
    The backup that another one adds to.

    :param text: its refs, as they are in their file.
    :param hooks: the archive that it ends with.
    """

    backup: Backup
    text: bytes
    refs: Refs
    hooks: bytes


@frozen
class Moment:
    """
    What a repository says at one moment.

    :param head: the ref that HEAD is a name for; ``None`` if it is none.
    :param commit: what HEAD is in the end; ``None`` if it is unborn.
    :param listed: all refs.
    """

    head: bytes | None
    commit: ObjectID | None
    listed: Sequence[Reference]


@frozen
class Creating:
    """
    Makes backups; of one repository one at a time, which is for the caller to see to.
    """

    _git: IGit
    _sink: ISink
    _locator: IBackupLocator
    _in_thread: InThread
    _clock: IReactorTime
    _measured: Measured

    async def create(self, repository: IRepository, vanity: Vanity, backup_id: str, incremental: bool) -> None:
        """
        :raises Skipped: ``write bundle: repository skipped: no changes to bundle``.
        :raises GitalyError: if something cannot be read or written.
        :raises OSError: if the disk does not take it.
        """
        staging = await repository.stage()
        try:
            before = await self._before(repository, vanity) if incremental else None
            made = _Making(self, repository, before)
            try:
                backup = await made.make(vanity, backup_id, await staging.scratch())
                await self._locator.commit(vanity, backup)
            finally:
                await made.drop()
        finally:
            await staging.discard()

    async def _before(self, repository: IRepository, vanity: Vanity) -> Before | None:
        """
        :returns: ``None`` if there is nothing to add to.
        """
        try:
            backup = await self._locator.latest(vanity)
        except NotThere:
            return None
        last = backup.steps[-1]
        try:
            text = await self._sink.read(last.refs, refsfile.MAXIMUM)
        except NotThere as error:
            raise error.wrapped("write bundle: read refs") from error
        refs, object_format = await self._in_thread(refsfile.decode, text, backup.object_format, last.refs_digest)
        if object_format is not repository.object_format and (text or backup.object_format is not None):
            return None  # It was another repository.
        try:
            return Before(backup, text, refs, await stored_hooks(self._sink, self._in_thread, backup.steps))
        except GitalyError as error:
            raise error.wrapped("write custom hooks") from error


@frozen
class _Making:
    """
    One backup.
    """

    _means: Creating
    _repository: IRepository
    _before: Before | None
    _drafts: list[IDraft] = field(factory=list, init=False)

    async def make(self, vanity: Vanity, backup_id: str, scratch: str) -> Backup:
        """
        :param scratch: an empty directory.
        :returns: a backup whose parts have their names.
        """
        in_thread = self._means._in_thread
        moment = await self._repository.turn(self._look)
        refs, text = await in_thread(refsfile.encode, moment.listed, moment.commit)
        hooks = await self._timed("custom_hooks", self._hooks())
        self._check_changed(moment, text, hooks)
        step = await self._place(vanity, backup_id)
        step = evolve(step, refs_digest=await in_thread(refsfile.digest, text))
        listed = await self._timed("refs", self._written(step.refs, text))
        bundle = None
        if refs:
            directory, object_format = self._repository.directory, self._repository.object_format
            view = await in_thread(make_view, directory, scratch, object_format, refs, moment.head)
            bundle = await self._timed("bundle", self._bundle(view, step, refs))
        archive = None
        if hooks or (self._before is not None and self._before.hooks):
            content = hooks or NONE
            step = evolve(step, hooks_digest=await in_thread(refsfile.digest, content))
            archive = await self._timed("custom_hooks", self._written(step.hooks, content))
        await self._publish(step, bundle, archive, listed)
        steps = () if self._before is None else self._before.backup.steps
        return Backup(backup_id, self._repository.object_format, moment.head or b"", (*steps, step))

    async def drop(self) -> None:
        """
        Give up what has no name yet.
        """
        for draft in self._drafts:
            await draft.drop()

    async def _look(self, turn: ITurn) -> Moment:
        head = await self._repository.head()
        commit = await self._repository.ref(b"HEAD")
        listed = await self._repository.refs()
        return Moment(head, None if commit is None else commit.target, listed)

    def _check_changed(self, moment: Moment, text: bytes, hooks: bytes) -> None:
        if self._before is None:
            return
        head = self._before.backup.head
        if text == self._before.text and hooks == self._before.hooks and head in (b"", moment.head or b""):
            raise Skipped("write bundle: repository skipped: no changes to bundle")

    async def _place(self, vanity: Vanity, backup_id: str) -> Step:
        if self._before is None:
            return await self._means._locator.full(vanity, backup_id)
        return await self._means._locator.increment(vanity, backup_id, self._before.backup)

    async def _hooks(self) -> bytes:
        try:
            return await self._means._in_thread(read_hooks, self._repository.directory.path)
        except GitalyError as error:
            raise error.wrapped("write custom hooks") from error

    async def _bundle(self, view: GitDirectory, step: Step, refs: Refs) -> IDraft:
        if self._before is None:
            return await self._bundled(view, step, ["--all"])
        known = await self._means._in_thread(without, self._before.refs)
        try:
            return await self._bundled(view, step, ["--ignore-missing", "--all", "--stdin"], known)
        except NothingNew:
            pass
        # Refs went, or came to old commits. The list of refs says so; a bundle must have something in it, so it gets little.
        if refs.head is None:
            return await self._bundled(view, step, ["--all"])
        return await self._bundled(view, step, ["--stdin"], b"HEAD\n^%s^@\n" % refs.head)

    async def _bundled(self, view: GitDirectory, step: Step, words: list[str], stdin: bytes = b"") -> IDraft:
        draft = await self._draft(step.bundle)
        await write_bundle(self._means._git, view, draft.descriptor, words, stdin)
        return draft

    async def _written(self, path: str, content: bytes) -> IDraft:
        draft = await self._draft(path)
        await draft.write([content])
        return draft

    async def _draft(self, path: str) -> IDraft:
        draft = await self._means._sink.draft(path)
        self._drafts.append(draft)
        return draft

    async def _publish(self, step: Step, bundle: IDraft | None, hooks: IDraft | None, refs: IDraft) -> None:
        """
        A step whose refs are there is complete: nobody writes to these names again.
        """
        failpoint("backup.before_publish")
        for path, part in ((step.bundle, bundle), (step.hooks, hooks)):
            if part is None:
                await self._means._sink.remove(path)  # What was broken off may have left one.
            else:
                size = await part.publish()
                if part is bundle:
                    self._means._measured.bundle(size)
            failpoint("backup.after_each_part")
        await refs.publish()
        failpoint("backup.after_parts")

    async def _timed(self, phase: str, work: Coroutine[Deferred[object], object, T]) -> T:
        began = self._means._clock.seconds()
        try:
            return await work
        finally:
            self._means._measured.phase(phase, self._means._clock.seconds() - began)


__all__ = ["Creating", "Measured", "Skipped"]
