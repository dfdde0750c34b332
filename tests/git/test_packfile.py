"""
Tests for gitaly_tx.git.packfile and gitaly_tx.git.packindex: packs that no git would write.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Mapping
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import packfile
from gitaly_tx.git.packfile import ObjectCache, Pack, TooLarge
from gitaly_tx.git.packindex import Damaged, PackIndex

BASE, OTHER = b"\x11" * 20, b"\x22" * 20


def entry(type: int, size: int, payload: bytes, base: bytes = b"") -> bytes:
    """
    An entry of a pack.

    :param size: what the header says.
    :param base: the encoded base of a delta.
    """
    header = bytearray([(type << 4) | (size & 15) | (0x80 if size > 15 else 0)])
    size >>= 4
    while size:
        header.append((size & 0x7F) | (0x80 if size > 0x7F else 0))
        size >>= 7
    return bytes(header) + base + zlib.compress(payload)


def number(value: int) -> bytes:
    """
    A size as it stands at the beginning of a delta.
    """
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def index_of(offsets: Mapping[bytes, int], large: tuple[int, ...] = ()) -> bytes:
    """
    An index of version 2.
    """
    oids = sorted(offsets)
    fanout = [sum(oid[0] <= first for oid in oids) for first in range(256)]
    content = b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + b"".join(oids) + bytes(4 * len(oids))
    content += b"".join(struct.pack(">I", offsets[oid]) for oid in oids)
    return content + b"".join(struct.pack(">Q", offset) for offset in large) + bytes(40)


class Case(SynchronousTestCase):
    """
    Writes packs as they come.
    """

    def setUp(self):
        self.path = os.path.abspath(self.mktemp())

    def pack(self, *entries: tuple[bytes, bytes], rest: bytes = b"", largest: int = 1 << 20) -> Pack:
        content = b"PACK" + struct.pack(">II", 2, len(entries))
        offsets = {}
        for oid, raw in entries:
            offsets[oid] = len(content)
            content += raw
        content += rest
        for suffix, written in ((".pack", content + hashlib.sha1(content).digest()), (".idx", index_of(offsets))):
            with open(self.path + suffix, "wb") as file:
                file.write(written)
        return Pack(self.path, ObjectCache(1 << 20), largest)

    def read(self, pack: Pack, oid: bytes) -> tuple[bytes, bytes]:
        offset = pack.index.find(oid)
        assert offset is not None
        size, info, found = pack.size(offset), pack.info(offset), pack.read(offset)
        self.assertEqual((info, size, pack.size(offset)), ((found[0], len(found[1])), len(found[1]), len(found[1])))
        return found


class PackTests(Case):
    """
    Entries.
    """

    def delta(self, delta: bytes, base: bytes = BASE) -> Pack:
        return self.pack((BASE, entry(3, 5, b"hello")), (OTHER, entry(7, len(delta), delta, base)))

    def test_good(self):
        """
        The packs that these tests write are read, if nothing is wrong with them.
        """
        pack = self.delta(number(5) + number(9) + b"\x90\x05\x04, ok")
        self.assertEqual(self.read(pack, OTHER), (b"blob", b"hello, ok"))
        large = bytes(range(256)) * 3000
        pack = self.pack((BASE, entry(3, len(large), large)))
        self.assertEqual(self.read(pack, BASE), (b"blob", large))

    def test_info_remembered(self):
        """
        What an object is, is found out once; so many are remembered, and no more.
        """
        pack = self.delta(number(5) + number(9) + b"\x90\x05\x04, ok")
        offset = pack.index.find(OTHER)
        assert offset is not None
        self.assertEqual(pack.info(offset), (b"blob", 9))
        with patch.object(pack, "entry", side_effect=AssertionError):
            self.assertEqual(pack.info(offset), (b"blob", 9))
            with patch.object(packfile, "_INFOS", 1), self.assertRaises(AssertionError):
                pack.info(12)
        with patch.object(packfile, "_INFOS", 1):
            pack.info(12)
        with patch.object(pack, "entry", side_effect=AssertionError), self.assertRaises(AssertionError):
            pack.info(offset)

    def test_damaged_deltas(self):
        """
        A delta that does not fit, or whose instructions make no sense, is damaged.
        """
        for delta in (
            number(6) + number(9) + b"\x90\x05\x04, ok",
            number(5) + number(10) + b"\x90\x05\x04, ok",
            number(5) + number(9) + b"\x90\x06\x04, ok",
            number(5) + number(9) + b"\x90\x05\x09, ok",
            number(5) + number(9) + b"\x00",
            number(5) + number(9),
            number(5) + number(1 << 70),
            number(5),
            b"",
        ):
            pack = self.delta(delta)
            offset = pack.index.find(OTHER)
            assert offset is not None
            with self.assertRaises(Damaged):
                pack.read(offset)
            if delta in (b"", number(5)):
                with self.assertRaises(Damaged):
                    pack.info(offset)
        with self.assertRaises(Damaged):
            self.read(self.delta(number(5) + number(5) + b"\x90\x05", b"\x33" * 20), OTHER)

    def test_huge_results(self):
        """
        A few bytes that claim to be a huge object are refused before any memory is taken for it. (152–155)
        """
        pack = self.delta(number(5) + number(1 << 60) + b"\x90\x05")
        offset = pack.index.find(OTHER)
        assert offset is not None
        self.assertEqual(pack.info(offset), (b"blob", 1 << 60))
        with self.assertRaises(TooLarge) as raised:
            pack.read(offset)
        self.assertEqual(raised.exception.size, 1 << 60)
        pack = self.pack((BASE, entry(3, 1 << 40, b"hello")))
        with self.assertRaises(TooLarge):
            pack.read(12)
        bomb = self.pack((BASE, entry(3, 100, bytes(1 << 24))))
        with self.assertRaises(Damaged):
            bomb.read(12)

    def test_damaged_entries(self):
        """
        Headers and data that end early, bases before the beginning, and types that there are none of are damaged.
        """
        for raw in (
            entry(0, 5, b"hello"),
            entry(5, 5, b"hello"),
            entry(6, 5, b"hello", b"\x00"),
            entry(6, 5, b"hello", b"\x01"),
            entry(6, 5, b"hello", b"\xff\xff\xff\x7f"),
            entry(3, 6, b"hello"),
            entry(3, 4, b"hello"),
            entry(3, 5, b"hello")[:-4],
            b"\x35junk",
            b"\xb5" + b"\xff" * 30,
        ):
            pack = self.pack((BASE, raw))
            with self.assertRaises(Damaged, msg=raw):
                pack.read(12)
        for offset in (0, 11, 1 << 40):
            with self.assertRaises(Damaged):
                pack.entry(offset)

    def test_damaged_delta_header(self):
        """
        A delta whose data is no deflated data has no size.
        """
        raw = bytes([0x75]) + BASE + b"junk"
        pack = self.pack((BASE, entry(3, 5, b"hello")), (OTHER, raw))
        offset = pack.index.find(OTHER)
        assert offset is not None
        with self.assertRaises(Damaged):
            pack.info(offset)

    def test_long_header(self):
        """
        A header that never ends is damaged.
        """
        pack = self.pack((BASE, b"\xb0" + b"\x80" * 5000))
        with self.assertRaises(Damaged):
            pack.entry(12)


class IndexTests(Case):
    """
    Indices.
    """

    def index(self, content: bytes) -> PackIndex:
        with open(self.path, "wb") as file:
            file.write(content)
        return PackIndex(self.path)

    def test_uneven(self):
        """
        Ids that are not evenly spread at all are found as well, and others are not.
        """
        for tail in (0, 0xFFFFFFFF, 0x7FFFFFFF):
            oids = [struct.pack(">BIQI", 7, tail, 0, number) + b"\0\0\0" for number in range(5000)]
            oids += [struct.pack(">BIQI", 7, 1 << 31, 0, number) + b"\0\0\0" for number in range(10)]
            offsets = {oid: place + 12 for place, oid in enumerate(oids)}
            index = self.index(index_of(offsets))
            for oid in oids[::37] + oids[-10:]:
                self.assertEqual(index.find(oid), offsets[oid])
            for oid in (b"\7" + bytes(18) + b"\1", b"\7" + b"\xff" * 19, oids[2500][:-1] + b"\1", b"\6" * 20, bytes(32)):
                self.assertIsNone(index.find(oid))

    def test_inside_others(self):
        """
        Bytes of an id that appear across two others are not taken for one.
        """
        first = b"\7" + bytes(9) + b"\7" * 10
        second = b"\7" * 10 + b"\x08" * 10
        wanted = b"\7" * 20
        self.assertIsNone(self.index(index_of({first: 12, second: 13})).find(wanted))
        self.assertEqual(self.index(index_of({first: 12, second: 13, wanted: 14})).find(wanted), 14)

    def test_large_offsets(self):
        """
        Offsets beyond two gigabytes are in a table of their own, and must be in it.
        """
        index = self.index(index_of({BASE: 0x80000000, OTHER: 0x80000005}, (1 << 40,)))
        self.assertEqual(index.find(BASE), 1 << 40)

    def test_cut_meanwhile(self):
        """
        An index that is cut while it is open is damaged, wherever the cut is.
        """
        content = index_of({BASE: 0x80000000, OTHER: 13}, (1 << 40,))
        for length in (1032, 1032 + 40 + 8, 1032 + 40 + 8 + 8):
            index = self.index(content)
            os.truncate(self.path, length)
            with self.assertRaises(Damaged):
                index.find(BASE)

    def test_out_of_order(self):
        """
        A table of counts that goes down is damaged.
        """
        content = bytearray(index_of({BASE: 12, OTHER: 13}))
        content[8:12] = struct.pack(">I", 9)
        with self.assertRaises(Damaged):
            self.index(bytes(content))
