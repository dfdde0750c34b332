"""
Housekeeping, forks with pools, pushes, commits, deletions and clones on the same repositories at the same time:
``python -m tests.acceptance.together``.

Nothing is killed here, so every call must succeed. Now and then nobody writes a repository for a moment, so that objects which
nothing refers to can be dropped: those of a branch that was deleted and of one that was pushed over must go then. In the end
every acknowledged ref must be where its last writer put it, git must find nothing wrong with any repository or pool, no object
may be missing, and nothing may be left over. What is done follows from the seed; how the machine schedules it does not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from attrs import define, field

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.stub import Client
from gitaly_tx.errors import Code
from protocols.gitaly import ref_pb2, repository_pb2
from tests.support.server import Server
from tests.support.uncovered import UNCOVERED

from . import garbage, inspection
from .deeds import COMMITS, POOL, REPOSITORIES, ZERO, Deeds, named
from .wanted import differences

SECONDS = 600.0

FORKS = 4
"""How many forks there are of each repository at most."""

OLD = 3600.0
"""Seconds; what nothing refers to may be dropped when it is half as old."""

DROP_ATTEMPTS = 5
"""Prunes of one repository while nobody writes it, at most."""

DROPPED = "objects dropped"

DROPS = "refs/heads/drop/"
"""Branches whose commits are to be dropped."""

TIDY = 30.0
"""Seconds after the last answer in which everything temporary must have gone."""

Optimize = repository_pb2.OptimizeRepositoryRequest

Do = Callable[[str, str, random.Random], Awaitable[None]]


class Missing(AssertionError):
    """
    Something is not as it must be.
    """


@define
class Together(Deeds):
    """
    Everything that goes on. Each ref has one writer.

    :ivar done: what was done, and how often.
    """

    seed: str
    end: float = 0.0
    forks: dict[str, dict[str, str | None]] = field(factory=dict)
    done: Counter[str] = field(factory=Counter)
    _gates: dict[str, garbage.Gate] = field(factory=lambda: {path: garbage.Gate() for path in REPOSITORIES})

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
                    group.create_task(self._again(f"push/{who}", self._gated(self.push_something), path))
                group.create_task(self._again("commit", self._gated(self.commit), path))
                group.create_task(self._again("move", self._gated(self.move), path))
                group.create_task(self._again("fork", self.fork, path))
                group.create_task(self._again("clone", self.clone, path))
            group.create_task(self._again("housekeeping", self.keep_house, REPOSITORIES[0]))

    def _gated(self, do: Do) -> Do:
        async def through(what: str, path: str, rng: random.Random) -> None:
            async with self._gates[path].through():
                await do(what, path, rng)

        return through

    async def _again(self, what: str, do: Do, path: str) -> None:
        rng = random.Random(f"{self.seed}/{what}/{path}")
        while time.monotonic() < self.end:
            await do(what, path, rng)
            self.done[what.partition("/")[0]] += 1

    # ------------------------------------------------------------------------------------------------------- what is done

    def chosen(self, what: str, path: str, rng: random.Random, old: int = 0) -> tuple[str, str | None, str | None]:
        """
        A ref of somebody's own, what it is, and what to make of it.

        :param old: how many of the newest commits are out of the question.
        """
        ref = f"refs/heads/{what}/{rng.randrange(6)}"
        there = self.wanted.refs[path].get(ref)
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
        ref = f"refs/heads/commit/{rng.randrange(3)}"
        await self.commit_file(path, ref, rng)
        if rng.random() < 0.3:
            await self.delete_branch(path, ref)

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
        with self.wanted.writing(path, {ref: new for ref, (_, new) in chosen.items()}):
            while not await self.not_pruned("RefService/UpdateReferences", kind(repository=named(path), updates=updates)):
                self.done["moves asked for again"] += 1

    async def fork(self, what: str, path: str, rng: random.Random) -> None:
        """
        A new fork that borrows from the pool; one that stops to do so; one that goes.
        """
        own = [fork for fork in self.forks if fork.startswith(f"forks/{Path(path).stem}-")]
        fork = f"forks/{Path(path).stem}-{self.done['fork']}.git"
        if len(own) < FORKS:
            steady = self.wanted.steady(path)
            await self.call("RepositoryService/CreateFork", repository=named(fork), source_repository=named(path))
            self.forks[fork] = self.wanted.unmoved(path, steady)
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

    async def clone(self, what: str, path: str, rng: random.Random) -> None:
        """
        A clone of everything, which must be whole, with the refs that nobody has moved meanwhile.
        """
        target = self.folder / f"clone-{Path(path).stem}"
        steady = self.wanted.steady(path)
        await self.git("clone", "-q", "--mirror", self.server.http + path, str(target))
        expected = self.wanted.unmoved(path, steady)
        await self.git("fsck", "--connectivity-only", "--no-dangling", cwd=target)
        wrong = differences(path, expected, inspection.refs(target))
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
        chosen = rng.choice(REPOSITORIES)
        if self.done[what] % 2:
            await self.prune(chosen)
        else:
            await self.drop(chosen, rng)

    async def prune(self, path: str) -> None:
        """
        Let go of what nothing refers to, if there is a moment without a write.
        """
        try:
            await self.call("RepositoryService/PruneUnreachableObjects", repository=named(path))
        except PeerError as error:
            if error.code is not Code.ABORTED:
                raise
            self.done["prunes put off"] += 1

    async def drop(self, path: str, rng: random.Random) -> None:
        """
        While nobody else writes, a branch is deleted and another one pushed over. What only they had goes, and nothing else.

        :raises Missing: if it is not, or something else is.
        """
        repository = self.server.storage / path
        deleted, forced = f"{DROPS}deleted", f"{DROPS}forced"
        async with self._gates[path].shut():
            for _ in range(3):
                await self.commit_file(path, deleted, rng)
            lonely = await self.git("commit-tree", "-m", f"{rng.random()}", f"{self.commits[COMMITS // 2]}^{{tree}}")
            await self.push(path, {forced: lonely.strip()})
            lost = left = await asyncio.to_thread(garbage.only_below, repository, DROPS)
            await self.delete_branch(path, deleted)
            await self.push(path, {forced: self.commits[-1]})
            for _ in range(DROP_ATTEMPTS):
                # What is repacked beside, because of the pushes, is young again.
                await asyncio.to_thread(garbage.age, repository, OLD)
                await self.prune(path)
                left = await asyncio.to_thread(garbage.present, repository, lost)
                if not left:
                    break
            wrong = [f"{path} has {oid} still" for oid in left]
            wrong += await asyncio.to_thread(self.wanted.wrong_with, self.server.storage, path)
        if wrong:
            raise Missing("after a prune: " + "\n".join(wrong))
        self.done[DROPPED] += len(lost)

    # ------------------------------------------------------------------------------------------------------ what is found

    def check(self) -> None:
        """
        Look at everything, also at what the server has logged; blocks.

        :raises Missing: with all that is wrong.
        """
        wrong: list[str] = []
        storage = self.server.storage
        for path in REPOSITORIES:
            wrong += self.wanted.wrong_with(storage, path)
        if not self.done[DROPPED]:
            wrong.append("nothing was dropped")
        wrong += [line for line in self.server.log.read_text(errors="replace").splitlines() if " level=fatal " in line]
        for path, refs in self.forks.items():
            wrong += differences(path, refs, inspection.refs(storage / path))
        expected = {*REPOSITORIES, *self.forks, POOL.repository.relative_path}
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


async def together(seconds: float, seed: str) -> Counter[str]:
    """
    :returns: what was done, and how often.
    :raises Missing: if something is wrong in the end; the storage is kept then.
    :raises ExceptionGroup: as soon as something is refused.
    """
    server = Server(environment=UNCOVERED)
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
