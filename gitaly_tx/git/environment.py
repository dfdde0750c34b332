"""
Which git is used, and what it can do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from attrs import frozen
from zope.interface import implementer

from ..errors import Code, GitalyError
from .directory import GitDirectory
from .interfaces import IEnvironment
from .objectid import ObjectFormat

OLDEST = (2, 39, 0)
"""The oldest git that has all that is asked of it."""

_PASSED = frozenset({"HOME", "PATH", "LD_LIBRARY_PATH", "TZ", "GIT_EXEC_PATH"})
_PROXIES = frozenset({"all_proxy", "http_proxy", "https_proxy", "no_proxy"})

_VERSION = re.compile(r"git version ((\d+)\.(\d+)(?:\.(\d+))?\S*)")
_SECTION = re.compile(rb"\s*\[\s*([^]\s\"]+)\s*(\"[^\"]*\"\s*)?\](.*)", re.DOTALL)
_OBJECT_FORMAT = re.compile(rb"\s*objectformat\s*=\s*\"?([^\s\";#]*)", re.IGNORECASE)


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """
    What of the server's environment its children may see.
    """
    return {
        name: value
        for name, value in environment.items()
        if name in _PASSED or name.lower() in _PROXIES or name.startswith("GIT_TRACE")
    }


@implementer(IEnvironment)
@frozen
class GitProgram:
    """
    A git that was found to be good enough.

    :param path: absolute.
    :param version: ``(2, 39, 5)``.
    :param version_text: as it prints it: ``2.39.5``.
    :param exec_path: where its own programs lie.
    """

    path: str
    version: tuple[int, int, int]
    version_text: str
    exec_path: str = ""

    def supports_reftable(self) -> bool:
        """
        As :func:`IEnvironment.supports_reftable`.
        """
        return self.version >= (2, 45, 0)

    def object_format(self, directory: GitDirectory) -> ObjectFormat:
        """
        As :func:`IEnvironment.object_format`. Reads one small file.

        :raises GitalyError: if the repository has a format that nobody here knows.
        """
        try:
            with open(os.path.join(directory.path, "config"), "rb") as file:
                named = _named_format(file.read())
        except FileNotFoundError:
            named = None
        try:
            return ObjectFormat.SHA1 if named is None else ObjectFormat(named.decode("ascii", "replace").lower())
        except ValueError:
            raise GitalyError("unknown object format", Code.FAILED_PRECONDITION, {"path": directory.path}) from None


def _named_format(config: bytes) -> bytes | None:
    found, inside = None, False
    for line in config.splitlines():
        section = _SECTION.match(line)
        if section:
            inside = section[1].lower() == b"extensions" and section[2] is None
            line = section[3]
        setting = _OBJECT_FORMAT.match(line) if inside else None
        if setting:
            found = setting[1]
    return found


def parse_version(text: str) -> tuple[tuple[int, int, int], str] | None:
    """
    What ``git version`` printed: ``git version 2.39.5 (Debian)``, ``git version 2.51.0-rc1``, ``git version 2.47.windows.1``.
    """
    found = _VERSION.match(text)
    if found is None:
        return None
    return (int(found[2]), int(found[3]), int(found[4] or 0)), found[1]


def find_git(environment: Mapping[str, str], bin_path: str = "") -> GitProgram:
    """
    Find git and ask for its version. Blocks for as long as git needs to say it, some milliseconds: for start-up.

    :param environment: whose ``PATH`` is searched.
    :param bin_path: the program as configured; an empty string for "search".
    :raises GitalyError: FAILED_PRECONDITION, with the cure in its text, if there is none that is good enough.
    """
    search = environment.get("PATH", os.defpath)
    path = shutil.which(bin_path or "git", path=search)
    if path is None:
        cure = "correct [git] bin_path" if bin_path else "install git or set [git] bin_path"
        raise GitalyError(f"git not found: {cure}", Code.FAILED_PRECONDITION, {"path": bin_path or search})
    path = os.path.abspath(path)
    parsed = parse_version(_ask(path, "version", environment))
    if parsed is None:
        raise GitalyError("git does not tell its version: check [git] bin_path", Code.FAILED_PRECONDITION, {"path": path})
    version, text = parsed
    if version < OLDEST:
        raise GitalyError(
            f"git {text} is too old: version {'.'.join(map(str, OLDEST[:2]))} or newer is needed",
            Code.FAILED_PRECONDITION,
            {"path": path},
        )
    return GitProgram(path, version, text, _ask(path, "--exec-path", environment).strip())


def _ask(path: str, word: str, environment: Mapping[str, str]) -> str:
    try:
        asked = subprocess.run(
            [path, word],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=inherited(environment),
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitalyError(
            "git cannot be executed: check [git] bin_path", Code.FAILED_PRECONDITION, {"path": path, "error": str(error)}
        ) from error
    return asked.stdout.decode("utf-8", "replace")
