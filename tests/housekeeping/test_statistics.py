"""
What a repository looks like.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.statistics import Pack, Statistics, survey
from tests.support.git import git, make_repository


class SurveyTests(SynchronousTestCase):
    """
    Packs, loose objects and loose refs are counted without git.
    """

    def test_real(self):
        """
        What git made is counted right.
        """
        path = os.path.abspath(self.mktemp())
        make_repository(path, commits=2, refs=["refs/heads/a/b", "refs/tags/v1"])
        git("-C", path, "pack-refs", "--all")
        git("-C", path, "repack", "-adq")
        git("-C", path, "update-ref", "refs/heads/c", "refs/heads/main")
        for content in (b"one", b"two", b"three"):
            git("-C", path, "hash-object", "-w", "--stdin", stdin=content)
        found = survey(path)
        self.assertEqual((len(found.packs), found.loose_objects, found.loose_refs), (1, 3, 1))
        (pack,) = found.packs
        self.assertEqual(pack.size, os.stat(join(path, "objects/pack", f"{pack.name}.pack")).st_size)
        self.assertFalse(pack.pinned)

    def test_odd(self):
        """
        Packs without an index, temporary files and strangers do not count; kept, partial and cruft packs are pinned.
        """
        path = self.mktemp()
        directory = join(path, "objects/pack")
        os.makedirs(directory)
        os.makedirs(join(path, "objects/zz"))
        os.makedirs(join(path, "objects/ab"))
        names = [f"pack-{digit * 40}" for digit in "abcdef"]
        files = [f"{name}.pack" for name in names] + [f"{name}.idx" for name in names[1:]]
        files += [f"{names[2]}.keep", f"{names[3]}.promisor", f"{names[4]}.mtimes", "pack-x.pack", "pack-x.idx", "tmp_pack_1"]
        for file in (*files, "../ab/tmp_obj_1", "../ab/" + "1" * 38, "../zz/" + "1" * 38):
            with open(join(directory, file), "w"):
                pass
        pinned = [Pack(name, 0, name in names[2:5]) for name in names[1:]]
        self.assertEqual(survey(path), Statistics(tuple(pinned), 1, 0))

    def test_vanished(self):
        """
        A repository that is gone has nothing.
        """
        self.assertEqual(survey(self.mktemp()), Statistics((), 0, 0))

    def test_pack_vanishes(self):
        """
        A pack that vanishes while it is looked at is left out.
        """
        path = self.mktemp()
        directory = join(path, "objects/pack")
        os.makedirs(directory)
        name = "pack-" + "a" * 40
        os.symlink("nowhere", join(directory, f"{name}.pack"))
        with open(join(directory, f"{name}.idx"), "w"):
            pass
        self.assertEqual(survey(path).packs, ())
