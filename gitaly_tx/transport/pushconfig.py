"""
What a repository's own configuration says about pushes.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping

from attrs import frozen

from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..git.options import ValueFlag
from ..storage.threads import Threads
from .pushsettings import FALSE, TRUE

_NO_MATCH = 1

_TRUE = TRUE | {b"refuse"}
_FALSE = FALSE | {b"ignore", b"warn"}
_NONE: Mapping[bytes, bool] = {}


@frozen
class ReceiveConfig:
    """
    Rules that an owner may have given a repository (git-config(1), ``receive.*``), with git's defaults.
    """

    deny_deletes: bool = False
    deny_non_fast_forwards: bool = False
    deny_delete_current: bool = True


async def read_config(git: IGit, threads: Threads, directory: GitDirectory, rules: Mapping[bytes, bool] = _NONE) -> ReceiveConfig:
    """
    The rules of a repository. git is asked only if its ``config`` may have any, which is seldom.

    :param rules: what wins over them.
    :raises GitalyError: FAILED_PRECONDITION if git does not understand it.
    :raises OSError: if it cannot be read.
    """
    if not await threads.run(_mentions_pushes, os.path.join(directory.path, "config")):
        return parse_config(b"", rules)
    command = Command("config", ["-z", ValueFlag("--get-regexp", r"^receive\.deny")], directory=directory)
    output, ended = await git.run(command, check=False)
    if ended.status not in (0, _NO_MATCH):
        raise GitalyError("invalid repository configuration", Code.FAILED_PRECONDITION, {"path": directory.path})
    return parse_config(output, rules)


def parse_config(output: bytes, rules: Mapping[bytes, bool] = _NONE) -> ReceiveConfig:
    """
    :param output: of ``git config -z --get-regexp``: key, newline, value, NUL. A key without a value is true.
    :param rules: what wins over it.
    """
    found: dict[bytes, bool] = {}
    for entry in filter(None, output.split(b"\0")):
        key, newline, value = entry.partition(b"\n")
        if not newline or value.lower() in _TRUE:
            found[key] = True
        elif value.lower() in _FALSE:
            found[key] = False
    found.update(rules)
    return ReceiveConfig(
        found.get(b"receive.denydeletes", False),
        found.get(b"receive.denynonfastforwards", False),
        found.get(b"receive.denydeletecurrent", True),
    )


def _mentions_pushes(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            content = file.read().lower()
    except FileNotFoundError:
        return False
    return b"receive" in content or b"include" in content
