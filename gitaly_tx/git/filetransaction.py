"""
A batch of ref updates in git's files format, step by step, in git's own order. Everything here blocks and runs in threads.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence

from attrs import define, field
from twisted.logger import Logger

from . import lockfiles, looserefs
from .interfaces import RefRefused, RefUpdate, Refusal
from .objectid import ObjectFormat, ObjectID
from .packedrefs import PackedRefs, PackedRefsFiles
from .refchecks import prefixes, refused_for_value, refused_in_batch

_log = Logger()

DEPTH = 5
"""How many names are looked at to get from a symbolic ref to an object id, the last one included."""

_ATTEMPTS = 4

_IN_THE_WAY = frozenset({errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


@define
class Step:
    """
    One update on its way.

    :param update: as it was asked for.
    :param names: the symbolic refs that lead to the ref that is written, and at the end that ref; all are locked.
    :param actual: what the ref was once it was locked.
    :param symbolic: whether it is a symbolic ref that is to be changed itself.
    :param writes: whether there is anything to do at all.
    :ivar deletes: whether the ref is to be gone afterwards.
    """

    update: RefUpdate
    names: tuple[bytes, ...]
    actual: ObjectID | None = None
    symbolic: bool = False
    writes: bool = True
    deletes: bool = field(init=False)

    @deletes.default
    def _deletes(self) -> bool:
        return self.update.new.is_zero

    @property
    def name(self) -> bytes:
        """
        The ref that is written.
        """
        return self.names[-1]


@define(eq=False)
class FileTransaction:
    """
    The steps, each called once but for :func:`lock`, which is called until it returns ``None``: :func:`plan`, :func:`lock`,
    :func:`verify`, and then :func:`commit` or :func:`abort`.

    Locks are made in the order of the names, so that two batches cannot wait for one another. ``packed-refs.lock`` is the last
    and is made only for deletions; it is held to the end, so that nobody packs a ref that is being deleted.

    Any method may be called while another runs in another thread; they wait for one another. After :func:`abort` nothing is
    locked and nothing can be locked any more.

    :param root: the repository.
    :param object_format: of the repository; ids of the other one are refused.
    :param forced: break locks however young they are, and write whatever the refs hold.
    :param stale: seconds after which somebody else's untouched lock counts as forgotten.
    """

    root: bytes
    updates: Sequence[RefUpdate]
    packed_files: PackedRefsFiles
    stale: float
    object_format: ObjectFormat
    forced: bool = False
    refused: dict[bytes, RefRefused] = field(factory=dict, init=False)
    steps: list[Step] = field(factory=list, init=False)
    failure: OSError | None = field(default=None, init=False)
    _wanted: list[tuple[bytes, Step | None]] = field(factory=list, init=False)
    _held: dict[bytes, Step | None] = field(factory=dict, init=False)
    _ended: bool = field(default=False, init=False)
    _turn: threading.RLock = field(factory=threading.RLock, init=False)

    # -------------------------------------------------------------------------------------------------- plan

    def plan(self) -> None:
        """
        Find out which refs are written and in which order they are locked.
        """
        with self._turn:
            self.refused.update(refused_in_batch(self.updates, self.object_format))
            taken: dict[bytes, Step] = {}
            accepted = [update for update in self.updates if update.name not in self.refused]
            followed = [Step(update, self._names(update)) for update in accepted]
            # A ref that is named itself goes before one that is only reached by another name.
            for step in sorted(followed, key=lambda step: (len(step.names), step.update.name)):
                if any(name in taken for name in step.names):
                    self._refuse(step, Refusal.STALE)
                else:
                    taken.update(dict.fromkeys(step.names, step))
            self.steps = [step for step in followed if step.update.name not in self.refused]
            self._wanted = [(lockfiles.lock_path(self._path(name)), taken[name]) for name in sorted(taken)]
            if any(step.deletes for step in self.steps):
                self._wanted.append((self._path(b"packed-refs.lock"), None))
            self._wanted.reverse()

    def _names(self, update: RefUpdate) -> tuple[bytes, ...]:
        return self._follow(update.name) if update.follow else (update.name,)

    def _follow(self, name: bytes) -> tuple[bytes, ...]:
        names = [name]
        while len(names) < DEPTH:
            found = looserefs.read(self.root, names[-1])
            if found is None or found.symbolic is None or found.symbolic in names:
                break
            names.append(found.symbolic)
        return tuple(names)

    @property
    def paths(self) -> tuple[str, ...]:
        """
        All files that may be made before the commit, besides the refs themselves.
        """
        found = [path for path, _ in reversed(self._wanted)]
        if found and found[-1] == self._path(b"packed-refs.lock"):
            found.append(self._path(b"packed-refs.new"))
        return tuple(map(os.fsdecode, found))

    @property
    def before(self) -> dict[bytes, ObjectID]:
        """
        What the refs were once they were locked; symbolic ones are left out.
        """
        accepted = (step for step in self.steps if step.update.name not in self.refused)
        return {
            step.name: step.actual or self.object_format.zero for step in accepted if len(step.names) == 1 and not step.symbolic
        }

    @property
    def held(self) -> tuple[str, ...]:
        """
        The lock files that are there now.
        """
        return tuple(map(os.fsdecode, self._held))

    # -------------------------------------------------------------------------------------------------- lock

    def lock(self, overdue: bool = False) -> bytes | None:
        """
        Make lock files until one is in somebody else's hands.

        :param overdue: the first one has been waited for long enough: break it if it is stale, or else go on without it.
        :returns: the lock that must be waited for; ``None`` once there is nothing left to lock.
        """
        with self._turn:
            if overdue and self._wanted:
                self._overdue()
            while self._wanted and not self._ended:
                path, step = self._wanted[-1]
                if step is None or step.update.name not in self.refused:
                    try:
                        lockfiles.take(path, b"" if step is None else self._content(step, path))
                    except FileExistsError:
                        return path
                    except NotADirectoryError:
                        self._blocked(step, path)
                    except OSError as error:
                        self._unwritable(step, error)
                    else:
                        self._held[path] = step
                self._wanted.pop()
            return None

    def _overdue(self) -> None:
        path, step = self._wanted[-1]
        companion = self._path(b"packed-refs.new") if step is None else None
        if not lockfiles.break_stale(path, 0.0 if self.forced else self.stale, None if self.forced else companion):
            self._wanted.pop()
            for refused in self._concerned(step):
                self._refuse(refused, Refusal.LOCKED)

    def _content(self, step: Step, path: bytes) -> bytes:
        writes = not step.deletes and path == lockfiles.lock_path(self._path(step.name))
        return step.update.new + b"\n" if writes else b""

    def _blocked(self, step: Step | None, path: bytes) -> None:
        for refused in self._concerned(step):
            if refused.deletes:
                # What cannot exist need not be locked against anybody.
                refused.writes = False
                if refused.update.old is not None and not refused.update.old.is_zero:
                    self._refuse(refused, Refusal.STALE, refused.update.old.format.zero)
                continue
            other = next((name for name in prefixes(refused.name) if looserefs.read(self.root, name) is not None), None)
            self._refuse(refused, Refusal.CONFLICT, other=other)

    def _unwritable(self, step: Step | None, error: OSError) -> None:
        self.failure = error
        _log.error("ref cannot be locked", path=error.filename, error=os.strerror(error.errno or 0))
        for refused in self._concerned(step):
            self._refuse(refused, Refusal.UNWRITABLE)

    def _concerned(self, step: Step | None) -> list[Step]:
        """
        The updates that cannot be made without a lock.
        """
        return [other for other in self.steps if other.deletes] if step is None else [step]

    # -------------------------------------------------------------------------------------------------- verify

    def verify(self) -> None:
        """
        Compare, under the locks, and let go of what cannot be written.
        """
        with self._turn:
            steps = [step for step in self.steps if step.update.name not in self.refused]
            # All files first and packed-refs after them: what moves from the one to the other meanwhile is seen.
            loose = [(step, looserefs.read(self.root, step.name)) for step in steps]
            packed = self.packed_files.read(os.fsdecode(self.root))
            absent: set[bytes] = set()
            for step, found in loose:
                self._verify(step, found, packed, absent)
            for step in self.steps:
                if step.update.name in self.refused:
                    self._let_go(step)

    def _verify(self, step: Step, found: looserefs.LooseRef | None, packed: PackedRefs, absent: set[bytes]) -> None:
        followed = step.names if len(step.names) == 1 else self._follow(step.update.name)
        step.symbolic = found is not None and found.symbolic is not None
        if followed != step.names or (step.symbolic and (step.update.follow or step.update.old is not None)):
            self._refuse(step, Refusal.STALE)
            return
        if found is not None:
            step.actual = found.target
        else:
            entry = packed.find(step.name)
            step.actual = None if entry is None else entry.target
        exists = found is not None or step.actual is not None
        step.writes = exists if step.deletes else step.actual != step.update.new
        if self.forced:
            return
        if found is not None and found.broken and step.update.old is not None:
            self._refuse(step, Refusal.STALE)
            return
        why = None if found is not None and found.broken else refused_for_value(step.update, step.actual)
        if why is not None:
            self.refused[step.update.name] = why
        elif not exists and not step.deletes:
            other = self._conflict(step.name, packed, absent)
            if other is not None:
                self._refuse(step, Refusal.CONFLICT, other=other)

    def _conflict(self, name: bytes, packed: PackedRefs, absent: set[bytes]) -> bytes | None:
        for prefix in () if name.rpartition(b"/")[0] in absent else prefixes(name):
            if prefix in absent:
                continue
            if looserefs.read(self.root, prefix) is not None or packed.find(prefix) is not None:
                return prefix
            absent.add(prefix)
        below = next(packed.below(name + b"/"), None)
        return below.name if below is not None else looserefs.any_below(self.root, name)

    def _refuse(self, step: Step, why: Refusal, actual: ObjectID | None = None, other: bytes | None = None) -> None:
        self.refused[step.update.name] = RefRefused(step.update.name, why, actual, other)

    def _let_go(self, step: Step) -> None:
        for name in step.names:
            self._release(lockfiles.lock_path(self._path(name)))
            lockfiles.prune_parents(self.root, name)

    # -------------------------------------------------------------------------------------------------- end

    def commit(self) -> None:
        """
        Make the updates visible, and unlock. A second call does nothing.

        :raises OSError: if the disk does; all is unlocked nevertheless.
        """
        with self._turn:
            if self._ended:
                return
            self._ended = True
            written = [step for step in self.steps if step.writes and step.update.name not in self.refused]
            try:
                for step in written:
                    if not step.deletes:
                        self._put(step)
                self._delete([step.name for step in written if step.deletes])
            finally:
                self._unlock()

    def abort(self) -> None:
        """
        Unlock. A second call does nothing.
        """
        with self._turn:
            self._ended = True
            self._unlock()

    def _put(self, step: Step) -> None:
        path = self._path(step.name)
        lock = lockfiles.lock_path(path)
        for attempt in range(_ATTEMPTS):
            try:
                os.rename(lock, path)
            except OSError as error:
                if error.errno not in _IN_THE_WAY or (attempt == _ATTEMPTS - 1 and not self.forced):
                    raise
                self._make_room(path)
            else:
                self._held.pop(lock, None)
                return
        _log.error("ref not written because others are in its way", path=path)

    def _make_room(self, path: bytes) -> None:
        try:
            lockfiles.remove_empty_directories(path)
        except OSError:
            pass  # the next attempt to rename says what is in the way

    def _delete(self, names: Sequence[bytes]) -> None:
        if not names:
            return
        packed = self.packed_files.read(os.fsdecode(self.root))
        if packed.has_any(names):
            self._rewrite(packed, frozenset(names))
        for name in names:
            path = self._path(name)
            try:
                os.unlink(path)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                pass

    def _rewrite(self, packed: PackedRefs, names: frozenset[bytes]) -> None:
        new = self._path(b"packed-refs.new")
        lockfiles.release(new)
        try:
            with open(new, "xb") as file:
                file.writelines(packed.without(names))
            os.rename(new, self._path(b"packed-refs"))
        except BaseException:
            lockfiles.release(new)
            raise
        self.packed_files.forget(os.fsdecode(self.root))

    def _unlock(self) -> None:
        held = list(self._held.items())
        for path, step in held:
            self._release(path)
            if step is not None:
                for name in step.names:
                    lockfiles.prune_parents(self.root, name)

    def _release(self, path: bytes) -> None:
        if path in self._held:
            del self._held[path]
            try:
                lockfiles.release(path)
            except OSError:
                _log.failure("lock cannot be removed", path=path)

    def _path(self, name: bytes) -> bytes:
        return self.root + b"/" + name
