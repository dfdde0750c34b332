"""
Storages and repositories on disk, made with the real git.
"""

from __future__ import annotations

import os
import subprocess
from posixpath import join

from gitaly_tx.storage.interfaces import StorageInfo

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "alpha",
    "GIT_AUTHOR_EMAIL": "alpha@example.com",
    "GIT_COMMITTER_NAME": "alpha",
    "GIT_COMMITTER_EMAIL": "alpha@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(*arguments: str, cwd: str | None = None, stdin: bytes = b"") -> bytes:
    """
    Run git and return what it prints.
    """
    done = subprocess.run(["git", *arguments], cwd=cwd, input=stdin, env=_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"git {arguments} failed: {done.stderr!r}")
    return done.stdout


def make_storage(root: str, name: str = "default") -> StorageInfo:
    """
    An empty storage.
    """
    path = join(root, name)
    os.makedirs(path)
    return StorageInfo(name, os.path.realpath(path), f"id of {name}")


def make_repository(storage: StorageInfo, path: str, object_format: str = "sha1") -> str:
    """
    An empty bare repository; returns its directory.
    """
    directory = join(storage.path, path)
    git("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}", directory)
    return directory


def commit(directory: str, message: str, parent: bytes | None = None) -> bytes:
    """
    A loose commit with an empty tree of its own; returns its id.
    """
    tree = git("mktree", cwd=directory).strip().decode()
    parents = () if parent is None else ("-p", parent.decode())
    return git("commit-tree", tree, *parents, "-m", message, cwd=directory).strip()
