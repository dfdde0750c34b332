"""
HEAD made a name for another ref, step by step, in git's own order. Everything here blocks and runs in threads.
"""

from __future__ import annotations

import os
import threading

from attrs import define, field

from . import lockfiles
from .names import check_ref
from .refinterfaces import HeadLocked


@define(eq=False)
class HeadChange:
    """
    The steps: :func:`lock`, which is called until it returns ``None``, and then :func:`commit` or :func:`abort`. A lock that is
    somebody else's is never broken: what they do to HEAD, and for how long, nobody can tell.

    Any method may be called while another runs in another thread; they wait for one another. After :func:`abort` nothing is
    locked and nothing can be locked any more.

    :param root: the repository.
    :param target: the ref that HEAD shall be a name for.
    """

    root: bytes
    target: bytes = field()
    _held: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    _turn: threading.Lock = field(factory=threading.Lock, init=False)

    @target.validator
    def _check_target(self, attribute: object, value: bytes) -> None:
        check_ref(value)

    @property
    def path(self) -> str:
        """
        The lock file.
        """
        return os.fsdecode(self._lock)

    @property
    def _lock(self) -> bytes:
        return lockfiles.lock_path(self.root + b"/HEAD")

    def lock(self, overdue: bool = False) -> bytes | None:
        """
        Make the lock file, if nobody else has.

        :param overdue: it has been waited for long enough.
        :returns: the lock that must be waited for; ``None`` once it is ours.
        :raises HeadLocked: if it must be waited for and is overdue.
        """
        with self._turn:
            if self._ended:
                return None
            try:
                lockfiles.take(self._lock, b"ref: " + self.target + b"\n")
            except FileExistsError:
                if overdue:
                    raise HeadLocked(self.path) from None
                return self._lock
            self._held = True
            return None

    def commit(self) -> None:
        """
        Make the change visible, and unlock.

        :raises OSError: if the disk does; HEAD stays as it was then, and locked.
        """
        with self._turn:
            if self._held:
                os.rename(self._lock, self.root + b"/HEAD")
                self._held = False

    def abort(self) -> None:
        """
        Unlock. A second call does nothing, nor does one after :func:`commit`.
        """
        with self._turn:
            self._ended = True
            if self._held:
                lockfiles.release(self._lock)
                self._held = False
