"""
Addresses to listen on, as Gitaly's configuration files write them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from attrs import frozen

BACKLOG: Final = 4096
"""
Connections that may wait to be accepted; the system has a limit of its own. Of Twisted's 50 a hundred clients that come at once
fill all, and the system breaks off some of those that it took in beyond.
"""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?", re.ASCII)


@frozen
class Address:
    """
    Where to listen for TCP connections.

    :param host: an IP address without brackets, a host's name, or an empty string for every address of this machine.
    :param port: 0 lets the system choose one.
    """

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """
        Whether nobody but this machine can connect. A name other than ``localhost`` may mean anything, so it does not count.
        """
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def endpoint(self) -> str:
        """
        The address as a string for :func:`twisted.internet.endpoints.serverFromString`.
        """
        kind = "tcp6" if ":" in self.host else "tcp"
        interface = f":interface={self.host.replace(':', chr(92) + ':')}" if self.host else ""
        return f"{kind}:{self.port}{interface}:backlog={BACKLOG}"

    @property
    def authority(self) -> str:
        """
        What somebody on this machine writes into a URL to get here: ``127.0.0.1:8080``, ``[::1]:8080``.
        """
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return str(Address(host, self.port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """
    :param text: ``127.0.0.1:8080``, ``[::1]:8080``, ``localhost:8080``, ``:8080`` (every address), each also after ``tcp://`` or
        ``tcp:``.
    :raises ValueError: if it is none, with the reason in words.
    """
    rest = text.strip()
    for prefix in ("tcp://", "tls://", "tcp:", "tls:"):
        if rest.startswith(prefix):
            rest = rest.removeprefix(prefix)
            break
    if rest.startswith(("unix:", "/")):
        raise ValueError(f"{text!r} is the path of a socket, not HOST:PORT")
    host, colon, port = rest.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII):
        raise ValueError(f"{text!r} is not HOST:PORT")
    if int(port) > 65535:
        raise ValueError(f"{text!r}: a port is at most 65535")
    return Address(_host(host, text), int(port))


def _host(host: str, text: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError(f"{text!r}: what is in brackets is not an IPv6 address") from None
    if ":" in host:
        raise ValueError(f"{text!r}: an IPv6 address stands in brackets, as in [::1]:8080")
    if host and not _HOST.fullmatch(host):
        raise ValueError(f"{text!r}: {host!r} is neither an address nor a name")
    if re.fullmatch(r"[0-9.]+", host, re.ASCII):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError(f"{text!r}: {host!r} is not an IPv4 address") from None
    return host.lower()


__all__ = ["Address", "parse_address"]
