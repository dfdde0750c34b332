"""
Paths in trees as callers send them.
"""

from __future__ import annotations

import posixpath

from ...errors import Code, GitalyError

_ROOT = b"/repository"


def cleaned(path: bytes) -> bytes:
    """
    A path relative to the root of a tree, with ``.`` and ``..`` and double slashes worked off and without slashes at its ends;
    ``.`` for the root itself.

    :raises GitalyError: INVALID_ARGUMENT if it leads out of the tree.
    """
    joined = posixpath.normpath(_ROOT + b"/" + path)
    if joined != _ROOT and not joined.startswith(_ROOT + b"/"):
        raise GitalyError("relative path escapes root directory", Code.INVALID_ARGUMENT, {"path": path})
    return joined[len(_ROOT) + 1 :] or b"."
