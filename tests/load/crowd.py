"""
Many who want the same at once, over SSH, or some of them slowly.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from attrs import define, field

from protocols.git import pktline
from tests.support.gitclient import GitClient, over_ssh
from tests.support.server import ROOT, descendants

from . import bigrepo, clones, rivals
from .clones import AT_ONCE, MIB, client, counted, serving
from .process import Looking, Watch, command, forget_peak, resident
from .report import Figure, Target

CLIENTS, SLOW, REAL = 200, 50, 10
"""How many there are in all; how many of them are slow, and how many are a real git's clone."""

RATE = 1_000_000
"""Bytes a second that a slow one takes."""

ALL_AT_ONCE = "[limits]\ncalls_per_repository = 0\n"
"""Otherwise 64 would be served, and the others wait until it is their turn."""

SHAPE = bigrepo.Shape(commits=2000, noise=32)


@define
class Children(Looking):
    """
    Notes when there was a git below a process.

    :ivar last: when one was last seen, in seconds since the ``with`` block began.
    """

    _pid: int
    last: float = field(default=0.0, init=False)
    _began: float = field(default=0.0, init=False)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return super().__enter__()

    def _look(self) -> None:
        if git_below(self._pid):
            self.last = time.monotonic() - self._began


def git_below(pid: int) -> bool:
    """
    Whether a git runs below a process.
    """
    return any(command(below).startswith("git") for below in descendants(pid))


def secure(cache: Path) -> Iterator[Figure]:
    """
    Memory while 20 clients get the large pack over SSH at once, and count its bytes
    """
    big = bigrepo.cached(cache, clones.SHAPE)
    with serving(big) as server, client() as git:
        asked = git.folder / "asked.request"
        asked.write_bytes(request_of_a_clone(git, big))
        words = shlex.split(over_ssh(git.folder, rivals.client_key(git.folder))["GIT_SSH_COMMAND"])
        words += ["-o", "SetEnv=GIT_PROTOCOL=version=2", "-p", str(server.ssh_port), "git@127.0.0.1", "git-upload-pack 'big.git'"]
        before = resident(server.pid)
        forget_peak(server.pid)
        began = time.monotonic()
        run = ["bash", "-o", "pipefail", "-c", f"{shlex.join(words)} <{shlex.quote(str(asked))} | wc -c"]
        running = [subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(AT_ONCE)]
        said = [one.communicate() for one in running]
        seconds = time.monotonic() - began
        grown = resident(server.pid, "VmHWM") - before
    size = bigrepo.pack_size(big)
    failed = [text for one, (count, text) in zip(running, said, strict=True) if one.returncode or int(count) < size]
    if failed:
        raise AssertionError(f"{len(failed)} of {AT_ONCE} failed: {failed[0].decode(errors='replace')[-400:]}")
    what = f"{AT_ONCE} at once over SSH of {size / MIB:.0f} MiB, {seconds:.0f} s; from {before / MIB:.0f} MiB"
    yield Figure("memory, 20 clients over SSH at once", grown / MIB, None, "MiB", Target(64), what)


def identical(cache: Path) -> Iterator[Figure]:
    """
    200 identical HTTP clones at once, 50 of them at 1 MB/s: packs made, memory, and how long there are children
    """
    big = bigrepo.cached(cache, SHAPE)
    mib = bigrepo.pack_size(big) / MIB
    with serving(big, ALL_AT_ONCE) as server, client() as git:
        request = request_of_a_clone(git, big)
        before = resident(server.pid)
        forget_peak(server.pid)
        readers = [sys.executable, "-m", "tests.load.readers", str(server.http_port), "/big.git"]
        readers += [str(CLIENTS - REAL), str(SLOW), str(RATE)]
        with Watch((server.pid,)) as watch, Children(server.pid) as children:
            began = time.monotonic()
            reading = subprocess.Popen(readers, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            real = [git.start("clone", "-q", "--bare", server.http + "big.git", f"copy{number}") for number in range(REAL)]
            said, problem = reading.communicate(request)
            problems = [problem, *(one.communicate()[1] for one in real)]
            seconds = time.monotonic() - began
        grown = resident(server.pid, "VmHWM") - before
        made = counted(server.page("/metrics"), "gitaly_tx_git_commands_total", 'subcommand="pack-objects"')
    failed = [text for one, text in zip((reading, *real), problems, strict=True) if one.returncode]
    if failed:
        raise AssertionError(f"{len(failed)} failed: {failed[0].decode(errors='replace')[-400:]}")
    quick, slow = map(float, said.split())
    what = (
        f"{CLIENTS} at once over HTTP of {mib:.0f} MiB, {SLOW} of them at {RATE / 1e6:g} MB/s, {REAL} of the others real clones"
    )
    yield Figure("packs made for 200 identical clones", made, None, "", Target(1), what)
    ends = f"theirs: the last client; quick ones had all after {quick:.1f} s, slow ones after {slow:.1f} s"
    last = max(quick, slow)
    yield Figure("last git child of 200 identical clones gone", children.last, last, "s", Target(0.5, ratio=True), ends)
    yield Figure("memory, 200 identical clones", grown / MIB, None, "MiB", Target(128), f"from {before / MIB:.0f} MiB")
    cost = watch.cpu * 1000 / mib / CLIENTS
    yield Figure("server's own CPU for each MiB, 200 clones", cost, None, "ms", Target(), f"{seconds:.0f} s in all")


def request_of_a_clone(git: GitClient, repository: Path) -> bytes:
    """
    What git sends when it clones a repository, so that others can ask for exactly the same.
    """
    trace = git.folder / "packets"
    git.run("clone", "-q", "--bare", repository.as_uri(), "asked", GIT_TRACE_PACKET=str(trace))
    return fetch_request(trace.read_text())


def fetch_request(trace: str) -> bytes:
    """
    The request for a pack, as packets.

    :param trace: what git writes about the packets of a clone.
    """
    sent = re.findall(r"^.* clone> (.*)$", trace, re.MULTILINE)
    lines = [line.encode() for line in sent[sent.index("command=fetch") :]]
    return b"".join(line if line in (pktline.DELIM, pktline.FLUSH) else pktline.data(line + b"\n") for line in lines)
