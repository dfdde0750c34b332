"""
:class:`~gitaly_tx.git.interfaces.IRefs` for git's reftable format, by running git.

Only git 2.45 and newer know the format. Every look-up costs a child here; nothing is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from attrs import define, evolve, frozen
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..streams import StreamBroken
from . import lockfiles
from .command import Command
from .directory import GitDirectory
from .interfaces import (
    First,
    IChild,
    IGit,
    IIntent,
    IPreparedRefs,
    IRefs,
    Reference,
    RefRefused,
    RefUpdate,
    Refusal,
    nothing,
)
from .names import check_ref, is_valid_ref
from .objectid import ObjectID
from .refchecks import matches, prefixes, refused_for_value, refused_in_batch
from .refsync import fsync_path

_FORMAT = "--format=%(objectname) %(symref) %(refname)"

_MAXIMUM = 1 << 30

References = list[Reference]

InThread = Callable[..., Awaitable[None]]

_log = Logger()


class UpdateRefFailed(GitalyError):
    """
    ``git update-ref`` did not do what it had said that it would.
    """

    def __init__(self, directory: GitDirectory, ended: str) -> None:
        super().__init__("committing update", Code.INTERNAL, {"path": directory.path, "ended": ended})


def instructions(updates: Iterable[RefUpdate]) -> Iterator[bytes]:
    """
    Updates as ``update-ref --stdin -z`` reads them.
    """
    for update in updates:
        old = update.old or b""
        if not update.follow:
            yield b"option no-deref\0"
        if update.new.is_zero:
            yield b"delete %s\0%s\0" % (update.name, old)
        else:
            yield b"update %s\0%s\0%s\0" % (update.name, update.new, old)


@implementer(IPreparedRefs)
@define
class PreparedReftable:
    """
    A transaction that a waiting ``git update-ref`` has open; ``None`` if there is nothing to change.

    HEAD is in the same files, under the same lock, and that command cannot change it: it comes after the transaction.
    """

    _refs: ReftableRefs
    _directory: GitDirectory
    _head: bytes | None
    _intent: IIntent | None
    _child: IChild | None
    refused: Mapping[bytes, RefRefused]
    locks: tuple[str, ...]
    before: Mapping[bytes, ObjectID]

    async def commit(self, first: First = nothing) -> None:
        """
        As :func:`IPreparedRefs.commit`.

        :raises UpdateRefFailed: if git could not.
        """
        await self._refs.in_thread(first)
        await self._end(b"commit\0")
        if self._head is not None:
            await self._refs.set_head(self._directory, self._head)

    async def abort(self) -> None:
        """
        As :func:`IPreparedRefs.abort`.
        """
        try:
            await self._end(b"abort\0")
        except UpdateRefFailed as error:
            _log.warn("aborting a ref update", **error.facts)

    async def _end(self, word: bytes) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        try:
            await self._tell(child, word)
        finally:
            if self._intent is not None:
                await self._refs.in_thread(self._intent.withdraw)

    async def _tell(self, child: IChild, word: bytes) -> None:
        try:
            await child.stdin.write(word)
            child.close_stdin()
            while await child.stdout.read():
                pass
        except StreamBroken:
            pass  # its exit status says more
        except BaseException:
            child.kill()
            raise
        ended = await child.wait()
        if ended.status:
            raise UpdateRefFailed(self._directory, str(ended))


@implementer(IRefs)
@frozen
class ReftableRefs:
    """
    :param git: runs ``for-each-ref``, ``symbolic-ref``, ``rev-parse`` and ``update-ref``.
    :param in_thread: runs a blocking function in a thread.
    """

    _git: IGit
    in_thread: InThread

    async def read(self, directory: GitDirectory, name: bytes) -> Reference | None:
        """
        As :func:`IRefs.read`.
        """
        if name == b"HEAD":
            return await self._read_head(directory)
        if not is_valid_ref(name):
            return None
        found = await self._for_each_ref(directory, [name])
        return next((reference for reference in found if reference.name == name), None)

    async def _read_head(self, directory: GitDirectory) -> Reference | None:
        symbolic = await self.head(directory)
        if symbolic is not None:
            target = await self.read(directory, symbolic)
            return None if target is None else Reference(b"HEAD", target.target, symbolic)
        output, ended = await self._git.run(
            Command("rev-parse", ["--verify", "--quiet"], ["HEAD"], directory=directory), check=False
        )
        return Reference(b"HEAD", ObjectID(output.strip())) if ended.status == 0 else None

    async def head(self, directory: GitDirectory) -> bytes | None:
        """
        As :func:`IRefs.head`.
        """
        output, ended = await self._git.run(Command("symbolic-ref", ["--quiet"], ["HEAD"], directory=directory), check=False)
        return output.rstrip(b"\n") if ended.status == 0 else None

    async def list(
        self, directory: GitDirectory, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()
    ) -> list[Reference]:
        """
        As :func:`IRefs.list`.
        """
        patterns = [prefix for prefix in prefixes if prefix == b"refs/" or is_valid_ref(prefix.rstrip(b"/"))]
        found = await self._for_each_ref(directory, patterns) if patterns else []
        return [reference for reference in found if matches(reference.name, patterns) and not matches(reference.name, hidden)]

    async def _for_each_ref(self, directory: GitDirectory, patterns: Sequence[bytes]) -> References:
        command = Command("for-each-ref", [_FORMAT], patterns, directory=directory)
        output, _ = await self._git.run(command, maximum=_MAXIMUM)
        found = []
        for line in output.splitlines():
            target, symbolic, name = line.split(b" ", 2)
            found.append(Reference(name, ObjectID(target), symbolic or None))
        return found

    # -------------------------------------------------------------------------------------------------- writing

    async def prepare(
        self,
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> IPreparedRefs:
        """
        As :func:`IRefs.prepare`. The whole format has one lock.
        """
        if head is not None:
            check_ref(head)
        await self.in_thread(first)
        locks = (os.path.join(directory.path, "reftable", "tables.list.lock"),)
        refused = refused_in_batch(updates)
        listed = await self._for_each_ref(directory, [b"refs/"])
        current = {reference.name: reference.target for reference in listed}
        refused.update(_refused(current, [update for update in updates if update.name not in refused]))
        accepted = [update for update in updates if update.name not in refused]
        symbolic = {reference.name for reference in listed if reference.symbolic is not None}
        plain = [update for update in accepted if update.name not in symbolic]
        before = {update.name: current.get(update.name, update.new.format.zero) for update in plain}
        written = _worth_writing(accepted, current)
        head = None if head in refused else head
        if not written:
            return PreparedReftable(self, directory, head, None, None, refused, (), before)
        child = await self._announced(intent, locks, directory, written)
        if child is None:
            # Somebody was quicker, or has the lock: what changed is stale, and the rest is locked.
            refused.update((update.name, RefRefused(update.name, Refusal.LOCKED)) for update in accepted)
            refused.update(_refused(await self._current(directory), accepted))
            return PreparedReftable(self, directory, None, None, None, refused, (), {})
        return PreparedReftable(self, directory, head, intent, child, refused, locks, before)

    async def _announced(
        self, intent: IIntent | None, locks: Sequence[str], directory: GitDirectory, updates: Sequence[RefUpdate]
    ) -> IChild | None:
        """
        :returns: a git that has the lock; ``None`` if it could not have it.
        """
        if intent is None:
            return await self._open(directory, updates)
        await self.in_thread(intent.announce, locks)
        child = None
        try:
            child = await self._open(directory, updates)
        finally:
            if child is None:
                await self.in_thread(intent.withdraw)
        return child

    async def _current(self, directory: GitDirectory) -> dict[bytes, ObjectID]:
        return {reference.name: reference.target for reference in await self._for_each_ref(directory, [b"refs/"])}

    async def _open(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> IChild | None:
        child = self._git.spawn(Command("update-ref", ["--stdin", "-z"], directory=directory))
        try:
            await child.stdin.write(b"start\0" + b"".join(instructions(updates)) + b"prepare\0")
            said = b""
            while b"prepare: ok\n" not in said:
                piece = await child.stdout.read()
                if not piece:
                    await child.wait()
                    return None
                said += piece
        except StreamBroken:
            await child.wait()
            return None
        except BaseException:
            child.kill()
            raise
        return child

    async def force(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> None:
        """
        As :func:`IRefs.force`.

        :raises GitCommandError: if git could not.
        """
        lock = os.fsencode(os.path.join(directory.path, "reftable", "tables.list.lock"))
        await self.in_thread(lockfiles.break_stale, lock, 0.0)
        current = await self._current(directory)
        unconditional = [evolve(update, old=None) for update in updates]
        refused = _refused(current, unconditional)
        for name in refused:
            _log.error("ref not written because others are in its way", path=directory.path, ref=name)
        left = [update for update in unconditional if update.name not in refused]
        written = _worth_writing(left, current)
        command = Command("update-ref", ["--stdin", "-z"], directory=directory)
        await self._git.run(command, stdin=b"".join(instructions(written)))

    async def set_head(self, directory: GitDirectory, target: bytes) -> None:
        """
        As :func:`IRefs.set_head`.
        """
        check_ref(target)
        await self._git.run(Command("symbolic-ref", (), ["HEAD", target], directory=directory))

    async def fsync(self, directory: GitDirectory, names: Sequence[bytes]) -> None:
        """
        As :func:`IRefs.fsync`. All refs are in the same few files, HEAD among them.
        """
        await self.in_thread(_fsync, os.fsencode(directory.path))


def _refused(current: Mapping[bytes, ObjectID], updates: Sequence[RefUpdate]) -> dict[bytes, RefRefused]:
    """
    The updates that cannot be made, given all refs that there are.
    """
    directories = {prefix: name for name in current for prefix in prefixes(name)}
    refused = {}
    for update in updates:
        actual = current.get(update.name)
        why = refused_for_value(update, actual)
        if why is None and actual is None and not update.new.is_zero:
            other = directories.get(update.name) or next((name for name in prefixes(update.name) if name in current), None)
            why = None if other is None else RefRefused(update.name, Refusal.CONFLICT, other=other)
        if why is not None:
            refused[update.name] = why
    return refused


def _worth_writing(updates: Sequence[RefUpdate], current: Mapping[bytes, ObjectID]) -> list[RefUpdate]:
    """
    Without deletions of what does not exist, as far as that can be seen: symbolic refs that lead nowhere are not listed.
    """
    return [update for update in updates if update.name in current or not update.new.is_zero or not update.follow]


def _fsync(root: bytes) -> None:
    tables = root + b"/reftable"
    for parent, _, names in os.walk(tables):
        for name in names:
            fsync_path(parent + b"/" + name)
    fsync_path(tables)
    fsync_path(root)
