"""
What a repository looks like.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.statistics import FULL_REPACK, CommitGraph, Pack, Statistics, packs_in, survey
from tests.support.git import git, make_repository


class SurveyTests(SynchronousTestCase):
    """
    Packs, objects, refs and indices are counted without git.
    """

    def test_real(self) -> None:
        """
        What git made is counted right.
        """
        path = os.path.abspath(self.mktemp())
        make_repository(path, commits=2, refs=["refs/heads/a/b", "refs/tags/v1"])
        git("-C", path, "pack-refs", "--all")
        git("-C", path, "repack", "-adq", "--write-midx")
        git("-C", path, "update-ref", "refs/heads/c", "refs/heads/main")
        for content in (b"one", b"two", b"three"):
            oid = git("-C", path, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
        os.utime(join(path, "objects", oid[:2], oid[2:]), (1, 1))
        found = survey(path, 100.0)
        self.assertEqual((len(found.packs), found.loose_objects, found.stale_objects, found.loose_refs), (1, 3, 1, 1))
        self.assertEqual([survey(path, 100.0, few).stale_objects for few in (2, 3)], [1, 0])
        (pack,) = found.packs
        self.assertEqual(pack.size, os.stat(join(path, "objects/pack", f"{pack.name}.pack")).st_size)
        self.assertTrue(found.index and pack.indexed)
        self.assertFalse(pack.cruft)
        self.assertEqual(found.packed_refs, os.stat(join(path, "packed-refs")).st_size)
        self.assertEqual((found.borrows_since, found.full_repack, found.empty), (None, None, False))
        git("-C", path, "repack", "--cruft", "-dq")
        found = survey(path)
        self.assertEqual(sorted(pack.cruft for pack in found.packs), [False, True])
        self.assertEqual([pack.name for pack in packs_in(join(path, "objects"))], [pack.name for pack in found.packs])

    def test_estimate(self) -> None:
        """
        A few loose objects are estimated where nobody cares; as soon as it may matter all are counted.
        """
        path = self.mktemp()
        for directory in ("40", "41", "c0"):
            os.makedirs(join(path, "objects", directory))
        for number in range(20):
            with open(join(path, "objects", ("40", "41")[number > 8], f"{number:038x}"), "w"):
                pass
        self.assertEqual([survey(path, few=few).loose_objects for few in (0, 255, 256, 1152)], [20, 20, 20, 576])

    def test_nearly_empty(self) -> None:
        """
        One loose object is not none, wherever it lies.
        """
        path = self.mktemp()
        os.makedirs(join(path, "objects", "ab"))
        self.assertTrue(survey(path, few=1024).empty)
        with open(join(path, "objects", "ab", f"{1:038x}"), "w"):
            pass
        self.assertEqual((survey(path, few=1024).loose_objects, survey(path, few=1024).empty), (1, False))

    def test_graph(self) -> None:
        """
        Of a commit-graph it is told whether it is a chain, and whether all of it is good for everything.
        """
        path = os.path.abspath(self.mktemp())
        make_repository(path, commits=2)
        self.assertEqual(survey(path).graph, CommitGraph())
        git("-C", path, "commit-graph", "write", "--reachable", "--changed-paths")
        self.assertEqual(survey(path).graph, CommitGraph(False, True))
        git("-C", path, "commit-graph", "write", "--reachable", "--split=replace", "--changed-paths")
        self.assertEqual(survey(path).graph, CommitGraph(True, True))
        git("-C", path, "commit-graph", "write", "--reachable", "--split=replace", "--no-changed-paths")
        self.assertEqual(survey(path).graph, CommitGraph(True, False))
        (graph,) = [name for name in os.listdir(join(path, "objects/info/commit-graphs")) if name.endswith(".graph")]
        os.unlink(join(path, "objects/info/commit-graphs", graph))
        self.assertEqual(survey(path).graph, CommitGraph())

    def test_borrowing(self) -> None:
        """
        When a repository began to borrow, and when it was packed last, is told by the age of files.
        """
        path = os.path.abspath(self.mktemp())
        make_repository(path)
        for name, age in (("objects/info/alternates", 7), (FULL_REPACK, 8)):
            with open(join(path, name), "w") as file:
                file.write("# nothing\n")
            os.utime(join(path, name), (age, age))
        self.assertEqual((survey(path).borrows_since, survey(path).full_repack), (None, 8.0))
        with open(join(path, "objects/info/alternates"), "w") as file:
            file.write("../../b/objects")
        os.utime(join(path, "objects/info/alternates"), (9, 9))
        self.assertEqual(survey(path).borrows_since, 9.0)

    def test_odd(self) -> None:
        """
        Packs without an index, temporary files, strangers and files that are no indices do not count.
        """
        path = self.mktemp()
        directory = join(path, "objects/pack")
        os.makedirs(directory)
        os.makedirs(join(path, "objects/info/commit-graphs"))
        os.makedirs(join(path, "objects/zz"))
        os.makedirs(join(path, "objects/ab"))
        names = [f"pack-{digit * 40}" for digit in "abc"]
        files = [f"{name}.pack" for name in names] + [f"{name}.idx" for name in names[1:]]
        files += [f"{names[2]}.mtimes", "pack-x.pack", "pack-x.idx", "tmp_pack_1", "multi-pack-index"]
        files += ["../ab/tmp_obj_1", "../ab/" + "1" * 38, "../zz/" + "1" * 38]
        for file in files:
            open(join(directory, file), "w").close()
        for content in (b"", b"\xff", b"MIDX\x01\x01\x00\x00\x00\x00\x00\x01" + bytes(12), b"MIDX\x01\x01\x09\x00" + bytes(4)):
            for name in ("pack/multi-pack-index", "info/commit-graphs/commit-graph-chain", "info/commit-graph"):
                with open(join(path, "objects", name), "wb") as binary:
                    binary.write(content)
            found = survey(path)
            self.assertEqual(found.packs, (Pack(names[1], 0), Pack(names[2], 0, cruft=True)))
            self.assertEqual((found.loose_objects, found.index, found.graph), (1, False, CommitGraph()))

    def test_nothing(self) -> None:
        """
        Where there is nothing, nothing is counted.
        """
        self.assertEqual(survey(self.mktemp()), Statistics())
        self.assertTrue(Statistics().empty)
