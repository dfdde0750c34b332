"""
The names that backups are kept under, checked: whoever asks chooses them, and files are made by them.
"""

from __future__ import annotations

import re
from posixpath import join, normpath

from attrs import frozen

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..storage.errors import PathEscapes, PathNotSet, PathRefused, RepositoryNotSet
from ..storage.naming import check_reserved, check_size

MANIFESTS = "manifests"

_ID = re.compile(r"(?![.+])[^/\0-\x1f\x7f]{1,200}\Z")


@frozen
class Vanity:
    """
    The repository as those know it who ask for backups. It need not be on this server.

    :param storage: perhaps empty.
    :param path: relative and normalised.
    """

    storage: str
    path: str

    @property
    def base(self) -> str:
        """
        The directory of its backups, with pointers.
        """
        return self.path.removesuffix(".git").rstrip("/") or self.path

    @property
    def directory(self) -> str:
        """
        The directory of its backups, without.
        """
        return join(self.storage, self.path)

    @property
    def manifests(self) -> str:
        """
        The directory of its manifests.
        """
        return join(MANIFESTS, self.storage, self.path)


def vanity_of(message: Repository | None) -> Vanity:
    """
    The name under which a repository is backed up.

    :raises GitalyError: INVALID_ARGUMENT, with the words of :func:`gitaly_tx.storage.interfaces.IStorageProvider.repository`.
    """
    if message is None or not (message.storage_name or message.relative_path):
        raise RepositoryNotSet()
    path, storage = message.relative_path, message.storage_name
    if not path:
        raise PathNotSet()
    if "\0" in path:
        raise PathRefused("repository path contains a NUL byte", path)
    normal = normpath(path.lstrip("/")) if path.lstrip("/") else "."
    if normal == ".." or normal.startswith("../"):
        raise PathEscapes(path)
    if normal in (".", ".git") or normal.endswith("/.git"):
        raise PathRefused("repository path names no repository", path)
    check_size(normal, normal)
    check_reserved(normal)
    if storage in (".", "..") or "/" in storage or "\0" in storage or len(storage.encode()) > 255:
        raise GitalyError("invalid storage name", Code.INVALID_ARGUMENT, {"storage_name": storage})
    if storage:
        check_reserved(storage)
    return Vanity(storage, normal)


def check_id(backup_id: str) -> None:
    """
    :raises GitalyError: INVALID_ARGUMENT ``invalid BackupId`` for one that is no plain name of a file.
    """
    if not is_id(backup_id):
        raise GitalyError("invalid BackupId", Code.INVALID_ARGUMENT, {"backup_id": backup_id})


def is_id(backup_id: str) -> bool:
    """
    Whether this can be the id of a backup.
    """
    return _ID.match(backup_id) is not None and len(backup_id.encode("utf-8", "surrogatepass")) <= 200


__all__ = ["Vanity", "check_id", "is_id", "vanity_of"]
