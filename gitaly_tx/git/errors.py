"""
What goes wrong between us and git.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Code, GitalyError
from .objectid import ObjectID


class GitCommandError(GitalyError):
    """
    A git command failed.

    :param arguments: what was run, for the log.
    :param ended: its end as words: ``exit status 128``.
    :param stderr: the last of its standard error; for the log, because it may hold paths.
    """

    def __init__(self, message: str, arguments: Sequence[str], ended: str, status: int, stderr: bytes) -> None:
        facts = {"args": list(arguments), "ended": ended, "stderr": stderr.decode("utf-8", "replace")}
        super().__init__(f"{message}: {ended}", None, facts)
        self.status = status
        self.stderr = stderr


class ObjectNotFound(GitalyError):
    """
    There is no object with that id. It has no code: whether a caller asked for the object, or the repository lacks one that it
    needs, is for whoever looked to say.
    """

    def __init__(self, oid: ObjectID) -> None:
        super().__init__("object not found", None, {"oid": str(oid)})
        self.oid = oid


class ObjectTooLarge(GitalyError):
    """
    The object is larger than the caller is ready to take.
    """

    def __init__(self, oid: ObjectID, size: int) -> None:
        super().__init__("object too large", Code.RESOURCE_EXHAUSTED, {"oid": str(oid), "size": size})
        self.oid = oid
        self.size = size


class ObjectCorrupt(GitalyError):
    """
    The object is there and cannot be read.
    """

    def __init__(self, oid: ObjectID, why: str) -> None:
        super().__init__("object corrupt", Code.DATA_LOSS, {"oid": str(oid), "error": why})
        self.oid = oid
