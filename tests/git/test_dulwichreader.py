"""
Tests for gitaly_tx.git.dulwichreader and what it is made of: packs, loose objects, alternates.
"""

from __future__ import annotations

import os
import random
from typing import Any

from twisted.internet import reactor as trial_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gitaly_tx.git import fileidentity
from gitaly_tx.git.dulwichreader import ObjectReader
from gitaly_tx.git.interfaces import GitObject, IObjects, ObjectInfo
from gitaly_tx.git.looseobjects import loose_path
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.objectstore import ObjectStore
from gitaly_tx.git.quarantine import object_id, write_loose_object
from gitaly_tx.warm import BUDGET, Warm
from tests.contracts import objectreader
from tests.support.git import git, make_repository
from tests.support.gitobjects import by_git, make_reader, varied

reactor: Any = trial_reactor


class ObjectReaderTests(objectreader.ObjectReaderContract, TestCase):
    """
    Objects on disk keep the contract.
    """

    def setUp(self):
        self.reader = make_reader()
        path = os.path.abspath(self.mktemp())
        self.directory = make_repository(path, object_format=self.object_format.value)

    def write(self, directory, type, data):
        objects = directory.object_directory or directory.objects
        os.makedirs(objects, exist_ok=True)
        return write_loose_object(objects, self.object_format, type, data)


class CountingPool(ThreadPool):
    """
    Counts what is done in it.
    """

    count = 0

    def callInThreadWithCallback(self, *arguments: Any, **more: Any) -> None:
        self.count += 1
        super().callInThreadWithCallback(*arguments, **more)


class GlanceTests(TestCase):
    """
    Small look-ups, again and again.
    """

    def setUp(self) -> None:
        self.pool = CountingPool(1, 1)
        self.pool.start()
        self.addCleanup(self.pool.stop)
        warm = Warm()
        warm.trust("/")
        self.reader = ObjectReader(reactor, self.pool, warm=warm)
        self.directory = make_repository(os.path.abspath(self.mktemp()), 3)
        # What has just changed is always read again; here everything has.
        self.patch(fileidentity, "RACY", 0)
        self.repack()

    def repack(self, *options: str) -> None:
        """
        One pack with everything.
        """
        git("-C", self.directory.path, "repack", "-adfq", *options)

    async def glance(self, *oids: bytes) -> int:
        """
        Look objects up.

        :returns: how often that took a thread.
        """
        before = self.pool.count

        def job(objects: IObjects) -> None:
            for oid in oids:
                known = objects.info(ObjectID(oid))
                assert known is not None
                self.assertEqual(len(objects.read(ObjectID(oid)).data), known.size)

        await self.reader.glance(self.directory, job)
        return self.pool.count - before

    def oid(self, revision: str) -> bytes:
        return git("-C", self.directory.path, "rev-parse", revision).strip()

    async def test_again(self) -> None:
        """
        What is in memory takes no thread; what is not takes one, also if it is found out only half-way.
        """
        first, second = self.oid("main"), self.oid("main~1")
        self.assertEqual([await self.glance(first) for _ in range(3)], [1, 0, 0])
        self.assertEqual([await self.glance(first, second) for _ in range(2)], [1, 0])

    async def test_changed(self) -> None:
        """
        What came or moved meanwhile is found.
        """
        first = self.oid("main")
        await self.glance(first)
        loose = write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", b"new")
        self.assertEqual([await self.glance(loose) for _ in range(2)], [1, 0])
        self.repack("--depth=0")
        self.assertEqual([await self.glance(first) for _ in range(2)], [1, 0])

    async def test_remembered(self) -> None:
        """
        What the repository has just got is looked up without a thread, if it did get it.
        """
        await self.glance(self.oid("main"))
        oid = write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", b"new")
        absent = object_id(ObjectFormat.SHA1, b"blob", b"never written")
        self.reader.remember(self.directory, [GitObject(oid, b"blob", b"new"), GitObject(absent, b"blob", b"never written")])
        self.assertEqual(await self.glance(oid), 0)
        self.assertEqual(await self.reader.info(self.directory, [absent]), [None])

    async def test_large(self) -> None:
        """
        Much to work through is left to a thread.
        """
        large = git("-C", self.directory.path, "hash-object", "-w", "--stdin", stdin=b"x" * (BUDGET + 1)).strip()
        git("-C", self.directory.path, "update-ref", "refs/tags/large", large.decode())
        self.repack()
        self.assertEqual([await self.glance(large) for _ in range(2)], [1, 1])


class SHA256Tests(ObjectReaderTests):
    """
    So do those of a sha256 repository.
    """

    object_format = ObjectFormat.SHA256


class PackedObjectReaderTests(ObjectReaderTests):
    """
    So do those in packs.
    """

    def write(self, directory, type, data):
        objects = directory.object_directory or directory.objects
        os.makedirs(objects, exist_ok=True)
        oid = write_loose_object(objects, self.object_format, type, data)
        packs = os.path.join(objects, "pack")
        os.makedirs(packs, exist_ok=True)
        git("-C", self.directory.path, "pack-objects", "-q", packs + "/pack", stdin=oid + b"\n", GIT_OBJECT_DIRECTORY=objects)
        os.unlink(loose_path(objects, oid))
        return oid


class PackedSHA256Tests(PackedObjectReaderTests):
    """
    And those in packs of a sha256 repository.
    """

    object_format = ObjectFormat.SHA256


class DifferentialTests(SynchronousTestCase):
    """
    Every object of a varied repository, as git reads it.
    """

    def check(self, object_format: ObjectFormat, *repack: str, version: int = 2, store: ObjectStore | None = None) -> None:
        directory = make_repository(os.path.abspath(self.mktemp()), object_format=object_format.value)
        varied(directory, object_format)
        git("-C", directory.path, *repack)
        reader = make_reader(store or ObjectStore(max_bytes=200_000))
        expected = by_git(directory)
        self.assertGreater(len(expected), 200)
        infos = self.successResultOf(Deferred.fromCoroutine(reader.info(directory, list(expected))))
        self.assertEqual(infos, [ObjectInfo(found.oid, found.type, len(found.data)) for found in expected.values()])
        for _ in range(2):
            for oid, wanted in expected.items():
                found = self.successResultOf(Deferred.fromCoroutine(reader.read(directory, oid, len(wanted.data))))
                self.assertEqual(found, wanted)

    def test_offset_deltas(self):
        """
        Packs with deltas by offset are read, whether contents are kept or not.
        """
        self.check(ObjectFormat.SHA1, "repack", "-adfq", "--depth=250", "--window=60")
        self.check(ObjectFormat.SHA1, "repack", "-adfq", "--depth=40", store=ObjectStore(max_bytes=0))

    def test_reference_deltas(self):
        """
        Packs with deltas by id are read.
        """
        self.check(ObjectFormat.SHA1, "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")

    def test_old_index(self):
        """
        Indices of version 1 are read.
        """
        self.check(ObjectFormat.SHA1, "-c", "pack.indexVersion=1", "repack", "-adfq")

    def test_sha256(self):
        """
        Packs of sha256 repositories are read, with deltas of both kinds.
        """
        self.check(ObjectFormat.SHA256, "repack", "-adfq")
        self.check(ObjectFormat.SHA256, "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")

    def test_large_offsets(self):
        """
        Indices whose offsets take eight bytes are read.
        """
        directory = make_repository(os.path.abspath(self.mktemp()), 3)
        git("-C", directory.path, "repack", "-adq")
        packs = os.path.join(directory.objects, "pack")
        pack = next(name for name in os.listdir(packs) if name.endswith(".pack"))
        index = os.path.join(packs, pack[:-5] + ".idx")
        os.unlink(index)
        git("-C", directory.path, "index-pack", "--index-version=2,0x20", "-o", index, os.path.join(packs, pack))
        reader = make_reader()
        for oid, wanted in by_git(directory).items():
            self.assertEqual(self.successResultOf(Deferred.fromCoroutine(reader.read(directory, oid))), wanted)

    def test_many_packs(self):
        """
        Objects in many packs and in loose files are found with few packs open at a time.
        """
        directory = make_repository(os.path.abspath(self.mktemp()))
        oids = [write_loose_object(directory.objects, ObjectFormat.SHA1, b"blob", b"%d" % number) for number in range(40)]
        for oid in oids[:30]:
            git("-C", directory.path, "pack-objects", "-q", "objects/pack/pack", stdin=oid + b"\n")
            os.unlink(loose_path(directory.objects, oid))
        store = ObjectStore(max_open_packs=4)
        reader = make_reader(store)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(2):
            for number, oid in enumerate(oids):
                found = self.successResultOf(Deferred.fromCoroutine(reader.read(directory, oid)))
                self.assertEqual(found.data, b"%d" % number)
            self.assertLessEqual(len(store.packs), 4)
            self.assertLessEqual(len(os.listdir("/proc/self/fd")), before + 8)
        reader.forget(directory)
        self.assertEqual(len(store.packs), 0)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_index_search(self):
        """
        Every object of a large pack is found, and its neighbours that are not there are not.
        """
        directory = make_repository(os.path.abspath(self.mktemp()))
        lines = b"".join(b"blob\ndata %d\n%d\n" % (len(str(number)), number) for number in range(70_000))
        git("-C", directory.path, "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", stdin=lines)
        reader = make_reader()
        oids = [object_id(ObjectFormat.SHA1, b"blob", b"%d" % number) for number in range(0, 70_000, 50)]
        found = self.successResultOf(Deferred.fromCoroutine(reader.info(directory, oids)))
        self.assertEqual([info.type for info in found if info is not None], [b"blob"] * len(oids))
        near = [ObjectID(f"{(int(oid, 16) + 1) % (1 << 160):040x}") for oid in oids[:100]]
        edges = [ObjectID("0" * 40), ObjectID("f" * 40), ObjectID("00" + "f" * 38)]
        found = self.successResultOf(Deferred.fromCoroutine(reader.info(directory, near + edges)))
        self.assertEqual(found, [None] * 103)


class ThreadsTests(TestCase):
    """
    Many threads, and a git that repacks all the time.
    """

    async def test_concurrent(self):
        """
        Every object is read right by every thread while packs come and go.
        """
        pool = ThreadPool(4, 4)
        pool.start()
        self.addCleanup(pool.stop)
        directory = make_repository(os.path.abspath(self.mktemp()))
        varied(directory, ObjectFormat.SHA1)
        expected = by_git(directory)
        reader = ObjectReader(reactor, pool, ObjectStore(max_open_packs=2, max_bytes=100_000))
        running = True

        def repack():
            for depth in range(4):
                git("-C", directory.path, "repack", "-adfq", f"--depth={depth * 3}", "--no-write-bitmap-index")

        async def read(seed: int) -> int:
            oids = list(expected)
            random.Random(seed).shuffle(oids)
            done = 0
            while running or not done:
                for oid in oids[:40]:
                    self.assertEqual(await reader.read(directory, oid), expected[oid])
                    done += 1
                infos = await reader.info(directory, oids)
                self.assertNotIn(None, infos)
            return done

        reading = [Deferred.fromCoroutine(read(seed)) for seed in range(3)]
        await deferToThreadPool(reactor, pool, repack)
        running = False
        self.assertGreater(min(await gatherResults(reading)), 0)
