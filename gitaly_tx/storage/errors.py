"""
What goes wrong on the way to a repository. The texts are Gitaly's where Gitaly has the case.
"""

from __future__ import annotations

import errno
import os

from ..errors import Code, GitalyError
from ..git.quoting import quoted


class RepositoryNotSet(GitalyError):
    """
    A request names no repository.
    """

    def __init__(self) -> None:
        super().__init__("repository not set", Code.INVALID_ARGUMENT)


class PathNotSet(GitalyError):
    """
    A repository's relative path is empty.
    """

    def __init__(self) -> None:
        super().__init__("repository path not set", Code.INVALID_ARGUMENT)


class StorageNotSet(GitalyError):
    """
    A repository's storage name is empty.
    """

    def __init__(self) -> None:
        super().__init__("storage name not set", Code.INVALID_ARGUMENT)


class StorageUnknown(GitalyError):
    """
    No storage of that name is configured.
    """

    def __init__(self, name: str) -> None:
        super().__init__("storage name not found", Code.INVALID_ARGUMENT, {"storage_name": name})


class StorageMissing(GitalyError):
    """
    A storage is configured, and its directory is not there: an unmounted disk, say.
    """

    def __init__(self, name: str) -> None:
        super().__init__("storage does not exist", Code.NOT_FOUND, {"storage_name": name})


class PathRefused(GitalyError):
    """
    A path that cannot name a repository here, whatever is on the disk.

    :param why: the constant text; it never holds the path.
    """

    def __init__(self, why: str, path: str) -> None:
        super().__init__(why, Code.INVALID_ARGUMENT, {"relative_path": path})


class PathEscapes(PathRefused):
    """
    A path that leaves its storage: by ``..``, or through a symbolic link.
    """

    def __init__(self, path: str) -> None:
        super().__init__("relative path escapes root directory", path)


class ObjectDirectoryEscapes(PathRefused):
    """
    An object directory that is neither inside the repository nor in a quarantine of it.
    """

    def __init__(self, path: str) -> None:
        super().__init__("not a valid relative path: relative path escapes root directory", path)


class PathNested(PathRefused):
    """
    A path below another repository, whose files it would mix with: a repository made in somebody's ``hooks`` is code that runs.
    """

    def __init__(self, path: str) -> None:
        super().__init__("repository path is inside another repository", path)


class RepositoryNotFound(GitalyError):
    """
    There is nothing at the path.
    """

    def __init__(self, path: str) -> None:
        super().__init__("repository not found", Code.NOT_FOUND, {"relative_path": path})


class RepositoryNotValid(GitalyError):
    """
    There is a directory at the path, and it is no repository.

    :param entry: what it lacks.
    """

    def __init__(self, path: str, entry: str) -> None:
        text = f'repository not valid: "{entry}" does not exist'
        super().__init__(text, Code.FAILED_PRECONDITION, {"relative_path": path})


class PathUnreadable(GitalyError):
    """
    Something is at the path that cannot be looked at as a directory. It has no code of its own: each RPC gives it one.
    """

    def __init__(self, path: str, error: OSError | None = None) -> None:
        words = "not a directory" if error is None else f"stat: {described(error)}"
        super().__init__(f"validate git directory: {words}", None, {"relative_path": path})


class RepositoryGone(GitalyError):
    """
    The repository was removed, or replaced by another, before the write's turn came.
    """

    def __init__(self, path: str) -> None:
        super().__init__("repository does not exist", Code.NOT_FOUND, {"relative_path": path})


class AlreadyExists(GitalyError):
    """
    Something lies where a repository should be made.
    """

    def __init__(self, path: str) -> None:
        super().__init__("repository exists already", Code.ALREADY_EXISTS, {"relative_path": path})


class CreationLocked(GitalyError):
    """
    Somebody else, another Gitaly perhaps, is about to make or remove something there.
    """

    def __init__(self, path: str) -> None:
        super().__init__("locking repository: file already locked", Code.INTERNAL, {"relative_path": path})


class RemovalLocked(GitalyError):
    """
    The same, for whoever wants to remove it.
    """

    def __init__(self, path: str) -> None:
        super().__init__("repository is already locked", Code.FAILED_PRECONDITION, {"relative_path": path})


class WriteInTheWay(GitalyError):
    """
    A directory above or below is being made or removed at this moment.
    """

    def __init__(self, path: str) -> None:
        super().__init__("a directory above or below is being changed", Code.ABORTED, {"relative_path": path})


class ObjectsPruned(GitalyError):
    """
    Objects were pruned after a write was prepared, and it may refer to them.
    """

    def __init__(self, path: str) -> None:
        super().__init__("objects were pruned meanwhile, try again", Code.ABORTED, {"relative_path": path})


class QuarantinedMutation(GitalyError):
    """
    A write was asked for on a repository with somebody's quarantine: its objects would never arrive.
    """

    def __init__(self, path: str) -> None:
        super().__init__("quarantine configured on a mutator request", Code.INTERNAL, {"relative_path": path})


class BadDefaultBranch(GitalyError):
    """
    HEAD of a new repository cannot be a name for that branch. The text is what Gitaly makes of ``git init``'s complaint.
    """

    def __init__(self, path: str, branch: bytes) -> None:
        said = b"fatal: invalid initial branch name: '" + branch + b"'\n"
        text = f"creating repository: creating repository: exit status 128, stderr: {quoted(said)}"
        super().__init__(text, Code.INTERNAL, {"relative_path": path})


class StagingFailed(GitalyError):
    """
    The disk refuses what a write prepares. Nothing was written; the code says whether it is worth trying again.
    """

    def __init__(self, error: OSError) -> None:
        code = _CODES.get(error.errno or 0, Code.INTERNAL)
        text = os.strerror(error.errno) if error.errno else "input/output error"
        super().__init__(text, code, {"path": error.filename, "error": str(error)})


_CODES = {
    errno.ENOSPC: Code.RESOURCE_EXHAUSTED,
    errno.EDQUOT: Code.RESOURCE_EXHAUSTED,
    errno.EMFILE: Code.RESOURCE_EXHAUSTED,
    errno.ENFILE: Code.RESOURCE_EXHAUSTED,
    errno.EROFS: Code.FAILED_PRECONDITION,
}


def described(error: OSError) -> str:
    """
    An error of the operating system in Go's words, without the path that it is about.
    """
    return os.strerror(error.errno).lower() if error.errno else "input/output error"
