"""
Tests for gitaly_tx.git.filesrefs.
"""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.git.filesrefs import OtherFormat
from gitaly_tx.git.interfaces import Reference, RefUpdate, Refusal
from tests.contracts import refs
from tests.support.git import make_repository
from tests.support.gitrefs import RefsCase, for_each_ref, litter, make_refs

ZERO = refs.ZERO
MAIN = refs.MAIN


class FilesRefsTests(refs.RefsContract, TestCase):
    """
    Refs in files keep the contract.
    """

    def setUp(self):
        self.refs = make_refs()
        self.directory = make_repository(os.path.abspath(self.mktemp()))

    def tearDown(self):
        if "test_force" not in self.id():
            self.assertEqual(litter(self.directory), [])


class PackedTests(RefsCase):
    """
    Refs in packed-refs, and what is loose beside it.
    """

    def test_packed_and_loose(self):
        """
        A loose ref wins over a packed one of the same name, and git agrees.
        """
        self.change(*[RefUpdate(b"refs/heads/b%d" % number, None, self.one) for number in range(20)])
        self.git("pack-refs", "--all")
        self.assertEqual(os.listdir(self.path("refs/heads")), [])
        self.change(RefUpdate(b"refs/heads/b3", self.one, self.two), RefUpdate(b"refs/heads/c", ZERO, self.three))
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        self.assertEqual(self.listed()[b"refs/heads/b3"], self.two)
        self.assertEqual(self.read(b"refs/heads/b19"), Reference(b"refs/heads/b19", self.one))
        self.assertIsNone(self.read(b"refs/heads/b2x"))

    def test_delete_packed(self):
        """
        Deleting takes refs out of packed-refs and away from disk; everything else in the file stays, peeled ids included.
        """
        self.git("tag", "-m", "x", "annotated", "main")
        self.change(*[RefUpdate(b"refs/heads/b/%d" % number, None, self.one) for number in range(20)])
        self.git("pack-refs", "--all")
        self.change(RefUpdate(b"refs/heads/b/3", self.one, self.two))
        self.assertEqual(self.change(*[RefUpdate(b"refs/heads/b/%d" % number, None, ZERO) for number in range(1, 19)]), {})
        self.assertEqual(sorted(self.listed()), [b"refs/heads/b/0", b"refs/heads/b/19", MAIN, b"refs/tags/annotated"])
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        with open(self.path("packed-refs"), "rb") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], b"# pack-refs with: peeled fully-peeled sorted ")
        self.assertEqual(len(lines), 1 + 4 + 1)
        self.assertFalse(os.path.exists(self.path("refs/heads/b")))
        self.assertTrue(os.path.exists(self.path("refs/heads")))

    def test_peeled(self):
        """
        What a tag stands for is told where packed-refs says it.
        """
        self.git("tag", "-m", "x", "annotated", "main")
        self.assertIsNone(self.read(b"refs/tags/annotated").peeled)
        self.git("pack-refs", "--all")
        self.assertEqual(self.read(b"refs/tags/annotated").peeled, self.one)
        self.assertEqual([reference.peeled for reference in self.do(self.refs.list(self.directory))], [None, self.one])

    def test_packed_conflicts(self):
        """
        Packed refs exclude names above and below theirs.
        """
        self.change(RefUpdate(b"refs/heads/a/b", None, self.one))
        self.git("pack-refs", "--all")
        for name in (b"refs/heads/a", b"refs/heads/a/b/c"):
            prepared = self.prepare(RefUpdate(name, None, self.one))
            self.assertEqual((prepared.refused[name].why, prepared.refused[name].other), (Refusal.CONFLICT, b"refs/heads/a/b"))
            self.do(prepared.abort())
        self.assertFalse(os.path.exists(self.path("refs/heads/a")))

    def test_seen_at_once(self):
        """
        Whatever another git packs or writes is seen by the next look.
        """
        for number in range(8):
            self.git("update-ref", f"refs/heads/n{number}", str(self.one))
            self.git("pack-refs", "--all")
            self.assertEqual(self.listed(), for_each_ref(self.directory))
            self.git("update-ref", "-d", f"refs/heads/n{number - 1}")
            self.assertEqual(self.listed(), for_each_ref(self.directory))

    def test_packed_lock(self):
        """
        While a deletion is prepared no other git can pack refs, so it cannot bring the ref back.
        """
        prepared = self.prepare(RefUpdate(MAIN, self.one, ZERO))
        with self.assertRaises(AssertionError):
            self.git("-c", "core.packedRefsTimeout=0", "pack-refs", "--all")
        self.do(prepared.commit())
        self.git("pack-refs", "--all")
        self.assertEqual(for_each_ref(self.directory), {})

    def test_new_file_left_behind(self):
        """
        A packed-refs.new that a crash left behind is replaced.
        """
        self.git("pack-refs", "--all")
        self.write("packed-refs.new", b"half")
        self.assertEqual(self.change(RefUpdate(MAIN, self.one, ZERO)), {})
        self.assertEqual(self.listed(), {})


class SymbolicTests(RefsCase):
    """
    Refs that are names for others.
    """

    def test_written_through(self):
        """
        An update of a symbolic ref changes the ref it is a name for, and so does a deletion.
        """
        self.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        self.assertEqual(self.read(b"refs/heads/alias"), Reference(b"refs/heads/alias", self.one, MAIN))
        self.assertEqual(self.do(self.refs.list(self.directory))[0], Reference(b"refs/heads/alias", self.one, MAIN))
        self.assertEqual(self.change(RefUpdate(b"refs/heads/alias", self.two, self.three)), {b"refs/heads/alias": Refusal.STALE})
        self.assertEqual(self.change(RefUpdate(b"refs/heads/alias", self.one, self.two)), {})
        self.assertEqual(self.listed(), {MAIN: self.two, b"refs/heads/alias": self.two})
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        self.assertEqual(self.change(RefUpdate(b"refs/heads/alias", self.two, ZERO)), {})
        self.assertEqual(self.listed(), {})
        self.assertEqual(self.git("symbolic-ref", "refs/heads/alias"), b"refs/heads/main\n")
        self.assertEqual(self.change(RefUpdate(b"refs/heads/alias", ZERO, self.three)), {})
        self.assertEqual(self.listed(), for_each_ref(self.directory))

    def test_itself(self):
        """
        A symbolic ref can be changed itself: replaced, or deleted, also if it leads nowhere. Its value cannot be compared.
        """
        for name, target in (("alias", "main"), ("other", "main"), ("nowhere", "none")):
            self.git("symbolic-ref", f"refs/heads/{name}", f"refs/heads/{target}")
        stale = self.change(RefUpdate(b"refs/heads/alias", self.one, ZERO, follow=False))
        self.assertEqual(stale, {b"refs/heads/alias": Refusal.STALE})
        updates = [
            RefUpdate(b"refs/heads/alias", None, ZERO, follow=False),
            RefUpdate(b"refs/heads/nowhere", None, ZERO, follow=False),
            RefUpdate(b"refs/heads/other", None, self.two, follow=False),
            RefUpdate(MAIN, None, self.three, follow=False),
        ]
        prepared = self.prepare(*updates)
        self.assertEqual((prepared.refused, prepared.before), ({}, {MAIN: self.one}))
        self.do(prepared.commit())
        self.assertEqual(self.listed(), {MAIN: self.three, b"refs/heads/other": self.two})
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        self.assertEqual(litter(self.directory), [])

    def test_both_names(self):
        """
        A ref that one batch names twice, once by another name, is changed by its own name only.
        """
        self.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        found = self.change(RefUpdate(b"refs/heads/alias", None, self.two), RefUpdate(MAIN, None, self.three))
        self.assertEqual(found, {b"refs/heads/alias": Refusal.STALE})
        self.assertEqual(self.read(MAIN).target, self.three)

    def test_depth(self):
        """
        Names for names are followed as far as git follows them.
        """
        self.git("symbolic-ref", "refs/heads/s1", "refs/heads/main")
        for number in range(2, 7):
            self.git("symbolic-ref", f"refs/heads/s{number}", f"refs/heads/s{number - 1}")
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        self.assertEqual(self.read(b"refs/heads/s4"), Reference(b"refs/heads/s4", self.one, MAIN))
        self.assertIsNone(self.read(b"refs/heads/s5"))
        self.assertEqual(self.change(RefUpdate(b"refs/heads/s6", None, self.two)), {b"refs/heads/s6": Refusal.STALE})

    def test_loop(self):
        """
        A name for itself leads nowhere and can be neither read nor written.
        """
        self.write("refs/heads/x", b"ref: refs/heads/y\n")
        self.write("refs/heads/y", b"ref: refs/heads/x\n")
        self.assertIsNone(self.read(b"refs/heads/x"))
        self.assertEqual(self.change(RefUpdate(b"refs/heads/x", None, self.two)), {b"refs/heads/x": Refusal.STALE})
        self.assertEqual(list(self.listed()), [MAIN])

    def test_detached_head(self):
        """
        A HEAD that holds an id is a name for no ref.
        """
        self.write("HEAD", self.two + b"\n")
        self.assertIsNone(self.do(self.refs.head(self.directory)))
        self.assertEqual(self.read(b"HEAD"), Reference(b"HEAD", self.two))

    def test_links(self):
        """
        A symbolic link is a name for a ref if it leads to one by name; it is never followed elsewhere.
        """
        os.unlink(self.path("HEAD"))
        os.symlink("refs/heads/main", self.path("HEAD"))
        os.symlink("../../HEAD", self.path("refs/heads/escape"))
        self.assertEqual(self.do(self.refs.head(self.directory)), MAIN)
        self.assertIsNone(self.read(b"refs/heads/escape"))
        self.do(self.refs.set_head(self.directory, b"refs/heads/other"))
        self.assertFalse(os.path.islink(self.path("HEAD")))
        self.assertEqual(self.do(self.refs.head(self.directory)), b"refs/heads/other")


class BrokenTests(RefsCase):
    """
    Files that no git would have written. (S19)
    """

    def test_broken_refs(self):
        """
        Refs that cannot be read are left out, and the others are there.
        """
        for number, content in enumerate([b"", b"junk\n", self.one[:39], ZERO + b"\n", b"ref: ../../x\n", b"ref:\n"]):
            self.write(f"refs/heads/broken{number}", content)
            self.assertIsNone(self.read(b"refs/heads/broken%d" % number))
        self.write("refs/heads/bad..name", self.one + b"\n")
        self.write("refs/heads/.hidden", self.one + b"\n")
        os.mkfifo(self.path("refs/heads/fifo"))
        self.assertEqual(self.listed(), {MAIN: self.one})

    def test_mended(self):
        """
        A broken ref is replaced or removed by a writer who does not care what it was, and by no other.
        """
        self.write("refs/heads/broken", b"")
        name = b"refs/heads/broken"
        self.assertEqual(self.change(RefUpdate(name, ZERO, self.one)), {name: Refusal.STALE})
        self.assertEqual(self.change(RefUpdate(name, None, self.one)), {})
        self.assertEqual(self.read(name).target, self.one)
        self.write("refs/heads/broken", b"")
        self.assertEqual(self.change(RefUpdate(name, None, ZERO)), {})
        self.assertFalse(os.path.exists(self.path("refs/heads/broken")))

    def test_directory_in_the_way(self):
        """
        Empty directories make room for a ref; a stray file in one does not, and the error leaves no lock.
        """
        os.makedirs(self.path("refs/heads/a/b/c"))
        self.assertEqual(self.change(RefUpdate(b"refs/heads/a", ZERO, self.one)), {})
        self.assertEqual(self.listed(), for_each_ref(self.directory))
        self.write("refs/heads/z/.stray", b"")
        prepared = self.prepare(RefUpdate(b"refs/heads/z", ZERO, self.one), RefUpdate(b"refs/heads/zz", ZERO, self.one))
        failure = self.failureResultOf(Deferred.fromCoroutine(prepared.commit()))
        failure.trap(OSError)
        self.assertEqual(litter(self.directory), [])

    def test_missing_head(self):
        """
        Without a HEAD there is nothing to say of it, and it can be made.
        """
        os.unlink(self.path("HEAD"))
        self.assertIsNone(self.do(self.refs.head(self.directory)))
        self.do(self.refs.set_head(self.directory, MAIN))
        self.assertEqual(self.read(b"HEAD").target, self.one)

    def test_name_too_long(self):
        """
        A name that the file system does not take is refused; the others are written.
        """
        long = b"refs/heads/" + b"x" * 255
        self.assertEqual(
            self.change(RefUpdate(long, None, self.one), RefUpdate(MAIN, None, self.two)), {long: Refusal.UNWRITABLE}
        )
        self.assertEqual(self.listed(), {MAIN: self.two})
        failure = self.failureResultOf(Deferred.fromCoroutine(self.refs.force(self.directory, [RefUpdate(long, None, self.one)])))
        failure.trap(OSError)

    def test_other_format(self):
        """
        A repository whose refs are elsewhere is left alone.
        """
        self.git("config", "core.repositoryformatversion", "1")
        self.git("config", "extensions.refstorage", "reftable")
        failure = self.failureResultOf(Deferred.fromCoroutine(self.refs.read(self.directory, MAIN)))
        failure.trap(OtherFormat)
