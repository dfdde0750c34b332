"""
How the reactor learns that a process has ended: by a descriptor that becomes readable (``pidfd_open(2)``).

No signal is involved, so nothing depends on who installed a SIGCHLD handler, and nobody is reaped behind our back.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IReadDescriptor)
class ProcessEnd:
    """
    Watches one child; closes itself.

    :param ended: called once the child is a zombie; it still has to be waited for.
    :raises OSError: if no descriptor can be had.
    """

    def __init__(self, reactor: IReactorFDSet, pid: int, ended: Callable[[], None]) -> None:
        self._reactor = reactor
        self._pid = pid
        self._ended = ended
        self._descriptor = os.pidfd_open(pid)
        reactor.addReader(self)

    def fileno(self) -> int:
        """
        Part of IReadDescriptor.
        """
        return self._descriptor

    def logPrefix(self) -> str:
        """
        Part of IReadDescriptor.
        """
        return "child's end"

    def doRead(self) -> None:
        """
        Part of IReadDescriptor. Looks first, because a reactor may call this for a descriptor that had the same number.
        """
        if os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
            self._close()
            self._ended()

    def connectionLost(self, reason: Failure) -> None:
        """
        Part of IReadDescriptor: the reactor ends.
        """
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            self._reactor.removeReader(self)
            os.close(self._descriptor)
            self._descriptor = -1
