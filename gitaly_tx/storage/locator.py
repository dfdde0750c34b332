"""
From a name to a directory on disk that is known to be inside its storage.

All functions here block on the disk: each is one trip to a thread, with all the checks of one call. Paths are resolved before
they are looked at, and what is handed out has no symbolic link on its way from the storage's root, so that a link that is swapped
in later is not followed; writes look once more when their turn has come.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from functools import lru_cache
from posixpath import join, normpath, relpath

from attrs import frozen

from ..errors import Code, GitalyError
from ..git.directory import GitDirectory
from . import walk
from .errors import (
    AlreadyExists,
    CreationLocked,
    ObjectDirectoryEscapes,
    PathEscapes,
    PathNested,
    PathRefused,
    PathUnreadable,
    RemovalLocked,
    RepositoryGone,
    RepositoryNotFound,
    RepositoryNotValid,
    StorageMissing,
    described,
)
from .interfaces import StorageInfo
from .naming import INTERNAL, Place, check_reserved, is_inside, place_in, quarantine_prefix

Identity = tuple[int, int]
"""A directory's device and inode: what tells a repository from another one at the same path."""


@frozen
class Located:
    """
    A valid repository on disk.

    :param place: with all symbolic links resolved: two names of one repository have one place.
    """

    place: Place
    directory: GitDirectory
    identity: Identity


def locate(storage: StorageInfo, path: str, object_directory: str = "", alternates: Sequence[str] = ()) -> Located:
    """
    Find an existing repository.

    :param object_directory: relative to the repository; empty for its own.
    :param alternates: relative to the repository.
    :raises GitalyError: INVALID_ARGUMENT, NOT_FOUND or FAILED_PRECONDITION; without a code for what cannot be looked at.
    """
    check_storage(storage)
    place = resolved(place_in(storage, path))
    identity = check_repository(place)
    if place.is_root:
        raise PathRefused("repository path is the storage itself", path)
    directory = GitDirectory(
        place.absolute,
        _object_directory(place, object_directory) if object_directory else None,
        tuple(_object_directory(place, alternate) for alternate in alternates),
    )
    return Located(place, directory, identity)


def intended(storage: StorageInfo, path: str) -> Place:
    """
    Find the place for a repository, whatever is there now.

    :raises GitalyError: INVALID_ARGUMENT for a place inside of another repository; FAILED_PRECONDITION if something on the way is
        no directory.
    """
    check_storage(storage)
    named = place_in(storage, path)
    if named.is_root:
        raise PathRefused("repository path is the storage itself", path)
    place = resolved(named)
    _check_parents(place)
    return place


def vacant(storage: StorageInfo, path: str) -> Place:
    """
    Find the place for a new repository.

    :raises GitalyError: ALREADY_EXISTS if anything is there; INTERNAL if somebody else has locked it; as :func:`intended`.
    """
    place = intended(storage, path)
    if os.path.lexists(place_in(storage, path).absolute) or os.path.lexists(place.absolute):
        raise AlreadyExists(place.path)
    if _is_locked(place):
        raise CreationLocked(place.path)
    return place


def removable(storage: StorageInfo, path: str) -> Place:
    """
    Find what a removal may remove: a repository, or a directory that holds none.

    :raises GitalyError: NOT_FOUND if nothing is there; INVALID_ARGUMENT or FAILED_PRECONDITION for what is not the caller's to
        remove: the storage, a part of a repository, a symbolic link, a directory with repositories in it, what is locked.
    """
    check_storage(storage)
    named = place_in(storage, path)
    if named.is_root:
        raise PathRefused("repository path is the storage itself", path)
    place = resolved(named)
    try:
        found = os.lstat(named.absolute)
    except (FileNotFoundError, NotADirectoryError):
        raise RepositoryGone(place.path) from None
    except OSError as error:
        raise PathUnreadable(place.path, error) from None
    _check_parents(place)
    if stat.S_ISLNK(found.st_mode):
        raise GitalyError("repository path is a symbolic link", Code.FAILED_PRECONDITION, {"relative_path": named.path})
    if not stat.S_ISDIR(found.st_mode):
        raise PathUnreadable(place.path)
    if next(walk.repositories(place.absolute), ".") != ".":
        raise GitalyError("directory contains repositories", Code.FAILED_PRECONDITION, {"relative_path": named.path})
    if _is_locked(place):
        raise RemovalLocked(place.path)
    return place


def _is_locked(place: Place) -> bool:
    """
    Whether there is the file beside a place that Gitaly makes while it creates or removes what is there. We never make one.
    """
    try:
        return stat.S_ISREG(os.lstat(f"{place.absolute}.lock").st_mode)
    except OSError:
        return False


def still_there(place: Place, identity: Identity) -> None:
    """
    Look again at a repository that was found before.

    :raises GitalyError: NOT_FOUND if it was removed or replaced; INVALID_ARGUMENT if its path leads out of the storage now.
    """
    if resolved(place).path != place.path:
        raise PathEscapes(place.path)
    try:
        found = check_repository(place)
    except (RepositoryNotFound, RepositoryNotValid, PathUnreadable):
        raise RepositoryGone(place.path) from None
    if found != identity:
        raise RepositoryGone(place.path)


def check_storage(storage: StorageInfo) -> None:
    """
    :raises GitalyError: NOT_FOUND if the storage's directory is missing.
    """
    try:
        os.stat(storage.path)
    except FileNotFoundError:
        raise StorageMissing(storage.name) from None
    except OSError as error:
        raise GitalyError(f"storage path: {described(error)}", None, {"storage_name": storage.name}) from None


def resolved(place: Place) -> Place:
    """
    The same place with all symbolic links followed.

    :raises GitalyError: INVALID_ARGUMENT if they lead out of the storage, or into the server's own area.
    """
    if _is_plain(place):
        return place
    root = os.path.realpath(place.storage.path)
    real = os.path.realpath(join(root, place.path))
    if not is_inside(real, root):
        raise PathEscapes(place.path)
    relative = relpath(real, root)
    check_reserved(relative)
    return Place(place.storage, relative)


def _is_plain(place: Place) -> bool:
    """
    Whether no symbolic link is on the way from the storage to the place: as nearly always, and found out at a third of the price.
    """
    try:
        return not any(stat.S_ISLNK(os.lstat(path).st_mode) for path in on_the_way(place.storage.path, place.path))
    except OSError:
        return False


@lru_cache(maxsize=1024)
def on_the_way(root: str, path: str) -> tuple[str, ...]:
    """
    The directories from a storage to a place in it, and the place.
    """
    parts = [] if path == "." else path.split("/")
    return tuple(join(root, *parts[:length]) for length in range(1, len(parts) + 1))


def check_repository(place: Place) -> Identity:
    """
    Is there a repository? It needs ``objects``, ``refs`` and ``HEAD``, and none of them may be a link that leaves the storage.
    """
    path = place.absolute
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise RepositoryNotFound(place.path) from None
    except OSError as error:
        raise PathUnreadable(place.path, error) from None
    if not stat.S_ISDIR(found.st_mode):
        raise PathUnreadable(place.path)
    for entry in walk.ENTRIES:
        try:
            mode = os.lstat(join(path, entry)).st_mode
        except FileNotFoundError:
            raise RepositoryNotValid(place.path, entry) from None
        except OSError as error:
            raise PathUnreadable(place.path, error) from None
        if stat.S_ISLNK(mode):
            resolved(Place(place.storage, normpath(join(place.path, entry))))
    return found.st_dev, found.st_ino


def _check_parents(place: Place) -> None:
    parts = place.path.split("/")[:-1]
    for length in range(1, len(parts) + 1):
        parent = join(place.storage.path, *parts[:length])
        if walk.is_repository(parent):
            raise PathNested(place.path)
        try:
            mode = os.stat(parent).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise PathUnreadable(place.path, error) from None
        if not stat.S_ISDIR(mode):
            raise GitalyError("parent is not a directory", Code.FAILED_PRECONDITION, {"relative_path": place.path})


def _object_directory(place: Place, relative: str) -> str:
    """
    The absolute form of an object directory that a request names: inside of the repository, or in a quarantine of it.
    """
    if "\0" in relative:
        raise PathRefused("object directory contains a NUL byte", relative)
    repository = place.absolute
    path = normpath(join(repository, relative.lstrip("/")))
    root = os.path.realpath(place.storage.path)
    real = os.path.realpath(path)
    prefix = quarantine_prefix(place.path)
    allowed = [os.path.realpath(repository), os.path.realpath(join(repository, "objects"))]
    if any(is_inside(real, directory) for directory in allowed):
        return path
    for area in ("staging", "tmp"):
        if real.startswith(join(root, INTERNAL, area, prefix)):
            return path
    raise ObjectDirectoryEscapes(relative)
