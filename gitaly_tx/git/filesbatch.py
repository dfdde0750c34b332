"""
What one write does to refs in files, from the locks to the last rename.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from attrs import define, field

from .filetransaction import FileTransaction
from .headchange import HeadChange
from .objectid import ObjectID
from .refinterfaces import First, IIntent, RefRefused, nothing


@define(eq=False)
class FilesBatch:
    """
    Updates of refs, and of HEAD: :func:`lock` is called until it returns ``None``, and then :func:`commit` or :func:`abort`. Each
    blocks, and is one turn in a thread with all that belongs to it, because a turn costs more than what is done for one ref.

    Any method may be called while another runs in another thread; they wait for one another. After :func:`abort` nothing is
    locked and nothing can be locked any more.

    :param begin: called first of all, once: plans the updates.
    :param target: the ref that HEAD shall be a name for, unless an update of it is refused.
    :param intent: told of the lock files before the first is made, and when all are gone.
    :ivar before: what the refs were once they were locked; symbolic ones are left out.
    """

    _begin: Callable[[], FileTransaction]
    _target: bytes | None = None
    _intent: IIntent | None = None
    _refs: FileTransaction | None = field(default=None, init=False)
    _head: HeadChange | None = field(default=None, init=False)
    _verified: bool = field(default=False, init=False)
    before: Mapping[bytes, ObjectID] = field(factory=dict, init=False)
    _ended: bool = field(default=False, init=False)
    _turn: threading.Lock = field(factory=threading.Lock, init=False)

    def lock(self, overdue: bool = False) -> bytes | None:
        """
        Do all that comes before the log, as far as nobody has to be waited for: plan, announce, lock, verify.

        :param overdue: the lock that was returned has been waited for long enough.
        :returns: the lock that must be waited for; ``None`` once everything is locked and verified.
        :raises HeadLocked: if that of HEAD must be waited for and is overdue.
        """
        with self._turn:
            if self._ended:
                return None
            refs = self._refs or self._plan()
            if not self._verified:
                missing = refs.lock(overdue)
                if missing is not None:
                    return missing
                refs.verify()
                self._verified = True
                self.before = refs.before
                if self._target in refs.refused:
                    self._head = None
            return None if self._head is None else self._head.lock(overdue)

    def commit(self, first: First = nothing) -> None:
        """
        Make the updates visible, HEAD's last, and unlock. Once it has begun to, a second call does nothing.

        :param first: done first; if it raises, everything stays locked.
        :raises OSError: if the disk does; all is unlocked nevertheless.
        """
        with self._turn:
            if self._refs is None or self._ended:
                return
            first()
            try:
                self._refs.commit()
                if self._head is not None:
                    self._head.commit()
            finally:
                self._unlock()

    def abort(self) -> None:
        """
        Unlock. A second call does nothing, nor does one after :func:`commit`.
        """
        with self._turn:
            if not self._ended:
                self._unlock()

    @property
    def refused(self) -> Mapping[bytes, RefRefused]:
        """
        The updates that cannot be made, by name.
        """
        return {} if self._refs is None else self._refs.refused

    @property
    def held(self) -> tuple[str, ...]:
        """
        The lock files that are there now.
        """
        refs = () if self._refs is None else self._refs.held
        return refs if self._head is None else (*refs, self._head.path)

    def _plan(self) -> FileTransaction:
        planned = self._begin()
        if self._target is not None:
            self._head = HeadChange(planned.root, self._target)
        if self._intent is not None:
            self._intent.announce(planned.paths if self._head is None else (*planned.paths, self._head.path))
        self._refs = planned
        return planned

    def _unlock(self) -> None:
        self._ended = True
        if self._refs is not None:
            self._refs.abort()
        if self._head is not None:
            self._head.abort()
        if self._intent is not None:
            self._intent.withdraw()
