"""
Housekeeping, forks with pools, pushes, commits, deletions and clones on the same repositories at the same time:
``python -m tests.acceptance.together``.

Nothing is killed here, so every call must succeed. In the end every acknowledged ref must be where its last writer put it, git
must find nothing wrong with any repository or pool, no object may be missing, and nothing may be left over. What is done follows
from the seed; how the machine schedules it does not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field
from google.protobuf.message import Message

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.servers import KEY, encode_servers
from gitaly_tx.client.servers import Server as Named
from gitaly_tx.client.stub import Client
from gitaly_tx.errors import Code
from protocols.gitaly import objectpool_pb2, operations_pb2, ref_pb2, repository_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository, User
from tests.support.gitclient import GitClient
from tests.support.server import Server

from . import inspection

SECONDS = 600.0

REPOSITORIES = ("team/one.git", "team/two.git")

FORKS = 4
"""How many forks there are of each repository at most."""

COMMITS = 200
"""Commits to push. They come again and again, each time to another ref."""

TIDY = 5.0
"""Seconds after the last answer in which everything temporary must have gone."""

ZERO = b"0" * 40

USER = User(gl_id="user-1", name=b"Alpha", email=b"alpha@example.org", gl_username="alpha", timezone="UTC")

POOL = ObjectPool(repository=Repository(storage_name="default", relative_path=f"@pools/ab/cd/abcd{'0' * 60}.git"))

Optimize = repository_pb2.OptimizeRepositoryRequest


class Missing(AssertionError):
    """
    Something is not as it must be.
    """


def named(path: str) -> Repository:
    """
    A repository of the one storage.
    """
    return Repository(storage_name="default", relative_path=path, gl_repository=path)


@define
class Together:
    """
    Everything that goes on. Each ref has one writer.

    :ivar refs: what each ref must be, by repository; ``None`` for one that was deleted.
    :ivar done: what was done, and how often.
    """

    server: Server
    client: Client
    seed: str
    end: float = 0.0
    commits: list[str] = field(factory=list)
    refs: dict[str, dict[str, str | None]] = field(factory=lambda: {path: {} for path in REPOSITORIES})
    forks: dict[str, dict[str, str | None]] = field(factory=dict)
    linked: set[str] = field(factory=set)
    done: Counter[str] = field(factory=Counter)
    _begun: Counter[tuple[str, str]] = field(factory=Counter)
    _pending: set[tuple[str, str]] = field(factory=set)
    _source: Path = field(init=False)
    _git: GitClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._git = GitClient(self.server.folder / "clients")
        self._source = self._git.repository("source")
        self._git.history(self._source, COMMITS)
        self.commits = self._git.run("rev-list", "main", cwd=self._source).stdout.split()

    async def run(self, seconds: float) -> None:
        """
        Do all of it for a while.

        :raises PeerError: or GitFailed, as soon as something is refused.
        """
        for path in REPOSITORIES:
            await self.push(path, {"refs/heads/main": self.commits[COMMITS // 2]})
        await self.call("ObjectPoolService/CreateObjectPool", object_pool=POOL, origin=named(REPOSITORIES[0]))
        for path in REPOSITORIES:
            await self.link(path)
        self.end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for path in REPOSITORIES:
                for who in "ab":
                    group.create_task(self._again(f"push/{who}", self.push_something, path))
                group.create_task(self._again("commit", self.commit, path))
                group.create_task(self._again("move", self.move, path))
                group.create_task(self._again("fork", self.fork, path))
                group.create_task(self._again("clone", self.clone, path))
            group.create_task(self._again("housekeeping", self.keep_house, REPOSITORIES[0]))

    async def _again(self, what: str, do: Callable[[str, str, random.Random], Awaitable[None]], path: str) -> None:
        rng = random.Random(f"{self.seed}/{what}/{path}")
        while time.monotonic() < self.end:
            await do(what, path, rng)
            self.done[what.partition("/")[0]] += 1

    async def call(self, method: str, *requests: Message, **fields: Any) -> Any:
        """
        Call a method with one reply.
        """
        if not requests:
            service, _, name = method.partition("/")
            requests = (getattr(_MODULES[service], f"{name}Request")(**fields),)
        headers = [(KEY, encode_servers({"default": Named(f"tcp://{self.server.grpc}")}))]
        return await self.client.upload(method, requests, headers, timeout=120)

    async def git(self, *words: str, cwd: Path | None = None) -> str:
        """
        Run git beside the others.
        """
        return (await asyncio.to_thread(self._git.run, *words, cwd=cwd or self._source)).stdout

    # ------------------------------------------------------------------------------------------------------- what is done

    async def push(self, path: str, updates: dict[str, str | None]) -> None:
        """
        Push refs, and delete some.
        """
        specs = [f"{'+' + new if new else ''}:{ref}" for ref, new in updates.items()]
        with self.writing(path, updates):
            await self.git("push", "-q", self.server.http + path, *specs)

    @contextmanager
    def writing(self, path: str, updates: dict[str, str | None]) -> Iterator[None]:
        """
        While this goes on, refs may or may not have their new values; after it they have.
        """
        keys = {(path, ref) for ref in updates}
        self._begun.update(keys)
        self._pending |= keys
        yield
        self._pending -= keys
        self.refs[path].update(updates)

    def steady(self, path: str) -> tuple[dict[str, str | None], Counter[tuple[str, str]]]:
        """
        The refs that nobody writes at the moment, to be compared with what is found a little later (:meth:`unmoved`).
        """
        refs = {ref: oid for ref, oid in self.refs[path].items() if (path, ref) not in self._pending}
        return refs, self._begun.copy()

    def unmoved(self, path: str, steady: tuple[dict[str, str | None], Counter[tuple[str, str]]]) -> dict[str, str | None]:
        """
        Of those refs, the ones that nobody began to write since.
        """
        refs, begun = steady
        return {ref: oid for ref, oid in refs.items() if self._begun[path, ref] == begun[path, ref]}

    def chosen(self, what: str, path: str, rng: random.Random, old: int = 0) -> tuple[str, str | None, str | None]:
        """
        A ref of somebody's own, what it is, and what to make of it.

        :param old: how many of the newest commits are out of the question.
        """
        ref = f"refs/heads/{what}/{rng.randrange(6)}"
        there = self.refs[path].get(ref)
        return ref, there, None if there is not None and rng.random() < 0.3 else rng.choice(self.commits[old:])

    async def push_something(self, what: str, path: str, rng: random.Random) -> None:
        """
        One to three refs in a push.
        """
        chosen = [self.chosen(what, path, rng) for _ in range(rng.choice((1, 1, 2, 3)))]
        await self.push(path, {ref: new for ref, _, new in chosen})

    async def commit(self, what: str, path: str, rng: random.Random) -> None:
        """
        A commit of some file on a branch, by an RPC; now and then the branch goes afterwards.
        """
        branch = f"commit/{rng.randrange(3)}"
        ref = f"refs/heads/{branch}"
        kind = operations_pb2.UserCommitFilesRequest
        start = b"" if self.refs[path].get(ref) else b"main"
        header = operations_pb2.UserCommitFilesRequestHeader(
            repository=named(path), user=USER, branch_name=branch.encode(), commit_message=b"m", start_branch_name=start
        )
        action = operations_pb2.UserCommitFilesActionHeader(file_path=f"new/{rng.getrandbits(64):x}".encode())
        content = rng.randbytes(rng.choice((20, 2000, 200_000)))
        updates: dict[str, str | None] = {ref: None}
        with self.writing(path, updates):
            reply = await self.call(
                "OperationService/UserCommitFiles",
                kind(header=header),
                kind(action=operations_pb2.UserCommitFilesAction(header=action)),
                kind(action=operations_pb2.UserCommitFilesAction(content=content)),
            )
            updates[ref] = reply.branch_update.commit_id
        if rng.random() < 0.3:
            with self.writing(path, {ref: None}):
                name = branch.encode()
                await self.call("OperationService/UserDeleteBranch", repository=named(path), user=USER, branch_name=name)

    async def move(self, what: str, path: str, rng: random.Random) -> None:
        """
        Refs made, moved and deleted together, by an RPC.
        """
        known = COMMITS // 2  # those that main has, and thus the repository
        chosen = {ref: (old, new) for ref, old, new in (self.chosen(what, path, rng, known) for _ in range(3))}
        kind = ref_pb2.UpdateReferencesRequest
        updates = [
            kind.Update(
                reference=ref.encode(),
                old_object_id=old.encode() if old else ZERO,
                new_object_id=new.encode() if new else ZERO,
            )
            for ref, (old, new) in chosen.items()
        ]
        with self.writing(path, {ref: new for ref, (_, new) in chosen.items()}):
            await self.call("RefService/UpdateReferences", kind(repository=named(path), updates=updates))

    async def fork(self, what: str, path: str, rng: random.Random) -> None:
        """
        A new fork that borrows from the pool; one that stops to do so; one that goes.
        """
        own = [fork for fork in self.forks if fork.startswith(f"forks/{Path(path).stem}-")]
        fork = f"forks/{Path(path).stem}-{self.done['fork']}.git"
        if len(own) < FORKS:
            steady = self.steady(path)
            await self.call("RepositoryService/CreateFork", repository=named(fork), source_repository=named(path))
            self.forks[fork] = self.unmoved(path, steady)
            await self.link(fork)
        elif rng.random() < 0.5 and self.linked & set(own):
            fork = rng.choice(sorted(self.linked & set(own)))
            await self.call("ObjectPoolService/DisconnectGitAlternates", repository=named(fork))
            self.linked.discard(fork)
        else:
            fork = rng.choice(own)
            del self.forks[fork]
            self.linked.discard(fork)
            await self.call("RepositoryService/RemoveRepository", repository=named(fork))

    async def link(self, path: str) -> None:
        """
        Let a repository borrow from the pool.
        """
        await self.call("ObjectPoolService/LinkRepositoryToObjectPool", object_pool=POOL, repository=named(path))
        self.linked.add(path)

    async def clone(self, what: str, path: str, rng: random.Random) -> None:
        """
        A clone of everything, which must be whole, with the refs that nobody has moved meanwhile.
        """
        target = self._git.folder / f"clone-{Path(path).stem}"
        steady = self.steady(path)
        await self.git("clone", "-q", "--mirror", self.server.http + path, str(target))
        expected = self.unmoved(path, steady)
        await self.git("fsck", "--connectivity-only", "--no-dangling", cwd=target)
        wrong = _differences(path, expected, inspection.refs(target))
        if wrong:
            raise Missing("in a clone: " + "\n".join(wrong))
        await asyncio.to_thread(shutil.rmtree, target)

    async def keep_house(self, what: str, path: str, rng: random.Random) -> None:
        """
        The pool gets what its origin has; repositories and the pool are repacked.
        """
        await self.call("ObjectPoolService/FetchIntoObjectPool", object_pool=POOL, origin=named(path))
        every = [*REPOSITORIES, POOL.repository.relative_path]
        for each in every:
            strategy = rng.choice((Optimize.STRATEGY_HEURISTICAL, Optimize.STRATEGY_EAGER))
            await self.call("RepositoryService/OptimizeRepository", repository=named(each), strategy=strategy)
        try:
            await self.call("RepositoryService/PruneUnreachableObjects", repository=named(rng.choice(REPOSITORIES)))
        except PeerError as error:
            if error.code is not Code.ABORTED:  # there was no moment without a write
                raise
            self.done["prunes put off"] += 1

    # ------------------------------------------------------------------------------------------------------ what is found

    def check(self) -> None:
        """
        Look at everything; blocks.

        :raises Missing: with all that is wrong.
        """
        wrong: list[str] = []
        storage = self.server.storage
        for path, refs in self.refs.items():
            found = inspection.refs(storage / path)
            wrong += _differences(path, dict.fromkeys(found or (), None) | refs, found)
        for path, refs in self.forks.items():
            wrong += _differences(path, refs, inspection.refs(storage / path))
        expected = {*self.refs, *self.forks, POOL.repository.relative_path}
        for repository in inspection.repositories(storage):
            wrong += [] if str(repository.relative_to(storage)) in expected else [f"{repository} is there"]
            wrong += inspection.unsound(repository)
            checked = inspection.git(repository, "fsck", "--full", "--no-dangling")
            wrong += [f"{repository}: {checked.stdout}{checked.stderr}"] if checked.returncode else []
        deadline = time.monotonic() + TIDY
        while (litter := inspection.litter(storage)) and time.monotonic() < deadline:
            time.sleep(0.05)
        wrong += [f"left: {name}" for name in litter]
        if wrong:
            raise Missing("\n".join(wrong))


def _differences(path: str, expected: dict[str, str | None], found: dict[str, str] | None) -> list[str]:
    there = found or {}
    return [f"{path} {ref}: {there.get(ref)}, not {oid}" for ref, oid in sorted(expected.items()) if there.get(ref) != oid]


_MODULES: dict[str, Any] = {
    "ObjectPoolService": objectpool_pb2,
    "OperationService": operations_pb2,
    "RefService": ref_pb2,
    "RepositoryService": repository_pb2,
}


async def together(seconds: float, seed: str) -> Counter[str]:
    """
    :returns: what was done, and how often.
    :raises Missing: if something is wrong in the end; the storage is kept then.
    :raises ExceptionGroup: as soon as something is refused.
    """
    server = Server()
    client: Client | None = None
    await asyncio.to_thread(server.start)
    try:
        client = Client.dial(f"tcp://{server.grpc}")
        all_of_it = await asyncio.to_thread(Together, server, client, seed)
        await all_of_it.run(seconds)
        await asyncio.to_thread(all_of_it.check)
    except BaseException as error:
        await asyncio.to_thread(server.stop)
        error.add_note(f"kept: {server.folder}")
        raise
    finally:
        if client is not None:
            await client.close()
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(all_of_it.check)
    await asyncio.to_thread(server.dispose)
    return all_of_it.done


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if nothing is missing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance.together", description=(__doc__ or "").strip().split("\n\n")[1]
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for how long (%(default)s)")
    parser.add_argument("--seed", default="1", help="another one does other things (%(default)s)")
    options = parser.parse_args(argv)
    done = asyncio.run(together(options.seconds, options.seed))
    print(f"{options.seconds:.0f} s: {', '.join(f'{times} {what}' for what, times in sorted(done.items()))}; nothing missing")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
