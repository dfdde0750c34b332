"""
Settings that go with the URL of a repository elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ..errors import Code, GitalyError
from .remotehosts import Address

_RESOLVABLE = frozenset({"http", "https", "git", "ssh"})
_SCHEME = re.compile(r"([A-Za-z][-+.A-Za-z0-9]*)://")
_SCP = re.compile(r"(?:[^@/:]*@)?(?:\[[^\]/]*\]|[^/:\[]+):.*\Z", re.DOTALL)

Setting = tuple[str, str]


def resolved_address(url: str, address: str) -> Address | None:
    """
    The address that a caller has found out already, so that nobody can make a name lead elsewhere between the check and the use.

    :param address: an IPv4 or IPv6 address; empty if the caller leaves it to us.
    :raises GitalyError: INVALID_ARGUMENT ``couldn't get curloptResolve config: …``, also for a URL that has no use for it.
    """
    if not address:
        return None
    try:
        found = ipaddress.ip_address(address)
        _check(url)
    except ValueError as error:
        wrong = error.args[0] if isinstance(error, _Unresolvable) else "resolved address has invalid IPv4/IPv6 address"
        raise GitalyError(f"couldn't get curloptResolve config: {wrong}", Code.INVALID_ARGUMENT) from error
    return found


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


def _check(url: str) -> None:
    if not _SCHEME.match(url):
        if ":" not in url:
            raise _Unresolvable(f"invalid protocol/URL encountered: {url}")
        if _SCP.match(url) is None:
            raise _Unresolvable("SSH URLs with '/' before colon are unsupported")
        return
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises for one that is no number)
    except ValueError:
        raise _Unresolvable("couldn't parse remoteURL") from None
    if parts.scheme not in _RESOLVABLE:
        raise _Unresolvable(f"unknown schema provided: {parts.scheme}")
