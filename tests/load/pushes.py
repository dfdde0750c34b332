"""
Pushes: a very large one, and very small ones.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.gitclient import GitClient
from tests.support.server import PATIENCE, Server

from . import bigrepo, rivals
from .clones import MIB, client, serving
from .process import Watch, forget_peak, resident
from .report import Figure, Target, alternate

SMALL = 21
"""Rounds of pushing one small commit."""

COUNTED = 10
"""Pushes whose fsyncs are counted: half of them to each of two repositories, because every tenth push to one begins a repack."""

CALLS = re.compile(r"\b(?:fsync|fdatasync|sync_file_range|syncfs|sync)\((?:\d+<([^>]*)>)?")
"""What strace writes of each, and the file's path, if it is about one."""

LOG = "/+gitaly/wal/"
"""What is in the path of every file of the log."""


def large(cache: Path) -> Iterator[Figure]:
    """
    Memory and CPU during one push of 1 GiB
    """
    with serving() as server, client() as git:
        server_side(git, server, "large.git")
        work = bigrepo.incompressible(git.folder / "noise.git", 1024)
        before = resident(server.pid)
        forget_peak(server.pid)
        began = time.monotonic()
        with Watch((server.pid,)) as watch:
            git.run("push", "-q", server.http + "large.git", "main", cwd=work)
        seconds = time.monotonic() - began
        grown = resident(server.pid, "VmHWM") - before
        what = f"1 GiB over HTTP in {seconds:.0f} s; from {before / MIB:.0f} MiB"
    yield Figure("memory, push of 1 GiB", grown / MIB, None, "MiB", Target(64), what)
    yield Figure("push of 1 GiB, server's own CPU for each MiB", watch.cpu * 1000 / 1024, None, "ms", Target(), what)


def small(cache: Path) -> Iterator[Figure]:
    """
    Push of one small commit to an idle server, beside git-http-backend with core.fsync=all
    """
    with serving() as server, client() as git:
        root = git.folder / "theirs"
        root.mkdir()
        server_side(git, server, "small.git")
        git.run("init", "-q", "--bare", "-b", "main", str(root / "small.git"))
        for key, value in (("http.receivepack", "true"), ("core.fsync", "all")):
            git.run("--git-dir", str(root / "small.git"), "config", key, value)
        commits = chain(git, 2 + SMALL)

        def push(url: str, turn: int) -> tuple[float]:
            began = time.monotonic()
            git.run("push", "-q", url, f"{commits[turn]}:refs/heads/main", cwd=git.folder / "chain")
            return (time.monotonic() - began,)

        with rivals.nginx(root) as rival:
            for warm in range(2):
                push(server.http + "small.git", warm)
                push(rival.url + "small.git", warm)
            ours, theirs = alternate(
                SMALL,
                lambda turn: push(server.http + "small.git", turn + 2),
                lambda turn: push(rival.url + "small.git", turn + 2),
            )
    what = f"medians of {SMALL}; beside nginx + fcgiwrap + git-http-backend, core.fsync=all; git's own time is in both"
    yield Figure("push of one small commit, wall", ours[0] * 1000, theirs[0] * 1000, "ms", Target(1.0, ratio=True), what)


def fsyncs(cache: Path) -> Iterator[Figure]:
    """
    Calls of fsync for an acknowledged push of one small commit, in the server and its children
    """
    program = rivals.find("strace", "strace")
    with serving() as server, client() as git:
        commits = chain(git, COUNTED // 2 + 1)
        names = ("one.git", "other.git")
        for name in names:
            server_side(git, server, name)
            push(git, server, name, commits[0])
        trace = git.folder / "trace"
        command = [program, "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs,sync", "-o", str(trace)]
        tracer = subprocess.Popen([*command, "-p", str(server.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            attached(tracer, server.pid)
            for commit in commits[1:]:
                for name in names:
                    push(git, server, name, commit)
        finally:
            tracer.terminate()
            tracer.communicate(timeout=PATIENCE)
        paths = CALLS.findall(trace.read_text())
    logged = sum(LOG in path for path in paths)
    what = f"{COUNTED} pushes to two repositories, before either is repacked: {logged} of the log, {len(paths) - logged} others"
    yield Figure("fsyncs for each push of one small commit", len(paths) / COUNTED, None, "", Target(1), what)


def server_side(git: GitClient, server: Server, name: str) -> None:
    """
    An empty repository in our server's storage.
    """
    git.run("init", "-q", "--bare", "-b", "main", str(server.storage / name))


def chain(git: GitClient, count: int) -> list[str]:
    """
    A history of small commits in the repository ``chain``.

    :returns: their ids, oldest first.
    """
    work = git.repository("chain")
    git.history(work, count)
    return git.run("rev-list", "--reverse", "main", cwd=work).stdout.split()


def push(git: GitClient, server: Server, name: str, commit: str) -> None:
    """
    Push one commit of the chain.
    """
    git.run("push", "-q", server.http + name, f"{commit}:refs/heads/main", cwd=git.folder / "chain")


def attached(tracer: subprocess.Popen[bytes], pid: int) -> None:
    """
    Wait until strace has all threads of a process.

    :raises rivals.Missing: if it may not have them.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        states = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
        if all(re.search(rf"^TracerPid:\t{tracer.pid}$", state, re.MULTILINE) for state in states):
            return
        if tracer.poll() is not None:
            break
        time.sleep(0.02)
    raise rivals.Missing("strace may not attach to the server (kernel.yama.ptrace_scope?)")
