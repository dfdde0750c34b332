"""
Whether a repository is a plain one: what it advertises follows from its refs, and from a config file that says nothing of it.
"""

from __future__ import annotations

import os.path
import re

from ..git.directory import GitDirectory
from ..git.fileidentity import FileIdentity, identify

MOST_CONFIG = 1 << 20
"""Bytes; nobody knows what a larger config file says."""

_TELLING = re.compile(rb"\[\s*(?:uploadpack|transfer|lsrefs|bundle|include|includeif)\b|worktreeconfig|hiderefs", re.IGNORECASE)


def look(directory: GitDirectory) -> FileIdentity | None:
    """
    Look at a repository. Blocking.

    :returns: what tells its config file from any later one; ``None`` if the repository is shallow, if a quarantine is in use, or
        if its config decides about what is advertised, or has just been written.
    """
    if directory.object_directory is not None or os.path.exists(os.path.join(directory.path, "shallow")):
        return None
    path = os.path.join(directory.path, "config")
    identity = identify(path)
    if identity.racy or identity.size > MOST_CONFIG:
        return None
    return identity if _says_nothing(path, identity) else None


def _says_nothing(path: str, identity: FileIdentity) -> bool:
    try:
        with open(path, "rb") as file:
            return _TELLING.search(file.read()) is None
    except FileNotFoundError:
        return not identity.exists
