"""
What another git, and a look around, find in a storage.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.gitclient import ENVIRONMENT

OWN = "+gitaly"
"""The server's own directory in a storage."""

EMPTY = ("staging", "intents", "trash", "wal/pending")
"""Directories in it that hold something only while a write is under way."""

LITTER = re.compile(r".+\.lock\Z|tmp_.*|tmp-.*|incoming-.*|quarantine-.*|.+\.new\Z|\.tmp.*")
"""Names of files and directories that a finished write leaves nowhere."""


def git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run git on a repository on disk.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        env={**inherited, **ENVIRONMENT},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
    )  # fmt: skip


def refs(repository: Path) -> dict[str, str] | None:
    """
    All refs and what they point at; ``None`` if there is no such directory.

    :raises AssertionError: if the directory is no repository, or has a ref that cannot be read.
    """
    if not repository.exists():
        return None
    listed = git(repository, "for-each-ref", "--format=%(refname) %(objectname)")
    if listed.returncode or listed.stderr:
        raise AssertionError(f"{repository}: {listed.stderr.strip()}")
    return dict(line.split(" ") for line in listed.stdout.splitlines())


def head(repository: Path) -> str:
    """
    The ref that HEAD names.
    """
    return git(repository, "symbolic-ref", "HEAD").stdout.strip()


def unsound(repository: Path) -> list[str]:
    """
    What is wrong with a repository: objects that are missing or broken, a HEAD that says nothing.
    """
    found = []
    for arguments in (
        ("fsck", "--full", "--strict", "--connectivity-only", "--no-dangling"),
        ("rev-list", "--objects", "--all", "--quiet"),
        ("symbolic-ref", "HEAD"),
    ):
        done = git(repository, *arguments)
        if done.returncode:
            found.append(f"{repository}: git {arguments[0]}: exit {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}")
    return found


def repositories(storage: Path) -> list[Path]:
    """
    All directories that are called like a repository.
    """
    found = []
    for folder, names, _ in os.walk(storage):
        if folder == str(storage) and OWN in names:
            names.remove(OWN)
        found += [Path(folder) / name for name in names if name.endswith(".git")]
        names[:] = [name for name in names if not name.endswith(".git")]
    return sorted(found)


def litter(storage: Path) -> list[str]:
    """
    What should not be there while nothing is being written: locks, temporary files, quarantines, staging areas.
    """
    found = []
    for name in EMPTY:
        if (storage / OWN / name).is_dir():
            found += [f"{OWN}/{name}/{entry}" for entry in os.listdir(storage / OWN / name)]
    for folder, names, files in os.walk(storage):
        found += [os.path.relpath(os.path.join(folder, name), storage) for name in (*names, *files) if LITTER.match(name)]
    return sorted(set(found))
