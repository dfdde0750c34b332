"""
A real git for tests, and repositories made with it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from gitaly_tx.git.children import Children
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.environment import GitProgram, find_git
from gitaly_tx.git.runner import Git

_found: GitProgram | None = None


def program() -> GitProgram:
    """
    The git of this machine.
    """
    global _found
    if _found is None:
        _found = find_git(os.environ)
    return _found


def make_git(clock: IReactorTime | None = None, **settings: Any) -> Git:
    """
    A git that runs on trial's reactor.

    :param clock: for limits and grace periods, instead of the reactor.
    :param settings: passed to :class:`Git`.
    """
    from twisted.internet import reactor

    running: Any = reactor
    settings.setdefault("environment", {"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    settings.setdefault("children", Children(running, running if clock is None else clock))
    return Git(program(), **settings)


_IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(*words: str, cwd: str = "/", stdin: bytes = b"", check: bool = True, **environment: str) -> bytes:
    """
    Run git as anybody might, and wait for it.

    :returns: its standard output.
    """
    ran = subprocess.run(
        [program().path, *words],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **_IDENTITY,
            **environment,
        },
    )
    if check and ran.returncode:
        raise AssertionError(f"git {' '.join(words)}: {ran.returncode}: {ran.stderr.decode('utf-8', 'replace')}")
    return ran.stdout


def make_repository(path: str, commits: int = 0, *, object_format: str = "sha1", refs: Iterable[str] = ()) -> GitDirectory:
    """
    A bare repository with a history of its own.

    :param commits: how many commits ``refs/heads/main`` has, each with a file of its own.
    :param refs: more refs that point at the last commit.
    """
    path = os.path.abspath(path)
    git("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}", path)
    if commits:
        stream = bytearray()
        for number in range(commits):
            stream += b"commit refs/heads/main\ncommitter C <c@example.org> %d +0000\n" % (1700000000 + number)
            message = b"change %d\n" % number
            content = b"content %d\n" % number
            stream += b"data %d\n%s" % (len(message), message)
            stream += b"M 100644 inline file-%d\ndata %d\n%s\n" % (number, len(content), content)
        git("-C", path, "fast-import", "--quiet", stdin=bytes(stream))
        for ref in refs:
            git("-C", path, "update-ref", ref, "refs/heads/main")
    return GitDirectory(path)
