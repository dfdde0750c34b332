"""
Tests for gitaly_tx.git.filesrefs.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.filesrefs import FilesRefs, LockPatience, OtherFormat
from gitaly_tx.git.interfaces import Reference, RefUpdate, Refusal
from gitaly_tx.git.objectid import ObjectID
from tests.contracts import refs
from tests.support.git import git, make_repository
from tests.support.immediate import ImmediatePool, ImmediateReactor

ZERO = refs.ZERO
MAIN = refs.MAIN


def make_refs(clock: ImmediateReactor | None = None, timeout: float = 0.0, stale: float = 10.0) -> FilesRefs:
    """
    Refs that do everything at once, and wait for locks on a clock.
    """
    reactor: Any = clock or ImmediateReactor()
    return FilesRefs(reactor, ImmediatePool(), reactor, patience=LockPatience(timeout, stale))


def for_each_ref(directory: GitDirectory) -> dict[bytes, ObjectID]:
    """
    The refs as git sees them.
    """
    output = git("-C", directory.path, "for-each-ref", "--format=%(objectname) %(refname)")
    return {name: ObjectID(target) for target, name in (line.split(b" ", 1) for line in output.splitlines())}


def litter(directory: GitDirectory) -> list[str]:
    """
    Lock files and temporary files that were left behind.
    """
    found = [os.path.join(parent, name) for parent, _, names in os.walk(directory.path) for name in names]
    return [path for path in found if path.endswith((".lock", ".new"))]


def commits(directory: GitDirectory, count: int) -> list[ObjectID]:
    """
    The ids of the last commits, newest first.
    """
    output = git("-C", directory.path, "rev-list", f"--max-count={count}", "refs/heads/main")
    return [ObjectID(line) for line in output.split()]


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


class Case(SynchronousTestCase):
    """
    A repository with three commits.
    """

    def setUp(self):
        self.clock = ImmediateReactor()
        self.refs = make_refs(self.clock, timeout=1.0)
        self.directory = make_repository(os.path.abspath(self.mktemp()), 3)
        self.one, self.two, self.three = commits(self.directory, 3)

    def do(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def git(self, *words: str, **keywords: Any) -> bytes:
        return git("-C", self.directory.path, *words, **keywords)

    def path(self, name: str) -> str:
        return os.path.join(self.directory.path, name)

    def write(self, name: str, content: bytes) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content)

    def prepare(self, *updates: RefUpdate) -> Any:
        return self.do(self.refs.prepare(self.directory, updates))

    def change(self, *updates: RefUpdate) -> dict[bytes, Refusal]:
        prepared = self.prepare(*updates)
        self.do(prepared.commit())
        self.assertEqual(litter(self.directory), [])
        return {name: refused.why for name, refused in prepared.refused.items()}

    def listed(self) -> dict[bytes, ObjectID]:
        return {reference.name: reference.target for reference in self.do(self.refs.list(self.directory))}

    def read(self, name: bytes) -> Any:
        return self.do(self.refs.read(self.directory, name))


class PackedTests(Case):
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


class SymbolicTests(Case):
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


class BrokenTests(Case):
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


class LockTests(Case):
    """
    Locks of others. (S18)
    """

    def age(self, name: str, seconds: float) -> None:
        status = os.stat(self.path(name))
        os.utime(self.path(name), (status.st_atime - seconds, status.st_mtime - seconds))

    def test_git_is_kept_out(self):
        """
        While an update is prepared, git cannot change the ref, and can change others.
        """
        prepared = self.prepare(RefUpdate(MAIN, self.one, self.two))
        with self.assertRaises(AssertionError):
            self.git("-c", "core.filesRefLockTimeout=0", "update-ref", "refs/heads/main", str(self.three))
        self.git("update-ref", "refs/heads/other", str(self.three))
        self.assertEqual(for_each_ref(self.directory)[MAIN], self.one)
        self.do(prepared.commit())
        self.assertEqual(for_each_ref(self.directory)[MAIN], self.two)

    def test_wait(self):
        """
        A lock that is given back within the timeout was only a delay.
        """
        self.write("refs/heads/main.lock", b"")
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, [RefUpdate(MAIN, None, self.two)]))
        self.clock.pump([0.01] * 50)
        self.assertNoResult(waiting)
        os.unlink(self.path("refs/heads/main.lock"))
        self.clock.advance(0.1)
        self.do(self.successResultOf(waiting).commit())
        self.assertEqual(self.listed(), {MAIN: self.two})

    def test_give_up(self):
        """
        A lock that is young and stays is somebody's: its refs are refused after the timeout, the others are written.
        """
        self.write("refs/heads/main.lock", b"")
        updates = [RefUpdate(MAIN, None, self.two), RefUpdate(b"refs/heads/a", None, self.two)]
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, updates))
        self.clock.pump([0.1] * 11)
        prepared = self.successResultOf(waiting)
        self.assertEqual([refused.why for refused in prepared.refused.values()], [Refusal.LOCKED])
        self.do(prepared.commit())
        self.assertEqual(litter(self.directory), [self.path("refs/heads/main.lock")])
        self.assertEqual(self.listed(), {MAIN: self.one, b"refs/heads/a": self.two})

    def test_stale(self):
        """
        A lock that nobody touched for longer than anybody works is removed after the wait.
        """
        self.git("pack-refs", "--all")
        for name in ("refs/heads/main.lock", "packed-refs.lock", "HEAD.lock"):
            self.write(name, b"")
            self.age(name, 11)
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, [RefUpdate(MAIN, self.one, ZERO)]))
        self.clock.pump([0.1] * 11)
        prepared = self.successResultOf(waiting)
        self.assertEqual(prepared.refused, {})
        self.do(prepared.commit())
        self.assertEqual(self.listed(), {})
        head = Deferred.fromCoroutine(self.refs.set_head(self.directory, b"refs/heads/x"))
        self.clock.pump([0.1] * 11)
        self.successResultOf(head)
        self.assertEqual(litter(self.directory), [])

    def test_busy_packing(self):
        """
        An old packed-refs.lock is somebody's as long as packed-refs.new is being written; deletions are refused, the rest is not.
        """
        self.write("packed-refs.lock", b"")
        self.age("packed-refs.lock", 60)
        self.write("packed-refs.new", b"")
        updates = [RefUpdate(MAIN, None, ZERO), RefUpdate(b"refs/heads/a", None, self.two)]
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, updates))
        self.clock.pump([0.1] * 11)
        prepared = self.successResultOf(waiting)
        self.assertEqual({name: refused.why for name, refused in prepared.refused.items()}, {MAIN: Refusal.LOCKED})
        self.do(prepared.commit())
        self.assertEqual(self.listed(), {MAIN: self.one, b"refs/heads/a": self.two})

    def test_cancelled(self):
        """
        Who gives up waiting leaves no lock behind.
        """
        self.write("refs/heads/main.lock", b"")
        updates = [RefUpdate(b"refs/heads/a/b", None, self.two), RefUpdate(MAIN, None, self.two)]
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, updates))
        self.assertIn(self.path("refs/heads/a/b.lock"), litter(self.directory))
        waiting.cancel()
        self.failureResultOf(waiting).trap(CancelledError)
        self.assertEqual(litter(self.directory), [self.path("refs/heads/main.lock")])
        self.assertFalse(os.path.exists(self.path("refs/heads/a")))

    def test_announce_fails(self):
        """
        If the locks cannot be announced, none is made.
        """

        def announce(paths):
            self.assertEqual(litter(self.directory), [])
            self.assertEqual(
                list(paths), [self.path(name) for name in ("refs/heads/main.lock", "packed-refs.lock", "packed-refs.new")]
            )
            raise OSError("disk full")

        failing = Deferred.fromCoroutine(self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ZERO)], announce))
        self.failureResultOf(failing).trap(OSError)
        self.assertEqual(litter(self.directory), [])

    def test_forced(self):
        """
        Recovery breaks locks however young they are, once it has waited.
        """
        self.write("refs/heads/main.lock", b"")
        self.write("packed-refs.lock", b"")
        updates = [RefUpdate(MAIN, None, ZERO), RefUpdate(b"refs/heads/a", None, self.two)]
        waiting = Deferred.fromCoroutine(self.refs.force(self.directory, updates))
        self.clock.pump([0.1] * 11)
        self.successResultOf(waiting)
        self.assertEqual(self.listed(), {b"refs/heads/a": self.two})
        self.assertEqual(litter(self.directory), [])

    def test_lock_that_cannot_be_broken(self):
        """
        Something that is called a lock and cannot be removed is an error, not an endless wait.
        """
        os.makedirs(self.path("HEAD.lock/x"))
        os.makedirs(self.path("refs/heads/main.lock/x"))
        head = Deferred.fromCoroutine(self.refs.set_head(self.directory, b"refs/heads/x"))
        force = Deferred.fromCoroutine(self.refs.force(self.directory, [RefUpdate(MAIN, None, self.two)]))
        self.clock.pump([0.1] * 11)
        self.assertEqual(str(self.failureResultOf(head).value), "reference is already locked")
        self.assertEqual(str(self.failureResultOf(force).value), "setting reference")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)


NAMES = st.sampled_from(
    [b"a", b"a/b", b"a/b/c", b"a-b", b"A", b"b", b"x/y", "über".encode(), b"\xff\xfe", b"@", b"-x", b"a.b", b"%41", b"a/lock"]
).map(lambda name: b"refs/heads/" + name)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, st.integers(-1, 2), st.integers(-1, 2)),
        st.tuples(st.just("pack"), st.just(b""), st.just(0), st.just(0)),
    ),
    max_size=14,
)


class DifferentialTests(SynchronousTestCase):
    """
    The same updates, by git and by us.
    """

    def setUp(self):
        self.template = make_repository(os.path.abspath(self.mktemp()), 3)
        self.oids = commits(self.template, 3)

    def compare(self, steps: Any) -> None:
        ours, theirs = (GitDirectory(os.path.abspath(self.mktemp())) for _ in range(2))
        for directory in (ours, theirs):
            git("init", "--quiet", "--bare", directory.path)
            with open(os.path.join(directory.path, "objects/info/alternates"), "w") as file:
                file.write(self.template.objects + "\n")
        store = make_refs()
        for kind, name, old, new in steps:
            if kind == "pack":
                git("-C", ours.path, "pack-refs", "--all")
                git("-C", theirs.path, "pack-refs", "--all")
                continue
            before = ZERO if old < 0 else self.oids[old]
            after = ZERO if new < 0 else self.oids[new]
            if before == after == ZERO:
                continue  # git calls that an error, and nobody asks for it
            line = b"update %s\0%s\0%s\0" % (name, after, before)
            ran = subprocess.run(
                ["git", "-C", theirs.path, "update-ref", "--stdin", "-z"], input=line, capture_output=True, check=False
            )
            prepared: Any = self.successResultOf(Deferred.fromCoroutine(store.prepare(ours, [RefUpdate(name, before, after)])))
            self.assertEqual(not prepared.refused, ran.returncode == 0, (prepared.refused, ran.stderr))
            self.successResultOf(Deferred.fromCoroutine(prepared.commit()))
        listed = self.successResultOf(Deferred.fromCoroutine(store.list(ours)))
        self.assertEqual({reference.name: reference.target for reference in listed}, for_each_ref(theirs))
        self.assertEqual(for_each_ref(ours), for_each_ref(theirs))
        self.assertEqual([reference.name for reference in listed], sorted(reference.name for reference in listed))
        self.assertEqual(litter(ours), [])

    @given(STEPS)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def test_same(self, steps):
        """
        Whatever is created, changed, deleted and packed in whatever order, both accept the same and end up with the same.
        """
        self.compare(steps)
