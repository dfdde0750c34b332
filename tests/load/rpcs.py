"""
What single calls cost.
"""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from google.protobuf.message import Message

from gitaly_tx.rpc.catalogue import gitaly_methods
from protocols.gitaly.shared_pb2 import Repository
from tests.support.server import ROOT, Server, descendants, free_ports

from . import bigrepo
from .caller import SECRET
from .process import HERTZ, cpu_seconds
from .report import Figure, Target

CLIENTS = 8
SECONDS = 2.0
GIT_RUNS = 10
BARE = 0.28
"""Milliseconds that a bare handler takes on the machine that the targets are for."""

NAME = Repository(storage_name="default", relative_path="big.git")


@frozen
class Call:
    """
    One method that is measured.

    :param fields: makes the request's fields, beside the repository, of what :func:`facts` found.
    :param milliseconds: of CPU that a call may take; ``None`` for what is held to git.
    :param git: what git does for the same: its words, with the names of facts.
    """

    method: str
    fields: Callable[[dict[str, str]], dict[str, Any]]
    milliseconds: float | None = None
    git: tuple[str, ...] = ()


def nothing(facts: dict[str, str]) -> dict[str, Any]:
    """
    For a method that needs no more than the repository.
    """
    return {}


CALLS = (
    Call("ServerService/ServerInfo", nothing, 0.4),
    Call("RepositoryService/RepositoryExists", nothing, 0.4),
    Call("RefService/RefExists", lambda f: {"ref": b"refs/heads/main"}, 0.6),
    Call("RefService/FindDefaultBranchName", nothing, 0.6),
    Call("RefService/FindBranch", lambda f: {"name": b"main"}, 0.6),
    Call("CommitService/FindCommit", lambda f: {"revision": f["head"].encode()}, 0.6),
    Call("CommitService/TreeEntry", lambda f: {"revision": f["head"].encode(), "path": f["path"].encode()}, 0.6),
    Call("BlobService/GetBlob", lambda f: {"oid": f["blob"], "limit": -1}, 0.6),
    Call("CommitService/CommitIsAncestor", lambda f: {"ancestor_id": f["head"], "child_id": f["head"]}, 0.6),
    Call("CommitService/GetTreeEntries", lambda f: {"revision": f["head"].encode(), "path": b"."}, 3.0),
    Call("RefService/ListRefs", lambda f: {"patterns": [b"refs/"]}, 4.0),
    Call("RefService/FindAllTags", nothing, 60.0),
    Call("CommitService/FindCommits", lambda f: {"revision": f["head"].encode(), "limit": 20}, 5.0),
    Call("CommitService/ListCommits", lambda f: {"revisions": [f["head"]], "pagination_params": {"limit": 20}}, 5.0),
    Call("CommitService/CountCommits", lambda f: {"revision": f["head"].encode()}, git=("rev-list", "--count", "{head}")),
    Call(
        "CommitService/LastCommitForPath",
        lambda f: {"revision": f["head"].encode(), "path": f["path"].encode()},
        git=("log", "--format=%H", "--max-count=1", "{head}", "--", "{path}"),
    ),
    Call(
        "DiffService/CommitDiff",
        lambda f: {"left_commit_id": f["before"], "right_commit_id": f["head"]},
        git=("diff", "--patch", "--raw", "--abbrev=40", "--full-index", "--find-renames=30%", "{before}", "{head}"),
    ),
)


def calls(cache: Path) -> Iterator[Figure]:
    """
    CPU of single calls with tokens, on 60,000 commits, beside a bare gRPC handler in Python, or git's own
    """
    big = bigrepo.cached(cache, bigrepo.Shape())
    (port,) = free_ports(1)
    secret = secrets.token_hex()
    server = Server(f'[grpc]\ndirect_listen_addr = "127.0.0.1:{port}"\n[auth]\ntoken = "{secret}"\n')
    try:
        bigrepo.link(big, server.storage / "big.git")
        server.start()
        known = facts(server.storage / "big.git")
        for call in CALLS:
            ours = cost(server.pid, f"127.0.0.1:{port}", call.method, request_of(call, known), secret=secret)
            name = f"{call.method.partition('/')[2]}: CPU of a call"
            if call.milliseconds is None:
                theirs = git_cost(server.storage / "big.git", [word.format(**known) for word in call.git])
                yield Figure(name, ours, theirs, "ms", Target(1.2, ratio=True), f"theirs: git {call.git[0]}")
            else:
                yield Figure(name, ours, bare(), "ms", Target(call.milliseconds, beside=BARE), "theirs: a bare handler")
        server.stop()
    finally:
        server.dispose()


def facts(repository: Path) -> dict[str, str]:
    """
    What requests are made of.
    """

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(repository), *words], check=True, capture_output=True, text=True).stdout.strip()

    entries = (line.split(maxsplit=3) for line in git("ls-tree", "HEAD").splitlines())
    blob, path = next((entry[2], entry[3]) for entry in entries if entry[1] == "blob")
    return {"head": git("rev-parse", "HEAD"), "before": git("rev-parse", "HEAD~1"), "blob": blob, "path": path}


def request_of(call: Call, known: dict[str, str]) -> Message:
    """
    The request of a call.
    """
    info = next(info for info in gitaly_methods() if info.path == f"/gitaly.{call.method}")
    fields = call.fields(known)
    if "repository" in info.request.DESCRIPTOR.fields_by_name:
        fields["repository"] = NAME
    made: Message = info.request(**fields)
    return made


def cost(pid: int, address: str, method: str, request: Message, seconds: float = SECONDS, secret: str = "") -> float:
    """
    Milliseconds of CPU of a call, those of the server's children included.

    :param secret: what the callers' tokens are made with.
    :raises AssertionError: if a call fails.
    """
    streams = any(info.server_streaming for info in gitaly_methods() if info.path == f"/gitaly.{method}")
    kind = "stream" if streams else "unary"
    run = [sys.executable, "-m", "tests.load.caller", address, f"/gitaly.{method}", kind, request.SerializeToString().hex()]
    before = with_children(pid)
    run += [str(seconds), str(CLIENTS)]
    ended = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, env={**os.environ, SECRET: secret})
    if ended.returncode:
        raise AssertionError(f"{method}: {ended.stderr[-400:]}")
    return (with_children(pid) - before) * 1000 / int(ended.stdout)


def with_children(pid: int) -> float:
    """
    CPU seconds of a process, of its children that it has waited for, and of all below it that are alive.
    """
    total = 0.0
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
            total += cpu_seconds(each) + (int(fields[13]) + int(fields[14])) / HERTZ
    return total


def bare() -> float:
    """
    Milliseconds of CPU of a call that does nothing, at this moment.
    """
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "tests.load.bare", address], stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            request = request_of(Call("RepositoryService/RepositoryExists", nothing), {})
            return cost(process.pid, address, "RepositoryService/RepositoryExists", request, SECONDS / 2)
        finally:
            process.kill()


def git_cost(repository: Path, words: Sequence[str]) -> float:
    """
    Milliseconds of CPU of a git.
    """
    # Not os.times: that counts in hundredths of a second, and a small command takes a few thousandths.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(GIT_RUNS):
        subprocess.run(["git", "-C", str(repository), *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / GIT_RUNS
