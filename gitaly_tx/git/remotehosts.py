"""
Which server a URL leads to, and whether one may go there.

git, curl and ssh each take URLs apart in their own way. What they could understand differently from this module is refused, so
that the host that is checked is the host that is connected to.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from attrs import frozen

from ..errors import Code, GitalyError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"http": 80, "https": 443, "git": 9418, "ssh": 22, "git+ssh": 22, "ssh+git": 22}
"""The schemes of URLs that are used, with their usual ports."""

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][-+.A-Za-z0-9]*)://"
    r"(?:(?P<userinfo>[^@/?#\\\s]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][-A-Za-z0-9_.]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:/.*)?)\Z",
    re.DOTALL,
)
_SCP = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][-A-Za-z0-9_.+]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][-A-Za-z0-9_.]*)"
    r":(?P<path>(?!//).*)\Z",
    re.DOTALL,
)
_SSH_USER = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_.+]*\Z")
_UNUSABLE = re.compile(r"[\x00-\x20\x7f\\]")


@frozen
class RemoteHost:
    """
    A URL, taken apart.

    :param url: without credentials.
    :param scheme: in lower case; ``ssh`` for ``user@host:path``, too.
    :param host: a name, or an address without brackets.
    :param credentials: what stood before the host of an HTTP URL, decoded: ``user`` or ``user:password``.
    """

    url: str
    scheme: str
    host: str
    port: int
    credentials: bytes | None = None

    @property
    def literal(self) -> Address | None:
        """
        The host, if it is an address and no name.
        """
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def at(self, address: Address) -> str:
        """
        The URL with an address in the place of the host.
        """
        host = f"[{address}]" if address.version == 6 else str(address)
        found = _URL.match(self.url)
        if found is not None:
            userinfo = "" if found["userinfo"] is None else f"{found['userinfo']}@"
            port = "" if found["port"] is None else f":{found['port']}"
            return f"{found['scheme']}://{userinfo}{host}{port}{found['rest']}"
        found = _SCP.match(self.url)
        assert found is not None
        return f"{found['user'] + '@' if found['user'] else ''}{host}:{found['path']}"


class RemoteRefused(GitalyError):
    """
    A URL that is not used: it does not lead to another server, or not to one that may be asked.
    """

    def __init__(self, why: str = "remote URL not supported", code: Code = Code.INVALID_ARGUMENT) -> None:
        super().__init__(why, code)


def remote_host(url: str) -> RemoteHost:
    """
    :raises RemoteRefused: for everything that is no plain ``http``, ``https``, ``git`` or ``ssh`` URL, and no ``user@host:path``.
    """
    if _UNUSABLE.search(url):
        raise RemoteRefused
    found = _URL.match(url)
    if found is None:
        return _scp(url)
    scheme = found["scheme"].lower()
    port = int(found["port"] or PORTS.get(scheme, 0))
    if scheme not in PORTS or not 0 < port < 65536 or "::" in found["scheme"]:
        raise RemoteRefused
    userinfo, credentials, plain = found["userinfo"], None, url
    if userinfo is not None and scheme in ("http", "https"):
        credentials = _decoded(userinfo)
        plain = url.replace(f"{userinfo}@", "", 1)
    elif userinfo is not None and (scheme == "git" or not _SSH_USER.match(userinfo)):
        raise RemoteRefused
    return RemoteHost(plain, scheme, _bare(found["host"]), port, credentials)


def _scp(url: str) -> RemoteHost:
    found = _SCP.match(url)
    if found is None or "://" in url or "::" in url.partition("[")[0]:
        raise RemoteRefused
    return RemoteHost(url, "ssh", _bare(found["host"]), PORTS["ssh"])


def _bare(host: str) -> str:
    if not host.startswith("["):
        return host
    try:
        return str(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        raise RemoteRefused from None


def _decoded(userinfo: str) -> bytes | None:
    """
    The credentials in a URL, for a header.
    """
    user, colon, password = userinfo.partition(":")
    decoded = unquote_to_bytes(user) + colon.encode() + unquote_to_bytes(password)
    if any(byte < 0x20 or byte == 0x7F for byte in decoded):
        raise RemoteRefused
    return decoded or None


def basic(credentials: bytes) -> str:
    """
    Credentials as the value of an ``Authorization`` header (RFC 7617).
    """
    return f"Basic {base64.b64encode(credentials).decode('ascii')}"


def is_public(address: Address) -> bool:
    """
    Whether an address is one of the public internet: not of this machine, of a private network, of a link, or for special use.
    """
    inner: Sequence[Address | None] = ()
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inner = (address.ipv4_mapped, address.sixtofour, teredo[1] if teredo else None, _translated(address))
    embedded = [one for one in inner if one is not None]
    if embedded:
        return all(is_public(one) for one in embedded)
    return address.is_global and not address.is_multicast


def _translated(address: ipaddress.IPv6Address) -> Address | None:
    """
    The IPv4 address that NAT64 makes of an address (RFC 6052).
    """
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


__all__ = ["PORTS", "Address", "RemoteHost", "RemoteRefused", "basic", "is_public", "remote_host"]
