"""
Telling systemd how the server is (``sd_notify(3)``), for units of ``Type=notify``.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from twisted.logger import Logger


class Notifier:
    """
    Says what the service manager wants to know. Without one it says nothing, and nobody need ask.

    :param address: the value of ``NOTIFY_SOCKET``: a path, or a name in Linux's abstract namespace after ``@``; empty for none.
    """

    _log = Logger()

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self, status: str = "") -> None:
        """
        The server serves; also after a reload.
        """
        self._tell("READY=1", _status(status))

    def reloading(self, monotonic: float) -> None:
        """
        The configuration is read anew; :func:`ready` follows.

        :param monotonic: seconds of ``time.monotonic()``, which is the clock that systemd wants here.
        """
        self._tell("RELOADING=1", f"MONOTONIC_USEC={int(monotonic * 1_000_000)}")

    def stopping(self, status: str = "") -> None:
        """
        The server goes down.
        """
        self._tell("STOPPING=1", _status(status))

    def status(self, status: str) -> None:
        """
        What ``systemctl status`` shows.
        """
        self._tell(_status(status))

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(line for line in lines if line).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as to:
                to.sendto(message, self._address)
        except OSError as error:
            # A server that cannot tell is still a server: systemd's own time-out is what follows, and the log says why.
            self._log.warn("the service manager cannot be told", error=str(error))


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}" if text else ""


def notifier_of(environ: Mapping[str, str]) -> Notifier:
    """
    The notifier for a process's environment.
    """
    return Notifier(environ.get("NOTIFY_SOCKET", ""))


__all__ = ["Notifier", "notifier_of"]
