"""
Where a call really comes from.

grpcio serves on a private socket, to which the public listener passes connections on. What grpcio knows of a caller is the name
of our own end of that socket, and under this name stands here who is behind it.
"""

from __future__ import annotations

import errno
import socket

from attrs import frozen

from ...multiplex.connection import Connection


@frozen
class Origin:
    """
    Who is behind a connection.

    :param text: the caller's address, for the log.
    :param connection: on which streams back to the caller can be opened, if it is one of that kind.
    """

    text: str
    connection: Connection | None = None


class Full(Exception):
    """
    The private socket cannot take a connection at this moment.
    """


class Origins:
    """
    The connections that were passed on and are still there.

    :ivar path: the private socket's, as soon as there is one.
    """

    def __init__(self) -> None:
        self.path = ""
        self._known: dict[str, Origin] = {}

    def connect(self, origin: Origin) -> socket.socket:
        """
        Connect to the private socket on somebody's behalf; :meth:`close` ends it.

        :returns: a socket that does not block.
        :raises Full: if it should be tried again later.
        :raises OSError: if there is no such socket any more.
        """
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            # The system gives it a name that nobody else has.
            made.bind(b"")
            made.connect(self.path)
        except BlockingIOError:
            made.close()
            raise Full() from None
        except OSError as error:
            made.close()
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise Full() from error
            raise
        self._known[_peer(made)] = origin
        return made

    def close(self, made: socket.socket) -> None:
        """
        Close what :meth:`connect` made.
        """
        self.forget(made)
        made.close()

    def forget(self, made: socket.socket) -> None:
        """
        What :meth:`connect` made is about to be closed.
        """
        if made.fileno() >= 0:
            self._known.pop(_peer(made), None)

    def of(self, peer: str) -> Origin | None:
        """
        :param peer: as grpcio names a caller.
        """
        return self._known.get(peer)


def _peer(made: socket.socket) -> str:
    """
    The name of our end, as grpcio writes it.
    """
    name: bytes = made.getsockname()
    return f"unix-abstract:{name[1:].decode('ascii')}"
