"""
A file over HTTP, from exactly the address that was checked.

The standard library's client is used, in a thread: git's own cannot fetch plain files, and nothing is needed here but one
request. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..errors import Code, GitalyError
from ..git.remotehosts import Address, RemoteHost

CONNECT = 30.0
"""Seconds until a connection must be there, and until the answer must begin."""

SILENCE = 60.0
"""Seconds that may pass without anything coming in."""

_PIECE = 1 << 18


class DownloadFailed(GitalyError):
    """
    The file did not come.
    """

    def __init__(self, text: str, why: object = "") -> None:
        super().__init__(text, Code.INTERNAL, {"error": str(why)})


class _Plain(http.client.HTTPConnection):
    """
    A connection to one of some addresses, whatever the host is called.
    """

    addresses: Sequence[Address] = ()

    def connect(self) -> None:
        self.sock = _connected(self.addresses, self.host, self.port)


class _Secure(http.client.HTTPSConnection):
    addresses: Sequence[Address] = ()

    def connect(self) -> None:
        self.sock = ssl.create_default_context().wrap_socket(
            _connected(self.addresses, self.host, self.port), server_hostname=self.host
        )


def _connected(addresses: Sequence[Address], host: str, port: int) -> socket.socket:
    failure: OSError | None = None
    for address in [str(one) for one in addresses] or [host]:
        try:
            return socket.create_connection((address, port), CONNECT)
        except OSError as error:
            failure = error
    assert failure is not None
    raise failure


def download(host: RemoteHost, addresses: Sequence[Address], authorization: str, path: str, stopped: threading.Event) -> None:
    """
    Get a file. Blocks.

    :param addresses: where to connect to; none for wherever the name leads.
    :param authorization: the value of a header; empty for none.
    :param path: the file that is made.
    :param stopped: set by whoever does not want it any more.
    :raises DownloadFailed: ``HTTP request failed: …`` or ``HTTP server: 404 Not Found``.
    """
    made = _Secure if host.scheme == "https" else _Plain
    connection = made(host.host, host.port, timeout=CONNECT)
    connection.addresses = addresses
    parts = urlsplit(host.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept-Encoding": "identity", **({"Authorization": authorization} if authorization else {})}
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        if not 200 <= response.status < 300:
            raise DownloadFailed(f"HTTP server: {response.status} {response.reason}".rstrip())
        if connection.sock is not None:
            connection.sock.settimeout(SILENCE)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            while not stopped.is_set() and (data := response.read(_PIECE)):
                file.write(data)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadFailed("HTTP request failed", error) from error
    finally:
        connection.close()
