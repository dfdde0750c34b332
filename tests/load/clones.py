"""
Clones of the large repository.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.gitclient import GitClient, over_ssh
from tests.support.server import Server

from . import bigrepo, rivals
from .process import Watch, forget_peak, resident
from .report import Figure, Target, alternate

MIB = float(bigrepo.MIB)
SHAPE = bigrepo.Shape()
AT_ONCE = 20
ROUNDS = 3
LAG = "gitaly_tx_reactor_lag_seconds"

NGINX, SSHD = 1.5, 2.9
"""Milliseconds for each MiB that nginx with fcgiwrap, and sshd with aes128-ctr, take on the machine that the targets are for."""


@contextlib.contextmanager
def serving(big: Path | None = None, extra: str = "", environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """
    Our server, with the large repository as ``big.git`` if one is given.

    :param extra: more TOML for its configuration.
    :param environment: more of its environment.
    """
    server = Server(extra, environment=environment)
    try:
        if big is not None:
            bigrepo.link(big, server.storage / "big.git")
        server.start()
        yield server
        server.stop()
    finally:
        server.dispose()


@contextlib.contextmanager
def client() -> Iterator[GitClient]:
    """
    A git in a folder that goes afterwards.
    """
    folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-load-"))
    try:
        yield GitClient(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clone(git: GitClient, url: str, watch: Watch, mib: float) -> tuple[float, float]:
    """
    One clone.

    :returns: seconds that it took, and milliseconds of the server's own CPU for each MiB.
    """
    copy = git.folder / "copy"
    with watch:
        began = time.monotonic()
        git.run("clone", "-q", "--bare", url, str(copy))
        seconds = time.monotonic() - began
    shutil.rmtree(copy)
    return seconds, watch.cpu * 1000 / mib


def http(cache: Path) -> Iterator[Figure]:
    """
    HTTP clone, beside nginx + fcgiwrap + git-http-backend
    """
    big = bigrepo.cached(cache, SHAPE)
    mib = bigrepo.pack_size(big) / MIB
    with serving(big) as server, rivals.nginx(server.storage) as rival, client() as git:
        ours, theirs = alternate(
            ROUNDS,
            lambda turn: clone(git, server.http + "big.git", Watch((server.pid,)), mib),
            lambda turn: clone(git, rival.url + "big.git", Watch(rival.pids, rival.programs), mib),
        )
    what = f"{mib:.0f} MiB, {SHAPE.commits} commits; beside nginx + fcgiwrap"
    yield Figure("HTTP clone, wall", ours[0], theirs[0], "s", Target(1.1, ratio=True), what)
    yield Figure("HTTP clone, server's own CPU for each MiB", ours[1], theirs[1], "ms", Target(1.0, beside=NGINX), what)


def ssh(cache: Path) -> Iterator[Figure]:
    """
    SSH clone, beside sshd, both with the same cipher: AES-GCM, then aes128-ctr with hmac-sha2-256
    """
    big = bigrepo.cached(cache, SHAPE)
    mib = bigrepo.pack_size(big) / MIB
    with serving(big) as server, client() as git, rivals.sshd(git.folder) as rival:
        path = str(server.storage / "big.git").lstrip("/")
        for cipher in rivals.CIPHERS:
            git.environment = over_ssh(git.folder, rivals.client_key(git.folder))
            git.environment["GIT_SSH_COMMAND"] += f" -c {cipher} -m {rivals.MAC}"
            ours, theirs = alternate(
                ROUNDS,
                lambda turn: clone(git, server.ssh + "big.git", Watch((server.pid,)), mib),
                lambda turn: clone(git, rival.url + path, Watch(rival.pids, rival.programs), mib),
            )
            name = cipher.partition("@")[0]
            what = f"{mib:.0f} MiB; beside sshd with the same cipher"
            yield Figure(f"SSH clone with {name}, wall", ours[0], theirs[0], "s", Target(), what)
            yield Figure(
                f"SSH clone with {name}, server's own CPU for each MiB", ours[1], theirs[1], "ms", Target(4.0, beside=SSHD), what
            )


def many(cache: Path) -> Iterator[Figure]:
    """
    Memory and reactor lag during 20 HTTP clones at once
    """
    big = bigrepo.cached(cache, SHAPE)
    with serving(big) as server, client() as git:
        before = resident(server.pid)
        forget_peak(server.pid)
        quiet = buckets(server.page("/metrics"), LAG)
        began = time.monotonic()
        url = server.http + "big.git"
        clients = [git.start("clone", "-q", "--bare", url, f"copy{number}") for number in range(AT_ONCE)]
        errors = [one.communicate()[1].decode(errors="replace") for one in clients]
        seconds = time.monotonic() - began
        grown = resident(server.pid, "VmHWM") - before
        lag = {limit: count - quiet.get(limit, 0) for limit, count in buckets(server.page("/metrics"), LAG).items()}
    failures = [error for one, error in zip(clients, errors, strict=True) if one.returncode]
    if failures:
        raise AssertionError(f"{len(failures)} of {AT_ONCE} clones failed: {failures[0]}")
    what = f"{AT_ONCE} at once over HTTP, {seconds:.0f} s; from {before / MIB:.0f} MiB"
    yield Figure("memory, 20 clones at once", grown / MIB, None, "MiB", Target(64), what)
    if lag:
        what = f"of {max(lag.values()):.0f} samples half are below {quantile(lag, 0.5):g} s; the clients take all CPU there is"
        yield Figure("reactor lag, 20 clones at once, 95 % below", quantile(lag, 0.95), None, "s", Target(), what)


def counted(page: str, name: str, label: str) -> float:
    """
    A counter of a metrics page, over all its other labels.
    """
    return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*{label}[^}}]*}} (\S+)$", page, re.MULTILINE))


def buckets(page: str, name: str) -> dict[float, float]:
    """
    A histogram of a metrics page: for each limit how many were at most that; empty if the page has none of that name.
    """
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', page, re.MULTILINE)
    return {float(limit): float(count) for limit, count in found}


def quantile(cumulative: dict[float, float], part: float) -> float:
    """
    The limit of the bucket that a quantile is in; 0 if nothing was counted.
    """
    total = max(cumulative.values(), default=0.0)
    return next((limit for limit in sorted(cumulative) if total and cumulative[limit] >= part * total), 0.0)
