"""
URLs of repositories elsewhere, as callers send them, and the settings that go with them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from attrs import frozen

from ..errors import Code, GitalyError

_PORTS = {"http": 80, "https": 443, "git": 9418}
_REMOTE = frozenset({*_PORTS, "ssh", "git+ssh", "ssh+git"})
_SCHEME = re.compile(r"([A-Za-z][-+.A-Za-z0-9]*)://")
_HELPER = re.compile(r"[A-Za-z0-9]+::")
_SCP = re.compile(r"(?P<user>[^@/:]*@)?(?P<host>\[[^\]/]*\]|[^/:\[]+):(?P<path>.*)\Z", re.DOTALL)

Setting = tuple[str, str]


@frozen
class Remote:
    """
    :param url: what git is to connect to.
    :param settings: of git's, for :func:`config_environment`.
    """

    url: str
    settings: tuple[Setting, ...] = ()


def check_remote_url(url: str) -> None:
    """
    Refuse what does not lead to another server: paths and ``file:`` of this machine, and git's remote helpers (``ext::``,
    ``fd::``), which run programs or take over descriptors.

    :raises GitalyError: INVALID_ARGUMENT.
    """
    if url.startswith("-") or any(character in url for character in "\0\n\r") or not _leads_elsewhere(url):
        raise GitalyError("remote URL not supported", Code.INVALID_ARGUMENT)


def _leads_elsewhere(url: str) -> bool:
    scheme = _SCHEME.match(url)
    if scheme is not None:
        return scheme[1].lower() in _REMOTE
    return not _HELPER.match(url) and _SCP.match(url) is not None


def resolved_remote(url: str, address: str) -> Remote:
    """
    The same remote with its name resolved already, so that nobody can make it lead elsewhere between the check and the use.

    :param address: an IPv4 or IPv6 address; empty to let git resolve the name.
    :raises GitalyError: INVALID_ARGUMENT ``couldn't get curloptResolve config: …``.
    """
    if not address:
        return Remote(url)
    try:
        return _resolved(url, ipaddress.ip_address(address))
    except ValueError as error:
        wrong = error.args[0] if isinstance(error, _Unresolvable) else "resolved address has invalid IPv4/IPv6 address"
        raise GitalyError(f"couldn't get curloptResolve config: {wrong}", Code.INVALID_ARGUMENT) from error


def authorization(url: str, header: str) -> tuple[Setting, ...]:
    """
    The setting that sends an ``Authorization`` header to a URL, and to no other.

    :raises GitalyError: INVALID_ARGUMENT for a header with a line break.
    """
    if not header:
        return ()
    if "\n" in header or "\r" in header or "\0" in header:
        raise GitalyError("invalid authorization header", Code.INVALID_ARGUMENT)
    return ((f"http.{url}.extraHeader", f"Authorization: {header}"),)


def config_environment(settings: Sequence[Setting]) -> Mapping[str, str]:
    """
    Settings as variables, where other users of the machine cannot read them as they can a command line.
    """
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings):
        found[f"GIT_CONFIG_KEY_{index}"] = key
        found[f"GIT_CONFIG_VALUE_{index}"] = value
    return found


class _Unresolvable(ValueError):
    """
    What is wrong, in Gitaly's words.
    """


def _resolved(url: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Remote:
    literal = f"[{address}]" if address.version == 6 else str(address)
    if not _SCHEME.match(url):
        return Remote(_scp_with_host(url, literal))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _Unresolvable("couldn't parse remoteURL") from None
    if parts.scheme == "ssh":
        user, at, _ = parts.netloc.rpartition("@")
        return Remote(parts._replace(netloc=f"{user}{at}{literal}").geturl())
    if parts.scheme not in _PORTS:
        raise _Unresolvable(f"unknown schema provided: {parts.scheme}")
    return Remote(url, (("http.curloptResolve", f"{host}:{port or _PORTS[parts.scheme]}:{address}"),))


def _scp_with_host(url: str, literal: str) -> str:
    if ":" not in url:
        raise _Unresolvable(f"invalid protocol/URL encountered: {url}")
    found = _SCP.match(url)
    if found is None:
        raise _Unresolvable("SSH URLs with '/' before colon are unsupported")
    return f"{found['user'] or ''}{literal}:{found['path']}"
