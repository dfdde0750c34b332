"""
The settings that a caller may add to a git command: only such as change what is served, never what is run.

Gitaly takes any, because its callers are trusted. Here nothing that a caller sends makes git run a program, read another file or
write elsewhere, so ``core.sshCommand``, ``core.hooksPath``, ``uploadpack.packObjectsHook``, ``include.path`` and the like are
refused, and so is every setting that nobody has thought about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import Code, GitalyError
from ..git.options import ConfigPair
from ..git.quoting import quoted

_PROTOCOLS = frozenset({"version=1", "version=2"})

_ALLOWED: Mapping[str, str] = {
    "core": "bigfilethreshold compression loosecompression",
    "http": "getanyfile receivepack uploadpack",
    "lsrefs": "unborn",
    "pack": (
        "allowpackreuse compression deltacachelimit deltacachesize depth indexversion island packsizelimit readreverseindex"
        " threads usebitmapboundarytraversal usebitmaps usesparse window windowmemory writebitmaphashcache"
        " writebitmaplookuptable writebitmaps writereverseindex"
    ),
    "protocol": "version",
    "receive": (
        "advertiseatomic advertisepushoptions autogc denycurrentbranch denydeletecurrent denydeletes denynonfastforwards"
        " fsckobjects hiderefs keepalive maxinputsize unpacklimit updateserverinfo"
    ),
    "repack": "usedeltabaseoffset usedeltaislands",
    "transfer": "advertiseobjectinfo advertisesid bundleuri fsckobjects hiderefs unpacklimit",
    "uploadarchive": "allowunreachable",
    "uploadpack": (
        "advertisebundleuris allowanysha1inwant allowfilter allowreachablesha1inwant allowrefinwant allowsidebandall"
        " allowtipsha1inwant hiderefs keepalive"
    ),
}

_HARMLESS = frozenset(f"{section}.{name}" for section, names in _ALLOWED.items() for name in names.split())

_HARMLESS_SECTIONS = ("bundle.", "uploadpackfilter.")


def protocol_variable(protocol: str) -> dict[str, str]:
    """
    What the environment says of the protocol's version: something only for the values that exist.
    """
    return {"GIT_PROTOCOL": protocol} if protocol in _PROTOCOLS else {}


def settings(options: Sequence[str]) -> tuple[ConfigPair, ...]:
    """
    :param options: as the caller sent them: ``key=value``.
    :raises GitalyError: for an option without ``=``, with no code of its own: the services differ in it; INVALID_ARGUMENT for a
        key that is none, or none that a caller may set.
    """
    return tuple(map(_setting, options))


def _setting(option: str) -> ConfigPair:
    key, equals, value = option.partition("=")
    if not equals:
        raise GitalyError(f"cannot convert invalid config key: {quoted(option)}")
    if key.lower() not in _HARMLESS and not key.lower().startswith(_HARMLESS_SECTIONS):
        raise GitalyError(f"config key not allowed: {quoted(key)}", Code.INVALID_ARGUMENT)
    try:
        return ConfigPair(key, value)
    except GitalyError as error:
        raise GitalyError(error.message, Code.INVALID_ARGUMENT) from error
