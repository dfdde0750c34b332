"""
Tests for gitaly_tx.git.objectstore: repositories that change, and files that are damaged.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import struct
import zlib
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from gitaly_tx.git.looseobjects import loose_path
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.objectstore import ObjectStore
from gitaly_tx.git.packfile import ObjectCache, Pack
from gitaly_tx.git.quarantine import write_loose_object
from tests.support.git import git, make_repository
from tests.support.gitobjects import ObjectsCase, make_reader


class ChangingTests(ObjectsCase):
    """
    Other gits write to and repack the repository.
    """

    def test_repacked(self):
        """
        Objects are found wherever a repack puts them: from loose files to a pack, to another, and back.
        """
        for words in (["repack", "-adq"], ["repack", "-adfq", "--depth=0"], ["repack", "-adq", "--no-write-bitmap-index"]):
            for wanted in self.expected.values():
                self.assertEqual(self.read(wanted.oid), wanted)
            git("-C", self.directory.path, *words)
        self.unpack(self.packs()[0])
        for wanted in self.expected.values():
            self.assertEqual(self.read(wanted.oid), wanted)

    def test_pack_goes_while_it_is_listed(self):
        """
        A pack that goes between the look at the directory and the look into it is looked for again.
        """
        git("-C", self.directory.path, "repack", "-adq")
        [pack] = self.packs()
        store = ObjectStore()
        places = store.places

        def late(directory, again):
            found = places(directory, again)
            if os.path.exists(pack + ".idx"):
                self.unpack(pack)
            return found

        store.places = late  # type: ignore[method-assign]
        oid, wanted = next(iter(self.expected.items()))
        self.assertEqual(store.read(self.directory, oid), wanted)

    def test_in_memory(self):
        """
        What was read before is found without a look into a pack; whoever takes less than that does not get it.
        """
        git("-C", self.directory.path, "repack", "-adq")
        store = ObjectStore()
        oid, wanted = next((oid, wanted) for oid, wanted in self.expected.items() if wanted.data)
        self.assertEqual(store.read(self.directory, oid), wanted)
        with patch.object(Pack, "find", side_effect=AssertionError):
            self.assertEqual(store.read(self.directory, oid, len(wanted.data)), wanted)
        self.assertRaises(ObjectTooLarge, store.read, self.directory, oid, len(wanted.data) - 1)

    def test_removed(self):
        """
        An object that is gone is not found any more, although it was read before.
        """
        git("-C", self.directory.path, "repack", "-adq")
        oid = next(iter(self.expected))
        self.read(oid)
        for path in self.packs():
            os.unlink(path + ".idx")
            os.unlink(path + ".pack")
        self.assertIsInstance(self.failure(oid), ObjectNotFound)

    def test_alternates_of_alternates(self):
        """
        Objects in alternates are found, of alternates too, by absolute and relative paths, in a circle, five steps deep.
        """
        before = self.directory
        for depth in range(1, 7):
            directory = make_repository(os.path.abspath(self.mktemp()))
            target = before.objects if depth % 2 else os.path.relpath(before.objects, directory.objects)
            with open(os.path.join(directory.objects, "info", "alternates"), "w") as file:
                file.write(f"# comment\n\n{target}\n{directory.objects}\n/nowhere\n")
            oid = next(iter(self.expected))
            if depth <= 5:
                self.assertEqual(self.read(oid, directory), self.expected[oid])
            else:
                self.assertIsInstance(self.failure(oid, directory), ObjectNotFound)
            before = directory

    def test_limits(self):
        """
        Nothing that is larger than the caller takes is inflated, packed or loose, delta or not.
        """
        data = random.Random(1).randbytes(50_000)
        oids = [
            write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", data + b"%d" % number) for number in range(3)
        ]
        for _ in range(2):
            for oid in oids:
                with self.assertRaises(ObjectTooLarge) as raised:
                    self.store_read(oid, 50_000)
                self.assertEqual(raised.exception.size, 50_001)
                self.assertEqual(len(self.read(oid, maximum=50_001).data), 50_001)
            git("-C", self.directory.path, "pack-objects", "-q", "objects/pack/pack", stdin=b"\n".join(oids) + b"\n")
            git("-C", self.directory.path, "prune-packed", "-q")
        small = make_reader(ObjectStore(largest=50_000))
        for oid in oids:
            failure = self.failureResultOf(Deferred.fromCoroutine(small.read(self.directory, oid)))
            failure.trap(ObjectTooLarge)

    def store_read(self, oid: ObjectID, maximum: int) -> Any:
        return ObjectStore().read(self.directory, oid, maximum)


class DamagedTests(ObjectsCase):
    """
    Files that do not hold what they should. (S20)
    """

    def setUp(self):
        ObjectsCase.setUp(self)
        self.oid = next(oid for oid, found in self.expected.items() if found.type == b"blob")

    def tearDown(self):
        self.flushLoggedErrors()

    def overwrite(self, path: str, offset: int, data: bytes, truncate: bool = False) -> None:
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
            file.write(data)
            if truncate:
                file.truncate()

    def test_loose(self):
        """
        A damaged loose object is corrupt and not missing, for its content and mostly for its header.
        """
        write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", self.expected[self.oid].data)
        path = loose_path(self.directory.objects, self.oid)
        for path_parent in self.packs():
            os.unlink(path_parent + ".idx")
        good = zlib.compress(b"blob 10\0content 0\n")
        for content in (
            b"",
            b"junk",
            good[:-6],
            good[:4],
            zlib.compress(b"blob 9\0content 0\n"),
            zlib.compress(b"blob 11\0content 0\n"),
            zlib.compress(b"glob 10\0content 0\n"),
            zlib.compress(b"blob 010\0content 0\n"),
            zlib.compress(b"x" * 100),
            good + b"more",
        ):
            os.chmod(path, 0o644)
            with open(path, "wb") as file:
                file.write(content)
            self.assertIsInstance(self.failure(self.oid), ObjectCorrupt, content)

    def test_another_copy(self):
        """
        An object that is damaged in one place and good in another is read from there.
        """
        git("-C", self.directory.path, "repack", "-adq")
        write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", self.expected[self.oid].data)
        for path in self.packs():
            size = os.path.getsize(path + ".pack")
            self.overwrite(path + ".pack", 12, b"\0" * (size - 12))
        self.assertEqual(self.read(self.oid), self.expected[self.oid])
        shutil.rmtree(os.path.dirname(loose_path(self.directory.objects, self.oid)))
        self.assertIsInstance(self.failure(self.oid), ObjectCorrupt)

    def test_pack_and_index(self):
        """
        A pack or an index that is cut, empty or something else counts as not there, and harms nothing else.
        """
        git("-C", self.directory.path, "repack", "-adq")
        [path] = self.packs()
        extra = write_loose_object(self.directory.objects, ObjectFormat.SHA1, b"blob", b"extra")
        pristine = {suffix: open(path + suffix, "rb").read() for suffix in (".idx", ".pack")}  # noqa: SIM115
        for suffix, content in (
            (".idx", b""),
            (".idx", pristine[".idx"][:500]),
            (".idx", pristine[".idx"][:-40]),
            (".idx", b"\xfftOc\0\0\0\x09" + pristine[".idx"][8:]),
            (".idx", pristine[".idx"][:8] + b"\xff" * 1024 + pristine[".idx"][1032:]),
            (".idx", pristine[".idx"][:8] + b"\xff\0\0\0" * 256 + pristine[".idx"][1032:]),
            (".idx", b"\0" * 1024 + pristine[".idx"][1024:]),
            (".pack", b""),
            (".pack", b"KCAP" + pristine[".pack"][4:]),
            (".pack", pristine[".pack"][:8] + b"\0\0\0\1" + pristine[".pack"][12:]),
        ):
            for other, good in pristine.items():
                os.chmod(path + other, 0o644)
                with open(path + other, "wb") as file:
                    file.write(content if other == suffix else good)
            self.reader = make_reader()
            self.assertIsInstance(self.failure(self.oid), ObjectNotFound, (suffix, content[:20]))
            self.assertEqual(self.read(extra).data, b"extra")

    def test_every_byte(self):
        """
        Whatever single byte of a pack's entries is changed: an object is read right, or is corrupt; nothing else happens.
        """
        directory = make_repository(os.path.abspath(self.mktemp()))
        base = b"".join(b"%d\n" % number for number in range(300))
        oids = [write_loose_object(directory.objects, ObjectFormat.SHA1, b"blob", base + b"x" * number) for number in range(2)]
        contents = dict(zip(oids, (base, base + b"x"), strict=True))
        git("-C", directory.path, "pack-objects", "-q", "objects/pack/pack", stdin=b"\n".join(oids) + b"\n")
        git("-C", directory.path, "prune-packed", "-q")
        [name] = [name for name in os.listdir(directory.objects + "/pack") if name.endswith(".pack")]
        path = os.path.join(directory.objects, "pack", name)
        with open(path, "rb") as file:
            pristine = file.read()
        os.chmod(path, 0o644)
        chance = random.Random(3)
        for position in [*range(12, 40), *range(40, len(pristine) - 20, 5), *range(len(pristine) - 60, len(pristine) - 20)]:
            changed = bytearray(pristine)
            changed[position] ^= 1 << chance.randrange(8)
            with open(path, "wb") as file:
                file.write(changed)
            store = ObjectStore(largest=1 << 20)
            for oid in oids:
                try:
                    found = store.read(directory, oid)
                except (ObjectCorrupt, ObjectTooLarge):
                    continue
                self.assertEqual((found.data, found.type in (b"blob", b"tree", b"commit", b"tag")), (contents[oid], True))
            try:
                store.info(directory, oids)
            except ObjectCorrupt:
                pass

    def test_disk_fails(self):
        """
        A disk that does not read is an error of its own, and nothing is said of whether the object exists.
        """
        os.makedirs(loose_path(self.directory.objects, ObjectID("12" * 20)))
        error = self.failure(ObjectID("12" * 20))
        self.assertIsInstance(error, GitalyError)
        self.assertEqual((error.code, error.message), (Code.UNAVAILABLE, "object database cannot be read"))

    def test_loop(self):
        """
        A chain of deltas without an end is corrupt.
        """
        [cycle] = self.make_cycle()
        self.assertIsInstance(self.failure(cycle), ObjectCorrupt)
        info = self.failureResultOf(Deferred.fromCoroutine(self.reader.info(self.directory, [cycle])))
        info.trap(ObjectCorrupt)

    def make_cycle(self) -> list[ObjectID]:
        oid = "34" * 20
        delta = zlib.compress(b"\x01\x01\x01x")
        entry = bytes([0x74]) + bytes.fromhex(oid) + delta
        pack = b"PACK" + struct.pack(">II", 2, 1) + entry
        pack += hashlib.sha1(pack).digest()
        fanout = b"".join(struct.pack(">I", int(number >= 0x34)) for number in range(256))
        index = b"\xfftOc" + struct.pack(">I", 2) + fanout + bytes.fromhex(oid) + struct.pack(">II", 0, 12)
        index += pack[-20:]
        index += hashlib.sha1(index).digest()
        for suffix, content in ((".pack", pack), (".idx", index)):
            with open(os.path.join(self.directory.objects, "pack", "pack-" + "ab" * 20 + suffix), "wb") as file:
                file.write(content)
        return [ObjectID(oid)]


class CacheTests(SynchronousTestCase):
    """
    The memory that is kept.
    """

    def test_bounded(self):
        """
        What is kept is bounded in bytes; what was used last stays, and large contents are not kept at all.
        """
        cache = ObjectCache(10_000)
        for number in range(100):
            cache.put((1, number), 3, b"x" * 500)
            cache.put((1, number), 3, b"x" * 500)
            self.assertIsNotNone(cache.get((1, 0)))
            self.assertLessEqual(cache.size, 10_000)
        self.assertIsNone(cache.get((1, 50)))
        cache.put((2, 0), 3, b"x" * 2_000)
        self.assertIsNone(cache.get((2, 0)))
