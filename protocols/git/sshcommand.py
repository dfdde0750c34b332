"""
The command lines that git sends over SSH.

git asks for ``git-upload-pack '/team/thing.git'``, or, by older servers' custom, ``git upload-pack '/team/thing.git'``. No
shell ever sees what comes here: it is taken apart by these rules or refused.
"""

from __future__ import annotations

import re

from attrs import frozen

from .errors import SSHCommandRefused
from .service import Service

__all__ = ["GitCommand", "Service", "parse"]

MAX_COMMAND = 8192
"""The longest command line that is looked at, in bytes: a path of 4096 bytes fits, quoted."""

_COMMAND = re.compile(rb"git[- ](upload-pack|receive-pack|upload-archive)(?: +(.*))?\Z", re.DOTALL)
_QUOTED = re.compile(rb"'[^']*'(?:\\['!]'[^']*')*\Z")
_ESCAPED = re.compile(rb"'\\(['!])'")
_PLAIN = re.compile(rb"[A-Za-z0-9_./~@%+=:,\x80-\xff-]+\Z")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


@frozen
class GitCommand:
    """
    :param service: which of git's services is asked for.
    :param path: of the repository, without quotes and without slashes before it; not empty, not checked otherwise.
    """

    service: Service
    path: bytes


def parse(command: bytes) -> GitCommand:
    """
    :param command: what the client asked to be run.
    :raises SSHCommandRefused: for anything but one of git's three commands, in either spelling, and one path.
    """
    if len(command) > MAX_COMMAND:
        raise SSHCommandRefused("the command is too long")
    if _CONTROL.search(command):
        raise SSHCommandRefused("the command holds a control character")
    found = _COMMAND.match(command.strip(b" "))
    if found is None:
        raise SSHCommandRefused("only git may be used here: git-upload-pack, git-receive-pack and git-upload-archive")
    path = _unquoted(found[2] or b"")
    if path.startswith(b"-"):
        raise SSHCommandRefused("the repository's path may not begin with a dash")
    path = path.lstrip(b"/")
    if not path:
        raise SSHCommandRefused("the repository's path is missing")
    return GitCommand(Service(b"git-" + found[1]), path)


def _unquoted(argument: bytes) -> bytes:
    """
    Take off the quotes that git puts around an argument: ``'…'``, where ``'\\''`` stands for ``'`` and ``'\\!'`` for ``!``.
    """
    if _QUOTED.match(argument):
        return _ESCAPED.sub(rb"\1", argument)[1:-1]
    if argument and not _PLAIN.match(argument):
        raise SSHCommandRefused("the command must end with one repository path, in single quotes")
    return argument
