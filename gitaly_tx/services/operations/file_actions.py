"""
What ``UserCommitFiles`` does to a tree, one action after the other.
"""

from __future__ import annotations

import posixpath
from typing import Final

from attrs import frozen

from protocols.gitaly.errors_pb2 import IndexError as IndexErrorMessage
from protocols.gitaly.operations_pb2 import UserCommitFilesError

from ...errors import Code, GitalyError
from ...git.dotgit import is_dotgit
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.treeedit import EXECUTABLE, REGULAR, InTheWay, TreeEditor
from .refusals import shown

GITKEEP: Final = b".gitkeep"
"""The empty file that stands for an empty directory."""

_TEXTS: Final = {
    IndexErrorMessage.ERROR_TYPE_EMPTY_PATH: (Code.INVALID_ARGUMENT, "You must provide a file path"),
    IndexErrorMessage.ERROR_TYPE_DIRECTORY_EXISTS: (Code.ALREADY_EXISTS, "A directory with this name already exists"),
    IndexErrorMessage.ERROR_TYPE_DIRECTORY_TRAVERSAL: (Code.INVALID_ARGUMENT, "Path cannot include directory traversal"),
    IndexErrorMessage.ERROR_TYPE_FILE_EXISTS: (Code.ALREADY_EXISTS, "A file with this name already exists"),
    IndexErrorMessage.ERROR_TYPE_FILE_NOT_FOUND: (Code.NOT_FOUND, "A file with this name doesn't exist"),
}


@frozen
class Create:
    """
    A new file. A directory of that name is replaced by it.

    :param blob: its content.
    """

    path: bytes
    blob: ObjectID
    executable: bool

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: FILE_EXISTS.
        """
        _add(tree, self.path, EXECUTABLE if self.executable else REGULAR, self.blob)


@frozen
class CreateDirectory:
    """
    A new directory.

    :param blob: the empty one.
    """

    path: bytes
    blob: ObjectID

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: DIRECTORY_EXISTS, also for a submodule; FILE_EXISTS.
        """
        found = tree.find(self.path)
        if found is not None and not found.is_blob:
            raise refused(IndexErrorMessage.ERROR_TYPE_DIRECTORY_EXISTS, self.path)
        if found is not None:
            raise refused(IndexErrorMessage.ERROR_TYPE_FILE_EXISTS, self.path)
        _add(tree, posixpath.join(self.path, GITKEEP), REGULAR, self.blob)


@frozen
class Update:
    """
    Another content for a file, which keeps its mode.
    """

    path: bytes
    blob: ObjectID

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: FILE_NOT_FOUND.
        """
        tree.put(self.path, _mode(tree, self.path), self.blob)


@frozen
class Move:
    """
    Another place for a file, which keeps its mode. A directory that is there is replaced by it.

    :param blob: another content; ``None`` to keep the one that it has.
    """

    path: bytes
    previous: bytes
    blob: ObjectID | None

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: FILE_NOT_FOUND for the old path, FILE_EXISTS for the new one.
        """
        found = tree.find(self.previous)
        if found is None or not found.is_blob:
            raise refused(IndexErrorMessage.ERROR_TYPE_FILE_NOT_FOUND, self.previous)
        tree.remove(self.previous)
        _add(tree, self.path, found.mode, found.oid if self.blob is None else self.blob)


@frozen
class Delete:
    """
    A file or a whole directory goes.
    """

    path: bytes

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: FILE_NOT_FOUND.
        """
        if not tree.remove(self.path):
            raise refused(IndexErrorMessage.ERROR_TYPE_FILE_NOT_FOUND, self.path)


@frozen
class ChangeMode:
    """
    A file becomes executable, or is no longer.
    """

    path: bytes
    executable: bool

    def apply(self, tree: TreeEditor) -> None:
        """
        :raises GitalyError: FILE_NOT_FOUND.
        """
        mode = _mode(tree, self.path)
        found = tree.find(self.path)
        if found is not None and (self.executable or mode == EXECUTABLE):
            tree.put(self.path, EXECUTABLE if self.executable else REGULAR, found.oid)


Action = Create | CreateDirectory | Update | Move | Delete | ChangeMode


def cleaned(path: bytes) -> bytes:
    """
    A caller's path as trees have it: without ``.`` and ``..``, and without slashes at its ends.

    :raises GitalyError: EMPTY_PATH, INVALID_PATH, DIRECTORY_TRAVERSAL; INTERNAL ``invalid path: '.git/x'`` for the root, and for
        what some file system takes for ``.git``.
    """
    if not path:
        raise refused(IndexErrorMessage.ERROR_TYPE_EMPTY_PATH, b"")
    if b"//" in path or b"\0" in path:
        raise refused(IndexErrorMessage.ERROR_TYPE_INVALID_PATH, path)
    clean = posixpath.normpath(path.lstrip(b"/") or b".")
    if clean == b".." or clean.startswith(b"../"):
        raise refused(IndexErrorMessage.ERROR_TYPE_DIRECTORY_TRAVERSAL, path)
    return clean


def check_allowed(path: bytes) -> None:
    """
    :param path: as :func:`cleaned` returns it.
    :raises GitalyError: INTERNAL ``invalid path: '.git/x'`` for the root, and for what some file system takes for ``.git``.
    """
    if path == b"." or any(map(is_dotgit, path.split(b"/"))):
        raise GitalyError(f"invalid path: '{shown(path)}'", Code.INTERNAL)


def refused(kind: IndexErrorMessage.ErrorType, path: bytes) -> GitalyError:
    """
    :param path: the one that is to blame.
    """
    code, text = _TEXTS.get(kind, (Code.INVALID_ARGUMENT, f"invalid path: {quoted(path)}"))
    details = UserCommitFilesError(index_update=IndexErrorMessage(path=path, error_type=kind))
    return GitalyError(text, code, details=(details,))


def _add(tree: TreeEditor, path: bytes, mode: int, blob: ObjectID) -> None:
    found = tree.find(path)
    if found is not None and found.is_blob:
        raise refused(IndexErrorMessage.ERROR_TYPE_FILE_EXISTS, path)
    try:
        tree.put(path, mode, blob)
    except InTheWay as error:
        raise refused(IndexErrorMessage.ERROR_TYPE_FILE_EXISTS, error.path) from error


def _mode(tree: TreeEditor, path: bytes) -> int:
    found = tree.find(path)
    if found is None or not found.is_blob:
        raise refused(IndexErrorMessage.ERROR_TYPE_FILE_NOT_FOUND, path)
    return found.mode


__all__ = [
    "Action",
    "ChangeMode",
    "Create",
    "CreateDirectory",
    "Delete",
    "Move",
    "Update",
    "check_allowed",
    "cleaned",
    "refused",
]
