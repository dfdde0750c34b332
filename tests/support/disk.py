"""
Storages on disk.
"""

from __future__ import annotations

import os
from posixpath import join

from gitaly_tx.storage.interfaces import StorageInfo


def make_storage(root: str, name: str = "default") -> StorageInfo:
    """
    An empty storage.

    :param root: an existing directory.
    """
    path = join(os.path.realpath(root), name)
    os.mkdir(path)
    return StorageInfo(name, path, f"id of {name}")


def make_bare(storage: StorageInfo, path: str) -> str:
    """
    A directory that passes for an empty repository, made without git.

    :returns: where it is.
    """
    directory = join(storage.path, path)
    os.makedirs(join(directory, "objects", "pack"))
    os.makedirs(join(directory, "refs", "heads"))
    with open(join(directory, "HEAD"), "w") as file:
        file.write("ref: refs/heads/main\n")
    with open(join(directory, "config"), "w") as file:
        file.write("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return directory
