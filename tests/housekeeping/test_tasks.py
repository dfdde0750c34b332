"""
Repacking and pruning with the real git, in a repository that others write.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from posixpath import join
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.errors import GitCommandError
from gitaly_tx.git.interfaces import Ended, RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.housekeeping import view
from gitaly_tx.housekeeping.statistics import CommitGraph, survey
from gitaly_tx.housekeeping.strategy import Graph, Plan, Repack, Thresholds, eager
from gitaly_tx.housekeeping.tasks import ATTEMPTS, LONG, Tasks
from gitaly_tx.pools.disconnect import disconnect
from gitaly_tx.storage.interfaces import IRepository
from tests.contracts.storageprovider import ZERO, named
from tests.support.awaiting import begin
from tests.support.git import git, make_repository
from tests.support.stack import Stack

FULL = Plan(Repack.FULL, bitmap=True, graph=Graph.REPLACE)
OLD = 1_500_000_000.0

Meanwhile = Callable[[Command], Awaitable[None]]


running: Any = reactor


class MeddledGit:
    """
    The real git, and something that happens after each of its commands.
    """

    def __init__(self, real: Any, meanwhile: Meanwhile) -> None:
        self.real = real
        self.meanwhile = meanwhile

    async def run(self, command: Command, **more: Any) -> tuple[bytes, Ended]:
        result: tuple[bytes, Ended] = await self.real.run(command, **more)
        await self.meanwhile(command)
        return result


class TasksCase(TestCase):
    """
    Has a repository with loose objects, several packs and objects that nothing refers to.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(self.mktemp())
        await self.stack.start()
        self.addCleanup(lambda: begin(self.stack.stop()))
        self.root = self.stack.storages[0].path
        self.path = join(self.root, "a.git")
        make_repository(self.path, 3)
        for number in range(3):
            self.git("repack", "-dq")
            self.new_commit(f"branch{number}")
        self.tasks = Tasks(self.stack.git, self.stack.threads, {n: store.intents for n, store in self.stack.stores.items()})

    async def repository(self) -> IRepository:
        """
        The repository, as it is found now.
        """
        return await self.stack.provider.repository(named("a.git"))

    def git(self, *words: str, **more: Any) -> bytes:
        return git("-C", self.path, *words, **more)

    def new_commit(self, branch: str | None, age: float | None = None) -> str:
        """
        A commit that has not been there, and a blob; on a branch, or nowhere.
        """
        parent = self.git("rev-parse", "main").decode().strip()
        blob = self.git("hash-object", "-w", "--stdin", stdin=os.urandom(20).hex().encode()).decode().strip()
        tree = self.git("mktree", stdin=f"100644 blob {blob}\tfile\n".encode()).decode().strip()
        oid = self.git("commit-tree", tree, "-p", parent, "-m", "m").decode().strip()
        if branch is not None:
            self.git("update-ref", f"refs/heads/{branch}", oid)
        if age is not None:
            for made in (blob, tree, oid):
                os.utime(join(self.path, "objects", made[:2], made[2:]), (age, age))
        return oid

    def meddled(self, name: str, action: Callable[[], Any], times: int = 1, **more: Any) -> Tasks:
        """
        Tasks during which something happens after a command of that name.
        """
        left = [times]

        async def meanwhile(command: Command) -> None:
            if command.name == name and left[0]:
                left[0] -= 1
                result = action()
                if result is not None:
                    await result

        meddled: Any = MeddledGit(self.stack.git, meanwhile)
        return Tasks(meddled, self.stack.threads, **more)

    async def perform(self, plan: Plan, tasks: Tasks | None = None, insist: bool = False) -> None:
        """
        Run a plan, and see that the repository is whole and nothing is left over.
        """
        await (tasks or self.tasks).perform(await self.repository(), plan, insist)
        self.assert_whole()

    def assert_whole(self) -> None:
        self.git("fsck", "--full", "--strict")
        self.git("multi-pack-index", "verify")
        areas = ("staging", "intents")
        self.assertEqual([name for area in areas for name in os.listdir(join(self.root, "+gitaly", area))], [])
        self.assertEqual(self.stack.alive, 0)

    def has(self, oid: str) -> bool:
        return b"missing" not in self.git("cat-file", "--batch-check", stdin=oid.encode())

    def pack_files(self, suffix: str) -> list[str]:
        return sorted(name for name in os.listdir(join(self.path, "objects/pack")) if name.endswith(suffix))

    async def refusal(self, asked: Any) -> tuple[Code, str]:
        error = await self.assertFailure(begin(asked), GitalyError)
        return error.code, error.message


class RepackTests(TasksCase):
    """
    What is packed how.
    """

    async def test_full(self) -> None:
        """
        Everything becomes one pack with what is referred to and one with the rest; index, bitmap, commit-graph and the time of it
        are there, and git uses them.
        """
        nowhere = self.new_commit(None)
        before = self.git("rev-list", "--objects", "--all")
        await self.perform(FULL)
        found = survey(self.path)
        self.assertEqual(sorted(pack.cruft for pack in found.packs), [False, True])
        self.assertEqual((found.loose_objects, found.index, found.graph), (0, True, CommitGraph(True, True)))
        self.assertEqual(len(self.pack_files(".bitmap")), 1)
        assert found.full_repack is not None
        self.assertGreater(found.full_repack, time.time() - 100)
        self.assertTrue(self.has(nowhere))
        self.assertEqual(sorted(self.git("rev-list", "--objects", "--all").split()), sorted(before.split()))
        self.git("rev-list", "--test-bitmap", "main")
        await self.perform(FULL)
        self.assertEqual(len(self.pack_files(".bitmap")), 1)

    async def test_without_bitmap(self) -> None:
        """
        A repository that borrows gets no bitmap, and does not copy what it borrows.
        """
        make_repository(join(self.root, "pool.git"), 3)
        with open(join(self.path, "objects/info/alternates"), "w") as file:
            file.write("../../pool.git/objects")
        await self.perform(evolve(FULL, bitmap=False))
        self.assertEqual(self.pack_files(".bitmap"), [])
        listed = self.git("verify-pack", "-v", join(self.path, "objects/pack", self.pack_files(".idx")[0]))
        self.assertNotIn(self.git("rev-parse", "main").strip(), [line.split()[0] for line in listed.splitlines()])

    async def test_bitmap_fails(self) -> None:
        """
        If there can be no bitmap there is an index without one.
        """

        class NoBitmaps(MeddledGit):
            async def run(self, command: Command, **more: Any) -> tuple[bytes, Ended]:
                if b"--bitmap" in command.argv("git"):
                    raise GitCommandError("git multi-pack-index", [], "exit status 1", 1, b"no")
                result: tuple[bytes, Ended] = await self.real.run(command, **more)
                return result

        async def nothing(command: Command) -> None:
            raise AssertionError("not called")

        git_: Any = NoBitmaps(self.stack.git, nothing)
        await self.perform(FULL, Tasks(git_, self.stack.threads))
        self.assertTrue(survey(self.path).index)
        self.assertEqual(self.pack_files(".bitmap"), [])

    async def test_geometric(self) -> None:
        """
        Small packs and loose objects become one pack. A pack of what nothing refers to stays what it is.
        """
        nowhere = self.new_commit(None, OLD)
        await self.perform(FULL)
        cruft = self.pack_files(".mtimes")
        for number in range(4):
            self.new_commit(f"more{number}")
            self.git("repack", "-dq")
        self.new_commit("loose")
        await self.perform(Plan(Repack.GEOMETRIC, bitmap=True, graph=Graph.ADD))
        found = survey(self.path)
        self.assertEqual((self.pack_files(".mtimes"), found.loose_objects), (cruft, 0))
        self.assertLess(len(found.packs), 5)
        self.assertTrue(all(pack.indexed for pack in found.packs))
        self.assertEqual(self.pack_files(".keep"), [])
        self.assertTrue(self.has(nowhere))
        self.assertEqual(found.graph, CommitGraph(True, True))

    async def test_geometric_borrowing(self) -> None:
        """
        A repository may have a pack that it also borrows, as the origin of a pool has.
        """
        self.git("repack", "-adq")
        (both,) = self.pack_files(".pack")
        shutil.copytree(self.path, join(self.root, "pool.git"))
        with open(join(self.path, "objects/info/alternates"), "w") as file:
            file.write("../../pool.git/objects")
        for number in range(4):
            self.new_commit(f"more{number}")
            self.git("repack", "-dlq")
        self.new_commit("loose")
        await self.perform(Plan(Repack.GEOMETRIC))
        self.assertIn(both, self.pack_files(".pack"))
        self.assertEqual((len(survey(self.path).packs), self.pack_files(".keep")), (2, []))
        self.git("fsck", "--strict")

    async def test_loose(self) -> None:
        """
        Loose objects get a pack, whatever refers to them; other packs stay.
        """
        nowhere = self.new_commit(None)
        packs = set(self.pack_files(".pack"))
        await self.perform(Plan(Repack.LOOSE))
        self.assertEqual((survey(self.path).loose_objects, self.has(nowhere)), (0, True))
        self.assertEqual(len(set(self.pack_files(".pack")) - packs), 1)
        self.assertLess(packs, set(self.pack_files(".pack")))

    async def test_pool(self) -> None:
        """
        In a pool what nothing refers to is packed like anything else, however old it is.
        """
        nowhere = self.new_commit(None, OLD)
        await self.perform(evolve(FULL, keep=True))
        self.assertEqual((len(self.pack_files(".pack")), self.pack_files(".mtimes"), self.has(nowhere)), (1, [], True))

    async def test_refs(self) -> None:
        """
        Loose refs are packed; a broken lock is told.
        """
        await self.perform(Plan(refs=True))
        self.assertEqual(survey(self.path).loose_refs, 0)
        self.assertEqual(len(self.git("for-each-ref").splitlines()), 4)
        os.unlink(join(self.path, "packed-refs"))
        os.mkdir(join(self.path, "packed-refs"))
        code, text = await self.refusal(self.tasks.perform(await self.repository(), Plan(refs=True)))
        self.assertEqual((code, text.split(":")[0]), (Code.INTERNAL, "could not pack refs"))

    async def test_detached(self) -> None:
        """
        What only HEAD refers to is referred to, and so is what a shallow history ends with; logs of refs count as refs.
        """
        detached = self.new_commit(None, OLD)
        self.git("update-ref", "--no-deref", "HEAD", detached)
        logged = self.new_commit(None, OLD)
        os.makedirs(join(self.path, "logs/refs/heads"))
        with open(join(self.path, "logs/refs/heads/main"), "w") as file:
            file.write(f"{'0' * 40} {logged} A <a> 1700000000 +0000\tpush\n")
        with open(join(self.path, "shallow"), "wb") as binary:
            binary.write(self.git("rev-list", "--max-parents=0", "main"))
        gone = self.new_commit(None, OLD)
        await self.perform(eager(survey(self.path), time.time(), Thresholds()))
        self.assertEqual((self.has(detached), self.has(logged), self.has(gone)), (True, True, False))

    async def test_unborn(self) -> None:
        """
        In a repository without refs, with a HEAD that is nothing, things can be done, too.
        """
        make_repository(join(self.root, "b.git"), 0)
        with open(join(self.root, "b.git/HEAD"), "w") as file:
            file.write("0" * 40 + "\n")
        await self.tasks.perform(await self.stack.provider.repository(named("b.git")), FULL)

    async def test_failure(self) -> None:
        """
        If a commit is missing each step says so in its own words, and nothing is changed.
        """
        lost = self.new_commit("x")
        tip = self.git("commit-tree", "main^{tree}", "-p", lost, "-m", "m").decode().strip()
        self.git("update-ref", "refs/heads/x", tip)
        os.unlink(join(self.path, "objects", lost[:2], lost[2:]))
        before = os.listdir(join(self.path, "objects/pack"))
        for plan, insist, text in [
            (FULL, False, "could not repack"),
            (evolve(FULL, expire=OLD, prune=True), False, "could not prune"),
            (evolve(FULL, expire=OLD), True, "repacking objects"),
            (evolve(FULL, expire=OLD, prune=True), True, "pruning objects"),
            (Plan(graph=Graph.REPLACE), False, "could not write commit-graph"),
        ]:
            code, told = await self.refusal(self.tasks.perform(await self.repository(), plan, insist))
            self.assertEqual((code, told.split(":")[0]), (Code.INTERNAL, text), told)
        self.assertEqual(os.listdir(join(self.path, "objects/pack")), before)
        self.assertEqual(self.stack.alive, 0)


class DropTests(TasksCase):
    """
    What nothing refers to goes, when nobody can miss it.
    """

    def plan(self) -> Plan:
        return evolve(FULL, expire=time.time() - 1800, prune=True)

    async def test_ages(self) -> None:
        """
        What is old and nothing refers to is gone, loose or packed; what is young stays.
        """
        packed = self.new_commit(None, OLD)
        await self.perform(FULL)
        old, young = self.new_commit(None, OLD), self.new_commit(None)
        await self.perform(self.plan(), insist=True)
        self.assertEqual((self.has(packed), self.has(old), self.has(young)), (False, False, True))
        self.assertEqual(len(self.git("for-each-ref").splitlines()), 4)

    async def test_only_old(self) -> None:
        """
        If nothing at all remains there are no packs, and no index over them.
        """
        for name in ("main", "branch0", "branch1", "branch2"):
            self.git("update-ref", "-d", f"refs/heads/{name}")
        for directory, _, names in os.walk(join(self.path, "objects")):
            for name in names:
                os.utime(join(directory, name), (OLD, OLD))
        await self.perform(evolve(self.plan(), graph=Graph.NONE))
        self.assertTrue(survey(self.path).empty)
        self.assertEqual(self.pack_files(""), [])

    async def test_referred_to_meanwhile(self) -> None:
        """
        If a ref is moved to what was to be dropped, nothing that it reaches is; what is still nobody's goes all the same.
        """
        saved, gone = self.new_commit(None, OLD), self.new_commit(None, OLD)

        def save() -> None:
            self.git("update-ref", "refs/heads/saved", saved)

        await self.perform(self.plan(), self.meddled("commit-graph", save))
        self.assertEqual((self.has(saved), self.has(gone)), (True, False))

    async def test_always_written(self) -> None:
        """
        If refs move all the time nothing is dropped, and the rest is done; who insists is told.
        """
        nowhere = self.new_commit(None, OLD)

        def move() -> None:
            self.new_commit("moving")

        await self.perform(self.plan(), self.meddled("commit-graph", move, 9))
        self.assertTrue(self.has(nowhere))
        self.assertEqual(len(self.pack_files(".mtimes")), 1)
        told = await self.refusal(self.perform(self.plan(), self.meddled("commit-graph", move, 9), insist=True))
        self.assertEqual(told, (Code.ABORTED, "repository is written to all the time, try again"))
        self.assertTrue(self.has(nowhere))

    async def test_long_in_vain(self) -> None:
        """
        What takes long and is in vain is not done again and again, unless somebody insists.
        """
        moves: list[str] = []

        def move() -> None:
            moves.append(self.new_commit("moving"))

        def tasks() -> Tasks:
            clock = itertools.count(0.0, LONG + 1)
            return self.meddled("commit-graph", move, 9, now=lambda: next(clock))

        await self.perform(self.plan(), tasks())
        self.assertEqual(len(moves), 2)
        await self.refusal(self.perform(self.plan(), tasks(), insist=True))
        self.assertEqual(len(moves), 2 + ATTEMPTS)

    async def test_prepared_write(self) -> None:
        """
        As long as somebody prepares a write nothing is dropped.
        """
        nowhere = self.new_commit(None, OLD)
        repository = await self.repository()
        staging = await repository.stage()
        await self.tasks.perform(repository, self.plan())
        self.assertTrue(self.has(nowhere))
        await staging.discard()
        await self.perform(self.plan())
        self.assertFalse(self.has(nowhere))

    async def test_too_late(self) -> None:
        """
        A write that found an object before it was dropped, and comes afterwards, is refused instead of referring to nothing.
        """
        nowhere = self.new_commit(None, OLD)
        repository = await self.repository()
        self.assertNotIn(None, await repository.object_info([ObjectID(nowhere.encode())]))
        await self.perform(self.plan())
        update = RefUpdate(b"refs/heads/x", ZERO, ObjectID(nowhere.encode()))
        refused = await self.refusal(repository.commit([update]))
        self.assertEqual(refused, (Code.ABORTED, "objects were pruned meanwhile, try again"))
        self.git("fsck", "--connectivity-only")

    async def test_work_trees(self) -> None:
        """
        Where somebody has work trees nothing is dropped, because they refer to objects, too; who insists is told.
        """
        nowhere = self.new_commit(None, OLD)
        os.mkdir(join(self.path, "worktrees"))
        await self.perform(self.plan())
        self.assertTrue(self.has(nowhere))
        told = await self.refusal(self.perform(self.plan(), insist=True))
        self.assertEqual(told, (Code.FAILED_PRECONDITION, "repository has work trees"))


class BesideTests(TasksCase):
    """
    Others write, others repack, and the server ends at the worst moment.
    """

    async def test_pushed_meanwhile(self) -> None:
        """
        What is pushed while git works stays as it is, in every way of packing.
        """
        for repack in (Repack.LOOSE, Repack.GEOMETRIC, Repack.FULL):
            pushed: list[str] = []

            def push(pushed: list[str] = pushed) -> None:
                pushed.append(self.new_commit(f"new{len(self.git('for-each-ref'))}"))

            name = "pack-objects" if repack is Repack.LOOSE else "repack"
            await self.perform(evolve(FULL, repack=repack), self.meddled(name, push))
            self.assertEqual([self.has(oid) for oid in pushed], [True])
            self.assertEqual(survey(self.path).loose_objects, 3)

    async def test_repacked_meanwhile(self) -> None:
        """
        If another git takes packs away that git relied on, nothing is changed.
        """
        self.git("repack", "-adq")

        def again() -> None:
            self.new_commit("x")
            self.git("repack", "-adq")

        asked = self.perform(Plan(graph=Graph.REPLACE), self.meddled("commit-graph", again))
        self.assertEqual(await self.refusal(asked), (Code.ABORTED, "packs have changed"))
        self.assertEqual(survey(self.path).graph, CommitGraph())
        self.assert_whole()

    async def test_disconnected_meanwhile(self) -> None:
        """
        If the repository stops to borrow while git leaves out what is borrowed, nothing of that is removed.
        """
        self.git("repack", "-adq")
        shutil.copytree(self.path, join(self.root, "pool.git"))
        alternates = join(self.path, "objects/info/alternates")
        with open(alternates, "w") as file:
            file.write("../../pool.git/objects")
        repository = await self.repository()
        plan = evolve(FULL, bitmap=False)

        def leave() -> Awaitable[None]:
            return disconnect(self.stack.git, self.stack.threads, repository)

        await self.perform(plan, self.meddled("repack", leave))
        self.assertFalse(os.path.exists(alternates))
        shutil.rmtree(join(self.root, "pool.git"))
        self.assert_whole()

    async def test_removed_meanwhile(self) -> None:
        """
        A repository that is removed while git works stays removed.
        """

        def remove() -> Awaitable[None]:
            return self.stack.provider.remove(named("a.git"))

        asked = self.meddled("repack", remove).perform(await self.repository(), FULL)
        self.assertEqual(await self.refusal(asked), (Code.NOT_FOUND, "repository does not exist"))
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(self.stack.alive, 0)

    async def test_given_up(self) -> None:
        """
        If nobody waits for it any more while git works, it ends, and nothing is left.
        """
        reached: Deferred[None] = Deferred()
        for_ever: Deferred[None] = Deferred()

        def wait() -> Deferred[None]:
            running.callLater(0, reached.callback, None)
            return for_ever

        working = begin(self.meddled("repack", wait).perform(await self.repository(), FULL))
        await reached
        working.cancel()
        await self.assertFailure(working, CancelledError)
        while self.stack.alive:
            await deferLater(reactor, 0)
        self.assertGreater(len(self.pack_files(".pack")), 2)

    async def test_ends_in_the_swap(self) -> None:
        """
        However few of the steps are done in which the new files get their names and the old ones go, nothing is lost, and the
        next time all of it is done.
        """
        nowhere = self.new_commit(None, OLD)
        steps: list[str] = []
        fuse = [-1]

        class Power(Exception):
            pass

        def fused(name: str) -> Callable[..., Any]:
            real = getattr(os, name)

            def call(*args: Any, **more: Any) -> Any:
                if any(isinstance(arg, str) and arg.startswith(self.path) for arg in args[-1:]):
                    if len(steps) == fuse[0]:
                        raise Power
                    steps.append(name)
                return real(*args, **more)

            return call

        plan = evolve(FULL, expire=OLD + 1, prune=True)
        for name in ("link", "rename", "unlink"):
            self.patch(os, name, fused(name))
        for at in range(40):
            fuse[0] = at
            steps.clear()
            try:
                await self.tasks.perform(await self.repository(), plan)
            except Power:
                fuse[0] = -1
                self.git("fsck", "--full", "--strict")
                self.git("multi-pack-index", "verify")
                self.new_commit(f"again{at}")
            else:
                break
        self.assertGreater(at, 5)
        self.assert_whole()
        self.assertFalse(self.has(nowhere))
        self.assertEqual(len(self.git("for-each-ref").splitlines()), 4 + at)


class ViewTests(TasksCase):
    """
    The parts of a view that need no git.
    """

    def test_vanishing(self) -> None:
        """
        Files that vanish while the view is made are not in it, and neither is an index without its pack.
        """
        objects, target = join(self.path, "objects"), self.mktemp()
        link = os.link
        (victim, *_) = self.pack_files(".pack")

        def vanishing(source: str, target: str) -> None:
            if source.endswith(victim):
                raise FileNotFoundError(source)
            link(source, target)

        self.patch(os, "link", vanishing)
        found = view.link_objects(objects, target)
        self.assertNotIn(victim.replace(".pack", ".idx"), os.listdir(join(target, "pack")))
        self.assertEqual(len([name for name in found if name.endswith(".pack")]), len(self.pack_files(".pack")) - 1)

    def test_order(self) -> None:
        """
        An index comes after its pack and goes before it; what is about several packs comes last and goes first.
        """
        names = ["pack/a.idx", "pack/a.pack", "pack/multi-pack-index", "ab/cd", "info/commit-graphs/commit-graph-chain"]
        names += ["info/commit-graphs/graph-x.graph", "pack/multi-pack-index-x.bitmap"]
        new = view.changes({}, dict.fromkeys(names, 1)).new
        self.assertLess(new.index("pack/a.pack"), new.index("pack/a.idx"))
        for name in names:
            if name not in ("pack/multi-pack-index", "info/commit-graphs/commit-graph-chain"):
                self.assertLess(new.index(name), new.index("pack/multi-pack-index"))
        gone = view.changes(dict.fromkeys(names, 1), {}).gone
        self.assertEqual({name.split("-x")[0] for name in gone[:2]}, {"pack/multi-pack-index"})
        self.assertLess(gone.index("pack/a.idx"), gone.index("pack/a.pack"))

    def test_stranger_index(self) -> None:
        """
        An index over packs that somebody made meanwhile goes when packs go.
        """
        objects, target = join(self.path, "objects"), self.mktemp()
        before = view.link_objects(objects, target)
        self.git("multi-pack-index", "write")
        git("repack", "-adq", GIT_OBJECT_DIRECTORY=os.path.abspath(target), GIT_DIR=self.path)
        view.swap(target, objects, view.changes(before, view.inodes(target)))
        self.assertFalse(os.path.exists(join(objects, "pack/multi-pack-index")))
        self.git("fsck", "--full")

    def test_replaced(self) -> None:
        """
        A file that is there already is replaced at once, with no other name beside it that a crash would leave behind.
        """
        objects, target = join(self.path, "objects"), self.mktemp()
        self.git("multi-pack-index", "write")
        names = sorted(os.listdir(join(objects, "pack")))
        os.makedirs(join(target, "pack"))
        with open(join(target, "pack/multi-pack-index"), "w") as file:
            file.write("new")
        found: list[list[str]] = []
        rename = os.rename

        def renaming(source: str, target: str) -> None:
            found.append(sorted(os.listdir(join(objects, "pack"))))
            rename(source, target)

        self.patch(os, "rename", renaming)
        view.swap(target, objects, view.Changes(new=("pack/multi-pack-index",), gone=(), kept=()))
        self.assertEqual(found, [names])
        with open(join(objects, "pack/multi-pack-index")) as file:
            self.assertEqual(file.read(), "new")
