"""
Tests for gitaly_tx.git.packedrefs.
"""

from __future__ import annotations

import os
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git import packedrefs
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.packedrefs import HEADER, PARSED, WEIGHT, PackedRef, PackedRefs, PackedRefsFiles

ONE = ObjectID("1" * 40)
TWO = ObjectID("2" * 40)

GARBAGE = (
    b"garbage\n",
    b"\n",
    b"^" + ONE + b"\n",
    ONE[:39] + b" refs/heads/05\n",
    b"x" + ONE + b" refs/x\n",
    b"\0" * 200 + b"\n",
)

NAMES = st.sets(st.binary(min_size=1, max_size=6).map(lambda raw: b"refs/heads/" + raw.hex().encode()), max_size=30)


def line(name: bytes, target: ObjectID = ONE, peeled: ObjectID | None = None) -> bytes:
    """
    A line of the file, or two.
    """
    return target + b" " + name + b"\n" + (b"" if peeled is None else b"^" + peeled + b"\n")


def names(refs: PackedRefs, prefix: bytes = b"refs/") -> list[bytes]:
    """
    The names in a file.
    """
    return [ref.name for ref in refs.below(prefix)]


class PackedRefsTests(SynchronousTestCase):
    """
    One file.
    """

    @given(NAMES, NAMES, st.booleans())
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_find(self, present, others, peeled):
        """
        Every ref is found by its name, with its peeled id, and no other name is; they are listed in order.
        """
        content = HEADER + b"".join(line(name, ONE, TWO if peeled and len(name) % 2 else None) for name in sorted(present))
        refs = PackedRefs(content)
        for name in present | others:
            found = refs.find(name)
            self.assertEqual(found is not None, name in present)
            if found is not None:
                self.assertEqual(found, PackedRef(name, ONE, TWO if peeled and len(name) % 2 else None))
        self.assertEqual(names(refs), sorted(present))
        self.assertEqual(names(refs, b"refs/heads/a"), sorted(name for name in present if name.startswith(b"refs/heads/a")))

    @given(NAMES, NAMES)
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_without(self, present, dropped):
        """
        A file without some refs is what it would be if they had never been there.
        """
        content = HEADER + b"".join(line(name, ONE, TWO) for name in sorted(present))
        expected = HEADER + b"".join(line(name, ONE, TWO) for name in sorted(present - dropped))
        refs = PackedRefs(content)
        self.assertEqual(b"".join(refs.without(dropped)), expected)
        self.assertEqual(refs.has_any(dropped), bool(present & dropped))

    def test_remembered(self):
        """
        A name is looked for once, whether it is there or not; so many are remembered, and no more.
        """
        refs = PackedRefs(HEADER + line(b"refs/heads/a"))
        for name in (b"refs/heads/a", b"refs/heads/b"):
            found = refs.find(name)
            with patch.object(PackedRefs, "_locate", side_effect=AssertionError):
                self.assertIs(refs.find(name), found)
        with patch.object(packedrefs, "FOUND", 1):
            refs.find(b"refs/heads/c")
        with patch.object(PackedRefs, "_locate", side_effect=AssertionError), self.assertRaises(AssertionError):
            refs.find(b"refs/heads/a")

    def test_unsorted(self):
        """
        A file that nobody sorted, with or without a header, is read and becomes a sorted one when it is written.
        """
        for header, written in (
            (b"", b"# pack-refs with: sorted \n"),
            (b"# pack-refs with: peeled \n", b"# pack-refs with: peeled sorted \n"),
            (b"# pack-refs with: peeled fully-peeled \n", HEADER),
            (b"# something else\n", b"# pack-refs with: sorted \n"),
        ):
            refs = PackedRefs(header + line(b"refs/b", ONE, TWO) + line(b"refs/c") + line(b"refs/a"))
            self.assertEqual(names(refs), [b"refs/a", b"refs/b", b"refs/c"])
            peeled = TWO if b"fully" in header else None
            self.assertEqual(refs.find(b"refs/b"), PackedRef(b"refs/b", ONE, peeled))
            rest = line(b"refs/a") + line(b"refs/b", ONE, TWO)
            self.assertEqual(b"".join(refs.without([b"refs/c"])), written + rest)

    def test_garbage(self):
        """
        Lines that cannot be read are passed over wherever they are, and the refs around them are there. (S19)
        """
        good = [line(b"refs/heads/%02d" % number) for number in range(20)]
        for bad in GARBAGE:
            for place in (0, 1, 10, 19, 20):
                content = HEADER + b"".join(good[:place]) + bad + b"".join(good[place:])
                for ask in (b"refs/heads/00", b"refs/heads/10", b"refs/heads/19"):
                    self.assertIsNotNone(PackedRefs(content).find(ask), (bad, place, ask))
                refs = PackedRefs(content)
                self.assertEqual(len(names(refs)), 20)
                self.assertIsNone(refs.find(b"refs/x"))

    def test_cut(self):
        """
        A last line without its end is no ref.
        """
        content = HEADER + line(b"refs/a") + line(b"refs/b")[:-1]
        self.assertEqual(names(PackedRefs(content)), [b"refs/a"])
        self.assertEqual(names(PackedRefs(HEADER[:20])), [])
        self.assertEqual(names(PackedRefs(b"")), [])

    def test_broken_names(self):
        """
        Names that no ref can have are left out.
        """
        content = HEADER + line(b"refs/heads/..") + line(b"refs/heads/a")
        self.assertEqual(names(PackedRefs(content)), [b"refs/heads/a"])


class SizeTests(SynchronousTestCase):
    """
    Small files, whose entries are kept, and large ones.
    """

    def test_same(self):
        """
        Both list the same refs, whatever the prefix, and a small one gives the same values again.
        """
        entries = b"".join(line(b"refs/%c/%c" % (first, second)) for first in b"ab~\xff" for second in b"ab\xff")
        padding = b"".join(line(b"refs/\xff\xff/%05d" % number) for number in range(PARSED // 52))
        small, large = PackedRefs(HEADER + entries), PackedRefs(HEADER + entries + padding)
        self.assertGreater(len(large.data), PARSED)
        for prefix in (b"refs/", b"refs/a/", b"refs/b/a", b"refs/~/", b"refs/\xff/", b"refs/c/", b"refs/b/a\xff"):
            expected = [name for name in names(large, prefix) if not name.startswith(b"refs/\xff\xff/")]
            self.assertEqual(names(small, prefix), expected, prefix)
        self.assertIs(next(small.below(b"refs/b/")), next(small.below(b"refs/b/")))
        self.assertEqual(large.weight, len(large.data))
        self.assertEqual(small.weight, WEIGHT * len(small.data))


class FilesTests(SynchronousTestCase):
    """
    The files of many repositories.
    """

    def write(self, *refs: bytes) -> str:
        path = self.mktemp()
        os.mkdir(path)
        self.rewrite(path, *refs)
        return path

    def rewrite(self, path: str, *refs: bytes) -> None:
        with open(os.path.join(path, "packed-refs.new"), "wb") as file:
            file.write(HEADER + b"".join(map(line, refs)))
        os.rename(os.path.join(path, "packed-refs.new"), os.path.join(path, "packed-refs"))

    def later(self) -> int:
        return os.stat(".").st_atime_ns + 10**18

    def test_unchanged(self):
        """
        An old and unchanged file is not read again, as long as there is room for it.
        """
        files = PackedRefsFiles(maximum=3 * WEIGHT * (len(HEADER) + 60), now=self.later)
        paths = [self.write(b"refs/heads/%d" % number) for number in range(4)]
        first = files.read(paths[0])
        self.assertIs(files.read(paths[0]), first)
        for path in paths[1:]:
            files.read(path)
        self.assertIsNot(files.read(paths[0]), first)
        files.forget(paths[0])
        self.assertEqual(names(files.read(paths[0])), [b"refs/heads/0"])

    def test_changed(self):
        """
        A change is seen at once, even one within the same tick of the clock that leaves the size as it was.
        """
        files = PackedRefsFiles()
        path = self.write(b"refs/a")
        for number in range(50):
            self.rewrite(path, b"refs/%d" % (number % 10))
            self.assertEqual(names(files.read(path)), [b"refs/%d" % (number % 10)])
        os.unlink(os.path.join(path, "packed-refs"))
        self.assertEqual(names(files.read(path)), [])

    def test_changed_long_ago(self):
        """
        A file that looks old is read again if nothing but the time of its last change of status differs.
        """
        files = PackedRefsFiles(now=self.later)
        path = self.write(b"refs/a")
        packed = os.path.join(path, "packed-refs")
        self.assertEqual(names(files.read(path)), [b"refs/a"])
        before = os.stat(packed)
        while os.stat(packed).st_ctime_ns == before.st_ctime_ns:
            with open(packed, "r+b") as file:
                file.write(HEADER + line(b"refs/b"))
            os.utime(packed, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(names(files.read(path)), [b"refs/b"])

    def test_disk_fails(self):
        """
        A file that cannot be read is an error, and not an empty one. (S12)
        """
        path = self.mktemp()
        os.makedirs(os.path.join(path, "packed-refs"))
        with self.assertRaises(OSError):
            PackedRefsFiles().read(path)
