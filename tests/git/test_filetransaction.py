"""
Tests for gitaly_tx.git.filetransaction and gitaly_tx.git.lockfiles: the locks of others, full disks, and the same updates by git.
"""

from __future__ import annotations

import errno
import os
import subprocess
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import RefUpdate, Refusal
from gitaly_tx.git.refinterfaces import HeadLocked
from tests.contracts import refs
from tests.support.git import git, make_repository
from tests.support.gitrefs import RefsCase, commits, for_each_ref, litter, make_refs

ZERO = refs.ZERO
MAIN = refs.MAIN


class LockTests(RefsCase):
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
        for name in ("refs/heads/main.lock", "packed-refs.lock"):
            self.write(name, b"")
            self.age(name, 11)
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, [RefUpdate(MAIN, self.one, ZERO)]))
        self.clock.pump([0.1] * 11)
        prepared = self.successResultOf(waiting)
        self.assertEqual(prepared.refused, {})
        self.do(prepared.commit())
        self.assertEqual(self.listed(), {})
        self.assertEqual(litter(self.directory), [])

    def test_head(self):
        """
        A lock of HEAD is somebody else's, however old it is: nothing is changed as long as it is there.
        """
        self.write("HEAD.lock", b"")
        self.age("HEAD.lock", 60)
        update = RefUpdate(b"refs/heads/a", None, self.two)
        for refused in (
            self.refs.set_head(self.directory, b"refs/heads/x"),
            self.refs.prepare(self.directory, [update], head=update.name),
        ):
            waiting = Deferred.fromCoroutine(refused)
            self.assertNoResult(waiting)
            self.clock.pump([0.1] * 11)
            self.failureResultOf(waiting, HeadLocked)
        self.assertEqual(litter(self.directory), [self.path("HEAD.lock")])
        self.assertEqual(self.do(self.refs.head(self.directory)), MAIN)
        self.assertEqual(self.listed(), {MAIN: self.one})
        waiting = Deferred.fromCoroutine(self.refs.prepare(self.directory, [update], head=update.name))
        os.unlink(self.path("HEAD.lock"))
        self.clock.pump([0.1] * 2)
        prepared: Any = self.successResultOf(waiting)
        with self.assertRaises(AssertionError):
            self.git("-c", "core.filesRefLockTimeout=0", "symbolic-ref", "HEAD", "refs/heads/b")
        self.do(prepared.commit())
        self.assertEqual(self.do(self.refs.head(self.directory)), update.name)
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

        class Full(refs.Noted):
            def announce(intent, locks):
                self.assertEqual(litter(self.directory), [])
                self.assertEqual(
                    list(locks), [self.path(name) for name in ("refs/heads/main.lock", "packed-refs.lock", "packed-refs.new")]
                )
                raise OSError("disk full")

        failing = Deferred.fromCoroutine(self.refs.prepare(self.directory, [RefUpdate(MAIN, None, ZERO)], Full()))
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
        self.failureResultOf(head, HeadLocked)
        self.assertEqual(str(self.failureResultOf(force).value), "setting reference")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class DiskTests(RefsCase):
    """
    A disk that is full. (S7)
    """

    def out_of_space(self, module: Any, name: str, matching: str) -> None:
        real = getattr(module, name)

        def failing(*arguments, **keywords):
            if any(matching in os.fsdecode(argument) for argument in arguments if isinstance(argument, str | bytes)):
                raise OSError(errno.ENOSPC, "No space left on device", arguments[0])
            return real(*arguments, **keywords)

        self.patch(module, name, failing)

    def test_lock(self):
        """
        A lock that cannot be written is not there; its ref is refused.
        """

        def write(descriptor, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        patched = self.patch(os, "write", write)
        prepared = self.prepare(RefUpdate(MAIN, self.one, self.two), RefUpdate(b"refs/heads/gone", None, ZERO))
        patched.restore()
        self.assertEqual({name: refused.why for name, refused in prepared.refused.items()}, {MAIN: Refusal.UNWRITABLE})
        self.do(prepared.commit())
        self.assertEqual(litter(self.directory), [])
        self.assertEqual(self.listed(), {MAIN: self.one})

    def test_packed_refs(self):
        """
        A packed-refs that cannot be replaced is an error that leaves neither locks nor half a file.
        """
        self.git("pack-refs", "--all")
        prepared = self.prepare(RefUpdate(MAIN, self.one, ZERO))
        self.out_of_space(os, "rename", "packed-refs")
        self.failureResultOf(Deferred.fromCoroutine(prepared.commit())).trap(OSError)
        self.assertEqual(litter(self.directory), [])
        self.assertEqual(self.listed(), {MAIN: self.one})

    def test_head(self):
        """
        A HEAD that cannot be replaced stays what it was.
        """
        prepared = self.do(self.refs.prepare(self.directory, [], head=b"refs/heads/x"))
        self.out_of_space(os, "rename", "HEAD")
        self.failureResultOf(Deferred.fromCoroutine(prepared.commit())).trap(OSError)
        self.failureResultOf(Deferred.fromCoroutine(self.refs.set_head(self.directory, b"refs/heads/x"))).trap(OSError)
        self.assertEqual(litter(self.directory), [])
        self.assertEqual(self.do(self.refs.head(self.directory)), MAIN)

    def test_unlock(self):
        """
        A lock that cannot be removed is logged, and the others are removed.
        """
        prepared = self.prepare(RefUpdate(MAIN, None, self.one), RefUpdate(b"refs/heads/gone", None, ZERO))
        self.out_of_space(os, "unlink", "main.lock")
        self.do(prepared.abort())
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(litter(self.directory), [self.path("refs/heads/main.lock")])

    def test_read(self):
        """
        A ref that the disk does not give is an error, and not a missing ref. (S12)
        """
        self.out_of_space(os, "open", "refs/heads/main")
        self.failureResultOf(Deferred.fromCoroutine(self.refs.read(self.directory, MAIN))).trap(OSError)
        self.failureResultOf(Deferred.fromCoroutine(self.refs.list(self.directory))).trap(OSError)


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
