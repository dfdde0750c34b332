"""
Tests for gitaly_tx.git.refs: real threads, and other gits at the same time.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from twisted.internet import reactor as trial_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SkipTest, TestCase

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.filesrefs import LockPatience
from gitaly_tx.git.interfaces import IRefs, RefRefused, RefUpdate, Refusal
from gitaly_tx.git.memory import MemoryRefs
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.refs import Refs
from gitaly_tx.warm import Warm
from tests.contracts import refs
from tests.support.git import git, make_git, make_repository, program
from tests.support.gitrefs import commits, for_each_ref, litter

reactor: Any = trial_reactor
MAIN = refs.MAIN
ZERO = refs.ZERO


class ThreadedCase(TestCase):
    """
    Has a pool of real threads.
    """

    def setUp(self):
        self.pool = ThreadPool(2, 4)
        self.pool.start()
        self.addCleanup(self.pool.stop)
        self.refs: IRefs = Refs(reactor, self.pool, reactor, make_git(), patience=LockPatience(timeout=2.0))

    def in_thread(self, function: Any, *arguments: Any) -> Deferred[Any]:
        return deferToThreadPool(reactor, self.pool, function, *arguments)


class RefsTests(refs.RefsContract, ThreadedCase):
    """
    The facade keeps the contract for repositories with refs in files.
    """

    def setUp(self):
        ThreadedCase.setUp(self)
        self.refs = self.facade = Refs(reactor, self.pool, reactor, make_git(), patience=LockPatience(timeout=0.0))
        self.directory = make_repository(os.path.abspath(self.mktemp()))
        refs.write_commits(self.directory)

    def test_forget(self):
        """
        What is kept of a repository can be dropped, whether there is anything or not.
        """
        for _ in range(2):
            self.facade.forget(self.directory)


class OtherFormatTests(refs.RefsContract, ThreadedCase):
    """
    The facade hands everything to whoever knows the format that the config file names.
    """

    def setUp(self):
        ThreadedCase.setUp(self)
        self.directory = make_repository(os.path.abspath(self.mktemp()))
        git("-C", self.directory.path, "config", "core.repositoryformatversion", "1")
        git("-C", self.directory.path, "config", "extensions.refstorage", "reftable")
        facade = Refs(reactor, self.pool, reactor, make_git())
        facade._reftable = MemoryRefs()  # type: ignore[assignment]
        self.refs = facade


class ReftableTests(refs.RefsContract, ThreadedCase):
    """
    The facade keeps the contract for repositories with a reftable.
    """

    def setUp(self):
        if not program().supports_reftable():
            raise SkipTest("this git does not know the reftable format")
        ThreadedCase.setUp(self)
        self.directory = GitDirectory(os.path.abspath(self.mktemp()))
        git("init", "--quiet", "--bare", "--initial-branch=main", "--ref-format=reftable", self.directory.path)
        refs.write_commits(self.directory)


class RacingTests(ThreadedCase):
    """
    Other gits write to the same repository.
    """

    def setUp(self):
        ThreadedCase.setUp(self)
        self.directory = make_repository(os.path.abspath(self.mktemp()), 31)
        self.oids = list(reversed(commits(self.directory, 31)))
        self.running = True

    def git(self, *words: str) -> int:
        # Without this setting git looks into packed-refs before it has locked the ref, to see whether an id is the name of a ref,
        # too; and under the lock it takes the file for the same if inode, size and the second of its last change are the same. If
        # the file was replaced twice in between, they are: then git itself makes an update undone.
        command = ["git", "-c", "core.warnAmbiguousRefs=false", "-C", self.directory.path, *words]
        return subprocess.run(command, capture_output=True, check=False, env={"PATH": os.environ["PATH"]}).returncode

    def _step_by_git(self) -> int:
        made = 0
        while (now := self.oids.index(for_each_ref(self.directory)[MAIN])) < 30:
            made += self.git("update-ref", "refs/heads/main", str(self.oids[now + 1]), str(self.oids[now])) == 0
        return made

    async def _step_by_us(self) -> int:
        made = 0
        while True:
            found = await self.refs.read(self.directory, MAIN)
            assert found is not None
            now = self.oids.index(found.target)
            if now == 30:
                return made
            prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, self.oids[now], self.oids[now + 1])])
            await prepared.commit()
            made += not prepared.refused

    def _pack(self) -> None:
        while self.running:
            self.git("pack-refs", "--all")

    async def test_no_lost_update(self):
        """
        Two gits, we, and one that packs all the time: every step of a ref is made by exactly one of them.
        """
        git("-C", self.directory.path, "update-ref", "refs/heads/main", str(self.oids[0]))
        packing = self.in_thread(self._pack)
        stepping = [self.in_thread(self._step_by_git), Deferred.fromCoroutine(self._step_by_us())]
        try:
            made = await gatherResults(stepping)
        finally:
            self.running = False
            await packing
        self.assertEqual(sum(made), 30)
        self.assertEqual(for_each_ref(self.directory)[MAIN], self.oids[30])
        self.assertEqual(litter(self.directory), [])

    async def test_packed_again_and_again(self):
        """
        A ``packed-refs`` that has the inode, the size and the times of the one that was read, and another value, is read again
        under the lock.
        """
        path = os.path.join(self.directory.path, "packed-refs")
        self.git("update-ref", "refs/heads/main", str(self.oids[0]))
        self.git("pack-refs", "--all")
        for now in range(3):
            found = await self.refs.read(self.directory, MAIN)
            assert found is not None
            self.assertEqual(found.target, self.oids[now])
            before = os.stat(path)
            with open(path, "r+b") as file:
                changed = file.read().replace(self.oids[now], self.oids[now + 1])
                file.seek(0)
                file.write(changed)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self.assertEqual(os.stat(path)[:9], before[:9])
            prepared = await self.refs.prepare(self.directory, [RefUpdate(MAIN, self.oids[now], self.oids[9])])
            await prepared.commit()
            self.assertEqual(prepared.refused, {MAIN: RefRefused(MAIN, Refusal.STALE, self.oids[now + 1])})

    def _come_and_go(self) -> None:
        while self.running:
            self.git("update-ref", "refs/heads/d/e/theirs", str(self.oids[0]))
            self.git("update-ref", "-d", "refs/heads/d/e/theirs")

    async def test_directories_come_and_go(self):
        """
        A ref is made although another git removes its directory as soon as that is empty, and packs refs meanwhile.
        """
        others = [self.in_thread(self._come_and_go), self.in_thread(self._pack)]
        name = b"refs/heads/d/e/ours"
        refused: list[Refusal] = []
        try:
            for turn in range(25):
                # Another value each time: git takes a ref that was made anew with the same value for the one that it packed.
                value = self.oids[turn]
                for old, new in ((ZERO, value), (value, ZERO)):
                    prepared = await self.refs.prepare(self.directory, [RefUpdate(name, old, new)])
                    refused.extend(refusal.why for refusal in prepared.refused.values())
                    await prepared.commit()
                    found = await self.refs.read(self.directory, name)
                    self.assertEqual(ZERO if found is None else found.target, new)
        finally:
            self.running = False
            await gatherResults(others)
        self.assertEqual(refused, [])
        self.assertEqual(litter(self.directory), [])

    async def test_many(self):
        """
        Thousands of refs are made, listed and deleted in one batch each.
        """
        names = [b"refs/pull/%d/head" % number for number in range(1000)]
        for _ in range(2):
            prepared = await self.refs.prepare(self.directory, [RefUpdate(name, ZERO, self.oids[0]) for name in names])
            self.assertEqual(prepared.refused, {})
            await prepared.commit()
            listed = await self.refs.list(self.directory, [b"refs/pull/"])
            self.assertEqual([reference.name for reference in listed], sorted(names))
            self.git("pack-refs", "--all")
            self.assertEqual(await self.refs.list(self.directory, [b"refs/pull/"]), listed)
            prepared = await self.refs.prepare(self.directory, [RefUpdate(name, self.oids[0], ZERO) for name in names])
            await prepared.commit()
        self.assertEqual(for_each_ref(self.directory), {MAIN: self.oids[30]})

    async def test_sha256(self):
        """
        A sha256 repository has longer ids, and only those.
        """
        directory = make_repository(os.path.abspath(self.mktemp()), 2, object_format="sha256")
        one, two = (ObjectID(line) for line in git("-C", directory.path, "rev-list", "refs/heads/main").split())
        prepared = await self.refs.prepare(directory, [RefUpdate(MAIN, one, two), RefUpdate(b"refs/tags/x", None, refs.ONE)])
        self.assertEqual(
            {name: refused.why for name, refused in prepared.refused.items()}, {b"refs/tags/x": Refusal.MISSING_OBJECT}
        )
        await prepared.commit()
        git("-C", directory.path, "pack-refs", "--all")
        found = await self.refs.list(directory)
        self.assertEqual([reference.target for reference in found], [two])


class WarmRefsTests(RefsTests):
    """
    So does it if single refs are looked at in the reactor's thread.
    """

    def setUp(self):
        RefsTests.setUp(self)
        warm = Warm()
        warm.trust("/")
        self.refs = self.facade = Refs(reactor, self.pool, reactor, make_git(), patience=LockPatience(timeout=0.0), warm=warm)

    async def test_seen_at_once(self):
        """
        A ref that somebody else's git moves, packs or removes is seen at the next look.
        """
        name = b"refs/heads/seen"
        first, second = refs.ONE.decode(), refs.TWO.decode()
        for command in (
            ("update-ref", "refs/heads/seen", first),
            ("pack-refs", "--all"),
            ("update-ref", "refs/heads/seen", second),
            ("symbolic-ref", "refs/heads/seen", "refs/heads/none"),
            ("symbolic-ref", "--delete", "refs/heads/seen"),
            ("update-ref", "-d", "refs/heads/seen"),
        ):
            git("-C", self.directory.path, *command)
            shown = git("-C", self.directory.path, "rev-parse", "--verify", "--quiet", "refs/heads/seen", check=False).strip()
            for _ in range(2):
                found = await self.refs.read(self.directory, name)
                self.assertEqual(b"" if found is None else found.target, shown)
