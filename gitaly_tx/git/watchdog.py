"""
Ends the children of a server that was killed.

A server that ends in an orderly way kills its children itself. One that is killed cannot, and each child leads a session of its
own, so a signal to the server's process group does not reach it either. A small shell outlives the server by a moment: it is told
of every child that comes and goes, and when the pipe from the server breaks it kills those that are left.
"""

from __future__ import annotations

import os
import subprocess

from twisted.logger import Logger

# A child's number is taken from the list before the child is reaped, so a number in the list is never a stranger's.
_SCRIPT = """
trap '' HUP INT QUIT TERM
alive=' '
while read -r change pid; do
    case $change in
        +) alive="$alive$pid " ;;
        -) case $alive in *" $pid "*) alive="${alive%% "$pid" *} ${alive#* "$pid" }" ;; esac ;;
    esac
done
for pid in $alive; do kill -s KILL -- "-$pid" 2>/dev/null; done
"""


class Watchdog:
    """
    Started and stopped with the server. Without being started, or if somebody kills it, it does nothing.
    """

    _log = Logger()

    def __init__(self) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        self._pipe = -1

    def start(self) -> None:
        """
        Start the shell.

        :raises OSError: if it cannot be.
        """
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                close_fds=True,
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(reading)

    def came(self, pid: int) -> None:
        """
        There is a child, and it leads a process group.
        """
        self._tell(b"+ %d\n" % pid)

    def goes(self, pid: int) -> None:
        """
        A child has ended, and is about to be reaped.
        """
        self._tell(b"- %d\n" % pid)

    def stop(self) -> None:
        """
        End the shell, which takes it some milliseconds. Children that are left are killed.
        """
        self._close()
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.wait()

    def _tell(self, line: bytes) -> None:
        if self._pipe < 0:
            return
        try:
            os.write(self._pipe, line)
        except OSError as error:
            self._log.error("children of this server would survive it: {error}", error=error)
            self._close()

    def _close(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
