"""
What can be said of a repository's name without looking at the disk.

Every provider shares these checks, so that a name means the same everywhere.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from functools import lru_cache

from attrs import field, frozen

from protocols.gitaly.shared_pb2 import Repository

from .errors import PathEscapes, PathNotSet, PathRefused, RepositoryNotSet, StorageNotSet, StorageUnknown
from .interfaces import StorageInfo

INTERNAL = "+gitaly"
"""The directory of a storage that is the server's own."""

METADATA = ".gitaly-metadata"
"""The file in a storage's root that names the file system."""

STAGING = f"{INTERNAL}/staging"
"""Where writes are prepared, relative to a storage."""

LONGEST_COMPONENT = 255
"""The most bytes of one component of a path: NAME_MAX of Linux's file systems."""

LONGEST_PATH = 4095 - 256
"""The most bytes of a repository's absolute path: Linux's PATH_MAX, with room for the names inside of a repository."""

DEEPEST = 128
"""The most directories on the way to a repository."""


@frozen
class Place:
    """
    Where a name leads, in words only.

    :param path: relative to the storage and normalised; ``.`` for the storage itself.
    :ivar absolute: the same below the storage's directory.
    """

    storage: StorageInfo
    path: str
    absolute: str = field(init=False, eq=False, repr=False)

    @absolute.default
    def _join(self) -> str:
        return posixpath.normpath(posixpath.join(self.storage.path, self.path))

    @property
    def is_root(self) -> bool:
        """
        Whether it is the storage itself and no place in it.
        """
        return self.path == "."


def required(message: Repository | None) -> Repository:
    """
    A repository message whose fields are all there.

    :raises GitalyError: INVALID_ARGUMENT otherwise.
    """
    if message is None or not (message.storage_name or message.relative_path):
        raise RepositoryNotSet()
    if not message.relative_path:
        raise PathNotSet()
    if not message.storage_name:
        raise StorageNotSet()
    return message


def storage_of(message: Repository | None, storages: Mapping[str, StorageInfo]) -> StorageInfo:
    """
    The storage that a repository message names.

    :raises GitalyError: INVALID_ARGUMENT for a message that lacks something, or an unknown storage.
    """
    name = required(message).storage_name
    storage = storages.get(name)
    if storage is None:
        raise StorageUnknown(name)
    return storage


@lru_cache(maxsize=1024)
def place_in(storage: StorageInfo, path: str) -> Place:
    """
    Where a relative path leads. It is joined and normalised first, so ``a/../b`` is ``b``, and a leading slash is harmless.

    :raises GitalyError: INVALID_ARGUMENT for a path that leaves the storage, that leads into the server's own area, or that no
        file system takes.
    """
    if "\0" in path:
        raise PathRefused("repository path contains a NUL byte", path)
    root = posixpath.normpath(storage.path)
    absolute = posixpath.normpath(posixpath.join(root, path.lstrip("/")))
    if not is_inside(absolute, root):
        raise PathEscapes(path)
    relative = posixpath.relpath(absolute, root)
    check_size(absolute, relative)
    check_reserved(relative)
    return Place(storage, relative)


def check_size(absolute: str, relative: str) -> None:
    """
    :raises PathRefused: for a path that the operating system would refuse, or whose repository could not be worked with.
    """
    parts = relative.encode("utf-8", "surrogatepass").split(b"/")
    size = len(absolute.encode("utf-8", "surrogatepass"))
    if len(parts) > DEEPEST or max(map(len, parts)) > LONGEST_COMPONENT or size > LONGEST_PATH:
        raise PathRefused("repository path too long", relative)


def check_reserved(relative: str) -> None:
    """
    :raises PathRefused: for a path into the server's own area.
    """
    if relative.split("/", 1)[0] in (INTERNAL, METADATA):
        raise PathRefused("repository path is reserved", relative)


def is_inside(path: str, directory: str) -> bool:
    """
    Whether a normalised absolute path is a normalised absolute directory, or below it.
    """
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def quarantine_prefix(path: str) -> str:
    """
    How the names of all quarantine directories of one repository begin; Gitaly's rule, so that nobody can name another's.

    :param path: the repository's, relative to its storage.
    """
    digest = hashlib.sha1(path.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return f"quarantine-{digest[:8].hex()}-"


def has_quarantine(message: Repository) -> bool:
    """
    Whether a request names object directories of its own.
    """
    return bool(message.git_object_directory or message.git_alternate_object_directories)
