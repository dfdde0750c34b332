"""
Commits that an application makes for its users, and refs that it writes.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gitaly_tx.client.stub import Client
from gitaly_tx.observability.failpoints import VARIABLE
from protocols.gitaly.commit_pb2 import FindCommitRequest
from protocols.gitaly.operations_pb2 import (
    UserCommitFilesAction,
    UserCommitFilesActionHeader,
    UserCommitFilesRequest,
    UserCommitFilesRequestHeader,
)
from protocols.gitaly.ref_pb2 import UpdateReferencesRequest
from protocols.gitaly.repository_pb2 import OptimizeRepositoryRequest
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support.gitclient import GitClient
from tests.support.server import Server

from .clones import client, serving
from .process import cpu_seconds
from .report import Figure, Target
from .rpcs import BARE, bare

REPOSITORIES = 100
WARM = 30
SINGLE = 300
SLOW_SINGLE = 60
EACH = 10
REFS = 1000
ROUNDS = 10

USER = User(gl_id="user-1", name=b"Load", email=b"load@example.org", gl_username="load")


SLOW_DISK = 50
"""Milliseconds that an fsync takes on a slow disk, or one behind a network."""


def commits(cache: Path) -> Iterator[Figure]:
    """
    UserCommitFiles of one small file: CPU, and 100 repositories written at once beside one; UpdateReferences of 1,000 refs
    """
    with client() as git:
        origin = _origin(git)
        with serving() as server:
            names = _repositories(server, origin)
            cpu, walls, one, many = asyncio.run(_measured(server, names, SINGLE))
            refs = asyncio.run(_written_refs(server, names[1]))
        with serving(environment={VARIABLE: f"wal.append.after_write=delay({SLOW_DISK})@1+"}) as server:
            names = _repositories(server, origin)
            slow_one, slow_many = asyncio.run(_measured(server, names, SLOW_SINGLE))[2:]
    p50 = statistics.median(walls) * 1000
    what = (
        f"{SINGLE} commits one after the other, 1,000 files in 40 directories; median wall {p50:.1f} ms; theirs: a bare handler"
    )
    yield Figure("UserCommitFiles of one file, CPU with children", cpu * 1000, bare(), "ms", Target(5, beside=BARE), what)
    yield _at_once(f"commits to {REPOSITORIES} repositories at once, by one", one, many)
    yield _at_once(f"… on a disk that takes {SLOW_DISK} ms to be sure of something", slow_one, slow_many)
    what = f"{REFS:,} new refs in one call, median of {ROUNDS}; theirs: a bare handler"
    yield Figure("UpdateReferences of 1,000 refs, CPU", refs * 1000, bare(), "ms", Target(100, beside=BARE), what)


def _at_once(name: str, one: float, many: float) -> Figure:
    """
    :param one: commits for each second to one repository.
    :param many: the same for all.
    """
    what = f"{many:.0f} commits/s to {REPOSITORIES} repositories at once, {one:.0f} to one; as one commit's time by another's"
    return Figure(name, 1000 / many, 1000 / one, "ms", Target(0.2, ratio=True), what)


def _origin(git: GitClient) -> Path:
    """
    A repository to begin with.
    """
    work = git.repository("work")
    for number in range(1000):
        path = work / f"dir{number % 40}" / f"file{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content {number}\n" * 20)
    git.run("add", ".", cwd=work)
    git.run("commit", "-q", "-m", "files", cwd=work)
    origin = git.folder / "origin.git"
    git.run("clone", "-q", "--bare", str(work), str(origin))
    return origin


def _repositories(server: Server, origin: Path) -> list[str]:
    """
    Copies of it, as housekeeping leaves one behind: what that does to a repository once is no part of what a commit costs.
    """
    names = [f"team/thing{number}.git" for number in range(REPOSITORIES)]
    shutil.copytree(origin, server.storage / names[0])
    asyncio.run(_optimize(server, names[0]))
    for name in names[1:]:
        shutil.copytree(server.storage / names[0], server.storage / name)
    return names


async def _optimize(server: Server, name: str) -> None:
    """
    Let housekeeping do all there is to do.
    """
    gitaly = Client.dial(f"tcp://{server.grpc}")
    try:
        request = OptimizeRepositoryRequest(
            repository=Repository(storage_name="default", relative_path=name),
            strategy=OptimizeRepositoryRequest.STRATEGY_EAGER,
        )
        await gitaly.unary("RepositoryService/OptimizeRepository", request)
    finally:
        await gitaly.close()


async def _written_refs(server: Server, name: str) -> float:
    """
    :returns: CPU seconds for a call that makes many refs.
    """
    gitaly = Client.dial(f"tcp://{server.grpc}")
    repository = Repository(storage_name="default", relative_path=name)
    head = (await gitaly.unary("CommitService/FindCommit", FindCommitRequest(repository=repository, revision=b"main"))).commit.id
    costs = []
    try:
        for round in range(ROUNDS):
            updates = [
                UpdateReferencesRequest.Update(
                    reference=b"refs/keep/%d/%d" % (round, number), old_object_id=b"0" * 40, new_object_id=head.encode()
                )
                for number in range(REFS)
            ]
            before = cpu_seconds(server.pid)
            await gitaly.upload("RefService/UpdateReferences", [UpdateReferencesRequest(repository=repository, updates=updates)])
            costs.append(cpu_seconds(server.pid) - before)
    finally:
        await gitaly.close()
    return statistics.median(costs)


async def _measured(server: Server, names: Sequence[str], single: int) -> tuple[float, list[float], float, float]:
    """
    :param single: how many commits one repository gets.
    :returns: CPU seconds for a commit; the seconds of each; commits for each second, of one repository, and of all.
    """
    gitaly = Client.dial(f"tcp://{server.grpc}")
    try:
        await _commit(gitaly, names[0], WARM)
        before = cpu_seconds(server.pid, children=True)
        began = time.monotonic()
        walls = await _commit(gitaly, names[0], single)
        one = single / (time.monotonic() - began)
        cpu = (cpu_seconds(server.pid, children=True) - before) / single
        await asyncio.gather(*(_commit(gitaly, name, 1) for name in names))
        began = time.monotonic()
        await asyncio.gather(*(_commit(gitaly, name, EACH) for name in names))
        many = EACH * len(names) / (time.monotonic() - began)
        return cpu, walls, one, many
    finally:
        await gitaly.close()


async def _commit(gitaly: Client, name: str, count: int) -> list[float]:
    """
    Change one file again and again.

    :returns: how long each commit took.
    """
    header = UserCommitFilesRequestHeader(
        repository=Repository(storage_name="default", relative_path=name, gl_repository="project-1"),
        user=USER,
        branch_name=b"main",
        commit_message=b"Change a file\n",
    )
    action = UserCommitFilesActionHeader(action=UserCommitFilesActionHeader.UPDATE, file_path=b"dir7/file7")
    walls = []
    for number in range(count):
        began = time.monotonic()
        await gitaly.upload(
            "OperationService/UserCommitFiles",
            [
                UserCommitFilesRequest(header=header),
                UserCommitFilesRequest(action=UserCommitFilesAction(header=action)),
                UserCommitFilesRequest(action=UserCommitFilesAction(content=b"%d %.6f\n" % (number, began) * 20)),
            ],
        )
        walls.append(time.monotonic() - began)
    return walls
