"""
Repacking with the real git.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from posixpath import join
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.errors import GitCommandError
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.housekeeping.statistics import Pack, survey
from gitaly_tx.housekeeping.strategy import Thresholds, plan
from gitaly_tx.housekeeping.tasks import Tasks, swap
from gitaly_tx.storage.interfaces import IStaging
from gitaly_tx.storage.naming import Place
from gitaly_tx.storage.staging import Stagings
from gitaly_tx.wal.intents import Intents
from gitaly_tx.wal.interfaces import Partition
from gitaly_tx.wal.layout import Layout
from tests.support.awaiting import begin
from tests.support.disk import make_storage
from tests.support.git import git, make_git, make_repository
from tests.support.threads import ParkedThreads, inline_threads

THRESHOLDS = Thresholds(packs=3, loose_objects=5, loose_refs=3)


class PlainRepository:
    """
    A repository with the two things that housekeeping uses. Maintenance runs at once.

    :param before: called when the turn has come, before the maintenance.
    """

    def __init__(self, place: Place, object_format: ObjectFormat) -> None:
        self.partition = Partition("default", place.path)
        self.directory = GitDirectory(place.absolute)
        self.maintained = 0
        self.before: Callable[[], None] = lambda: None
        self._place = place
        self._format = object_format

    async def stage(self) -> IStaging:
        return await Stagings(inline_threads).make(self._place, self.directory, self._format)

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        self.maintained += 1
        self.before()
        self.running = begin(job())
        waiting: Deferred[None] = Deferred()
        self.running.chainDeferred(waiting)
        await waiting


class TasksCase(TestCase):
    """
    A storage with a repository, ``r.git``, and the tools to make packs in it.
    """

    object_format = ObjectFormat.SHA1

    def setUp(self) -> None:
        root = os.path.abspath(self.mktemp())
        os.makedirs(root)
        self.storage = make_storage(root)
        self.path = join(self.storage.path, "r.git")
        make_repository(self.path, object_format=self.object_format.value)
        self.repository = PlainRepository(Place(self.storage, "r.git"), self.object_format)
        self.layout = Layout(self.storage.path)
        os.makedirs(self.layout.intents)
        self.tasks = Tasks(make_git(), inline_threads, {"default": Intents(self.layout)})
        self.objects: set[bytes] = set()

    def run_git(self, *words: str, stdin: bytes = b"") -> bytes:
        return git("-C", self.path, *words, stdin=stdin)

    def blob(self, text: str) -> bytes:
        """
        A loose object that no ref leads to.
        """
        oid = self.run_git("hash-object", "-w", "--stdin", stdin=text.encode()).strip()
        self.objects.add(oid)
        return oid

    def pack(self, *texts: str) -> str:
        """
        A pack with blobs that are nowhere else; its name.
        """
        oids = [self.blob(text) for text in texts]
        digest = self.run_git("pack-objects", "-q", "objects/pack/pack", stdin=b"\n".join(oids) + b"\n").strip().decode()
        self.run_git("prune-packed")
        return f"pack-{digest}"

    def names(self) -> list[str]:
        return sorted(os.listdir(join(self.path, "objects/pack")))

    def assert_whole(self) -> None:
        """
        Every object that was ever made is there, and nothing is left over.
        """
        listed = self.run_git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
        self.assertEqual(self.objects - set(listed), set())
        self.run_git("fsck", "--full", "--strict")
        staging = join(self.storage.path, "+gitaly/staging")
        self.assertEqual(os.listdir(staging) if os.path.exists(staging) else [], [])
        self.assertEqual(os.listdir(self.layout.intents), [])

    async def perform(self) -> None:
        found = survey(self.path)
        await self.tasks.perform(self.repository, found, plan(found, THRESHOLDS))  # type: ignore[arg-type]


class TasksTests(TasksCase):
    """
    A plan is done so that nothing is lost.
    """

    async def test_repack(self):
        """
        Small packs and loose objects become one pack; a large one and a kept one stay as they are.
        """
        large = self.pack("x" * 10, *(os.urandom(2000).hex() for _ in range(10)))
        kept = self.pack("kept")
        with open(join(self.path, "objects/pack", f"{kept}.keep"), "w"):
            pass
        small = [self.pack(f"small {number}", f"other {number}") for number in range(4)]
        for number in range(3):
            self.blob(f"loose {number}")
        await self.perform()
        found = survey(self.path)
        self.assertEqual(found.loose_objects, 0)
        self.assertEqual(len(found.packs), 3)
        left = {pack.name for pack in found.packs}
        self.assertEqual(left & {large, kept, *small}, {large, kept})
        (new,) = left - {large, kept}
        self.assertTrue({f"{new}.pack", f"{new}.idx", f"{new}.rev"} <= set(self.names()))
        self.assertEqual(self.repository.maintained, 1)
        self.assert_whole()

    async def test_reachable(self):
        """
        A history that was pushed in many packs can still be cloned and is complete.
        """
        for number in range(6):
            tree = self.run_git("mktree", stdin=b"100644 blob %s\tf\n" % self.blob(f"content {number}")).strip().decode()
            parents = ["-p", "refs/heads/main"] if number else []
            oid = self.run_git("commit-tree", tree, *parents, "-m", "change").strip().decode()
            self.run_git("update-ref", "refs/heads/main", oid)
            self.run_git("repack", "-dq")
        self.assertEqual(len(survey(self.path).packs), 6)
        await self.perform()
        self.assertEqual(len(survey(self.path).packs), 1)
        self.assertEqual(self.run_git("rev-list", "--count", "main").strip(), b"6")
        self.assert_whole()

    async def test_twice(self):
        """
        A second time there is nothing to do.
        """
        for number in range(3):
            self.pack(f"small {number}")
        await self.perform()
        names = self.names()
        await self.perform()
        self.assertEqual(self.names(), names)
        self.assertEqual(self.repository.maintained, 1)

    async def test_loose_only(self):
        """
        Loose objects alone become a pack, if there was none before.
        """
        for number in range(5):
            self.blob(f"loose {number}")
        await self.perform()
        found = survey(self.path)
        self.assertEqual((len(found.packs), found.loose_objects), (1, 0))
        self.assert_whole()

    async def test_nothing_new(self):
        """
        Packs whose objects are all in a larger pack just go.
        """
        texts = [f"text {number}" * 50 for number in range(20)]
        large = self.pack(*texts, os.urandom(5000).hex())
        for text in texts[:3]:
            oid = self.run_git("hash-object", "--stdin", stdin=text.encode()).strip()
            self.run_git("pack-objects", "-q", "objects/pack/pack", stdin=oid + b"\n")
        self.assertEqual(len(survey(self.path).packs), 4)
        await self.perform()
        self.assertEqual([pack.name for pack in survey(self.path).packs], [large])
        self.assert_whole()

    async def test_pushed_meanwhile(self):
        """
        What is pushed while the new pack is made is not touched, even if it is a pack that is being merged, once again.
        """
        small = [self.pack(f"small {number}") for number in range(3)]
        added: list[str] = []
        self.repository.before = lambda: added.append(self.pack("new one"))
        await self.perform()
        left = {pack.name for pack in survey(self.path).packs}
        self.assertEqual(len(left), 2)
        self.assertTrue(set(added) <= left)
        self.assertFalse(left & set(small))
        self.assert_whole()

    async def test_kept_pack_vanished(self):
        """
        If somebody else removes a pack that the new one relies on, the old ones stay.
        """
        large = self.pack(*(os.urandom(2000).hex() for _ in range(10)))
        lost = set(self.objects)
        for number in range(3):
            self.pack(f"small {number}")
        before = [name for name in self.names() if not name.startswith(large)]

        def vanish() -> None:
            for suffix in ("idx", "pack"):
                os.unlink(join(self.path, "objects/pack", f"{large}.{suffix}"))

        self.repository.before = vanish
        performing: Deferred[Any] = begin(self.perform())
        error = await self.assertFailure(performing, GitalyError)
        self.assertEqual(error.code, Code.ABORTED)
        self.assertEqual([name for name in self.names() if not name.startswith(large)], before)
        self.objects -= lost
        self.assert_whole()

    async def test_corrupt(self):
        """
        A pack that git cannot read is not merged, and nothing is removed.
        """
        small = [self.pack(f"small {number}") for number in range(3)]
        path = join(self.path, "objects/pack", f"{small[0]}.pack")
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.truncate(os.stat(path).st_size - 25)
        before = self.names()
        await self.assertFailure(begin(self.perform()), GitCommandError)
        self.assertEqual(self.names(), before)
        self.assertEqual(self.repository.maintained, 0)
        self.assertEqual(os.listdir(join(self.storage.path, "+gitaly/staging")), [])

    async def test_corrupt_loose(self):
        """
        A loose object that git cannot read stays where it is, and does not keep packs from being merged.
        """
        for number in range(3):
            self.pack(f"small {number}")
        oid = self.blob("damaged").decode()
        path = join(self.path, "objects", oid[:2], oid[2:])
        os.chmod(path, 0o644)
        with open(path, "wb") as file:
            file.write(b"junk")
        await self.perform()
        self.assertEqual(len(self.flushLoggedErrors(GitCommandError)), 1)
        found = survey(self.path)
        self.assertEqual((len(found.packs), found.loose_objects), (1, 1))
        os.unlink(path)
        self.objects.discard(oid.encode())
        self.assert_whole()

    async def test_removed(self):
        """
        A repository that vanished does not come back by being worked on.
        """
        for number in range(3):
            self.pack(f"small {number}")
        found = survey(self.path)
        os.rename(self.path, self.path + ".moved")
        await self.assertFailure(begin(self.tasks.repack(self.repository, found.packs, [])), GitCommandError)  # type: ignore[arg-type]
        self.assertEqual(sorted(os.listdir(self.storage.path)), ["+gitaly", "r.git.moved"])

    async def test_temporary_files(self):
        """
        git works in the staging directory only: what a crash leaves is swept away with that.
        """
        for number in range(3):
            self.pack(f"small {number}")
        self.blob("loose")
        before = self.names()
        staged: list[str] = []

        def look() -> None:
            staging = join(self.storage.path, "+gitaly/staging")
            (name,) = os.listdir(staging)
            staged.extend(os.listdir(join(staging, name, "objects/pack")))
            self.assertEqual(self.names(), before)

        self.repository.before = look
        await self.perform()
        self.assertEqual(len([name for name in staged if name.endswith(".idx")]), 2)
        self.assert_whole()

    async def test_multi_pack_index(self):
        """
        An index over packs that are gone goes with them.
        """
        for number in range(3):
            self.pack(f"small {number}")
        self.run_git("multi-pack-index", "write")
        self.assertIn("multi-pack-index", self.names())
        await self.perform()
        self.assertNotIn("multi-pack-index", self.names())
        self.assert_whole()

    async def test_pack_refs(self):
        """
        Loose refs are packed, what a crash left of an earlier time is no obstacle, and no lock is remembered afterwards.
        """
        oid = self.run_git("commit-tree", self.run_git("mktree").strip().decode(), "-m", "m").strip().decode()
        for number in range(4):
            self.run_git("update-ref", f"refs/heads/topic/{number}", oid)
        with open(join(self.path, "packed-refs.new"), "w"):
            pass
        listed = self.run_git("for-each-ref")
        await self.perform()
        self.assertEqual(survey(self.path).loose_refs, 0)
        self.assertEqual(self.run_git("for-each-ref"), listed)
        self.assertEqual(self.repository.maintained, 1)
        self.assertFalse(os.path.exists(join(self.path, "packed-refs.new")))
        self.assert_whole()

    async def test_pack_refs_announced(self):
        """
        While git packs refs, its locks are on record for the next start.
        """
        oid = self.run_git("commit-tree", self.run_git("mktree").strip().decode(), "-m", "m").strip().decode()
        self.run_git("update-ref", "refs/heads/main", oid)
        with open(join(self.path, "packed-refs.lock"), "w"):
            pass
        packing = begin(self.tasks.pack_refs(self.repository))  # type: ignore[arg-type]
        (name,) = os.listdir(self.layout.intents)
        with open(join(self.layout.intents, name)) as file:
            self.assertIn("r.git/packed-refs.lock", text := file.read())
        self.assertIn("r.git/refs/heads/main.lock", text)
        os.unlink(join(self.path, "packed-refs.lock"))
        await packing
        self.assertEqual(os.listdir(self.layout.intents), [])

    async def test_pack_refs_without_record(self):
        """
        A storage without records gets its refs packed, too.
        """
        oid = self.run_git("commit-tree", self.run_git("mktree").strip().decode(), "-m", "m").strip().decode()
        self.run_git("update-ref", "refs/heads/main", oid)
        await Tasks(make_git(), inline_threads).pack_refs(self.repository)  # type: ignore[arg-type]
        self.assertEqual(survey(self.path).loose_refs, 0)

    async def test_cancelled_in_swap(self):
        """
        Whoever gives up while the packs are being swapped does not take the new one away.
        """
        for number in range(3):
            self.pack(f"small {number}")
        threads = ParkedThreads()
        self.tasks = Tasks(self.tasks._git, threads)
        found = survey(self.path)
        staged = len(survey(self.path).packs)
        performing = begin(self.tasks.repack(self.repository, found.packs, []))  # type: ignore[arg-type]
        while not self.repository.maintained:
            if threads.parked:
                threads.one()
            else:
                await deferLater(reactor, 0)
        performing.cancel()
        await self.assertFailure(performing, CancelledError)
        self.assertEqual(len(survey(self.path).packs), staged)
        threads.all()
        await self.repository.running
        self.assertEqual(len(survey(self.path).packs), 1)
        self.assert_whole()

    async def test_cancelled_while_waiting(self):
        """
        Whoever gives up before the turn has come leaves nothing.
        """
        for number in range(3):
            self.pack(f"small {number}")

        def give_up() -> None:
            raise CancelledError

        self.repository.before = give_up
        await self.assertFailure(begin(self.perform()), CancelledError)
        self.assertEqual(len(survey(self.path).packs), 3)
        self.assert_whole()


class Sha256TasksTests(TasksCase):
    """
    The same for the other object format.
    """

    object_format = ObjectFormat.SHA256

    async def test_repack(self):
        """
        Small packs become one.
        """
        for number in range(4):
            self.pack(f"small {number}")
        await self.perform()
        self.assertEqual(len(survey(self.path).packs), 1)
        self.assert_whole()


class SwapTests(TestCase):
    """
    The last step, by itself.
    """

    def setUp(self) -> None:
        self.built, self.target = self.mktemp(), self.mktemp()
        os.makedirs(self.built)
        os.makedirs(self.target)
        self.new = "pack-" + "f" * 40

    def make(self, directory: str, *names: str) -> None:
        for name in names:
            with open(join(directory, name), "w") as file:
                file.write(name)

    def test_same_pack(self):
        """
        If the new pack is one of the old ones, it stays, and so does its content.
        """
        for directory in (self.built, self.target):
            self.make(directory, f"{self.new}.pack", f"{self.new}.idx")
        swap(self.built, self.target, self.new, [Pack(self.new, 1)], [])
        self.assertEqual(sorted(os.listdir(self.target)), [f"{self.new}.idx", f"{self.new}.pack"])

    def test_incomplete(self):
        """
        A new pack without its index replaces nothing.
        """
        self.make(self.built, f"{self.new}.pack")
        old = "pack-" + "a" * 40
        self.make(self.target, f"{old}.pack", f"{old}.idx")
        self.assertRaises(FileNotFoundError, swap, self.built, self.target, self.new, [Pack(old, 1)], [])
        self.assertIn(f"{old}.idx", os.listdir(self.target))
