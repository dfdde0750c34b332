"""
``.gitaly-metadata``: which file system a storage is.

Two servers that are given the same directory tell by the identifier that it is the same.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from posixpath import join
from uuid import uuid4

from .naming import METADATA

_KEY = "gitaly_filesystem_id"


def read_filesystem_id(root: str) -> str:
    """
    A storage's identifier; empty if it has none that can be read.
    """
    try:
        with open(join(root, METADATA), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return ""
    value = found.get(_KEY) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def ensure_filesystem_id(root: str, make: Callable[[], str] = lambda: str(uuid4())) -> str:
    """
    A storage's identifier, made now if there is none. An existing file is never overwritten, not even one that nobody can read.

    :param make: where a new identifier comes from.
    :returns: the identifier; empty if there is a file that cannot be read.
    :raises OSError: if it cannot be written.
    """
    target = join(root, METADATA)
    if not os.path.lexists(target):
        descriptor, temporary = tempfile.mkstemp(prefix=f"{METADATA}.", dir=root)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({_KEY: make()}, file)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            # A link instead of a rename: of two servers that start at once, one wins and both read what it wrote.
            os.link(temporary, target)
            _fsync_directory(root)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    return read_filesystem_id(root)


def _fsync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
