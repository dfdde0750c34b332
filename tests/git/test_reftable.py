"""
Tests for gitaly_tx.git.reftable.

The class runs git and never looks at the format's files, so any git and any repository do for most of what it promises.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Ended, Reference, RefUpdate, Refusal
from gitaly_tx.git.reftable import ReftableRefs, UpdateRefFailed, instructions
from gitaly_tx.streams import StreamBroken
from tests.contracts import refs
from tests.support.git import make_git, make_repository

MAIN = refs.MAIN


async def at_once(function: Any, *arguments: Any) -> None:
    """
    Stands in for a thread.
    """
    function(*arguments)


class ReftableRefsTests(refs.RefsContract, TestCase):
    """
    Refs by git keep the contract.
    """

    async def test_force_breaks_locks(self):
        """
        It is the format's own lock that is broken, and this repository has another.
        """
        raise SkipTest("see ForceTests")

    def setUp(self):
        self.refs = ReftableRefs(make_git(), at_once)
        self.directory = make_repository(os.path.abspath(self.mktemp()))
        refs.write_commits(self.directory)


class ScriptedChild:
    """
    An ``update-ref`` that says what a test wants.
    """

    def __init__(self, says: list[bytes], status: int = 0, broken: bool = False) -> None:
        self.says = says
        self.status = status
        self.broken = broken
        self.heard = b""
        self.killed = False
        self.stdin = self.stdout = self

    async def write(self, data: bytes) -> None:
        if self.broken:
            raise StreamBroken
        self.heard += data

    async def read(self) -> bytes:
        return self.says.pop(0) if self.says else b""

    def close_stdin(self) -> None:
        pass

    async def wait(self) -> Ended:
        return Ended(self.status)

    def kill(self) -> None:
        self.killed = True


class ScriptedGit:
    """
    Answers ``for-each-ref`` from a list, and hands out one child.
    """

    def __init__(self, child: ScriptedChild, *listed: bytes) -> None:
        self.child = child
        self.listed = list(listed)
        self.ran: list[str] = []

    def spawn(self, command: Command) -> ScriptedChild:
        return self.child

    async def run(self, command: Command, **_: Any) -> tuple[bytes, Ended]:
        self.ran.append(command.name)
        return self.listed.pop(0), Ended(0)


LINE = refs.ONE + b"  refs/heads/main\n"
OTHER = refs.TWO + b"  refs/heads/main\n"


class ForceTests(TestCase):
    """
    Recovery, after a crash.
    """

    async def test_lock(self):
        """
        The lock that a git left behind is broken.
        """
        directory = make_repository(os.path.abspath(self.mktemp()))
        refs.write_commits(directory)
        lock = os.path.join(directory.path, "reftable", "tables.list.lock")
        os.mkdir(os.path.dirname(lock))
        with open(lock, "w"):
            pass
        store = ReftableRefs(make_git(), at_once)
        await store.force(directory, [RefUpdate(MAIN, None, refs.ONE)])
        self.assertFalse(os.path.exists(lock))
        await store.fsync(directory, [])
        self.assertEqual(await store.list(directory), [Reference(MAIN, refs.ONE)])


class ScriptedTests(TestCase):
    """
    What a git does that is disturbed.
    """

    directory = GitDirectory("/nowhere")

    def make(self, child: ScriptedChild, *listed: bytes) -> Any:
        git: Any = ScriptedGit(child, *listed)
        return ReftableRefs(git, at_once)

    async def test_words(self):
        """
        git is told to prepare with the old values, and then to commit; its answer may come in pieces.
        """
        child = ScriptedChild([b"start: ok\nprep", b"are: ok\n", b"commit: ok\n"])
        prepared = await self.make(child, LINE).prepare(self.directory, [RefUpdate(MAIN, refs.ONE, refs.TWO)])
        self.assertEqual(prepared.locks, ("/nowhere/reftable/tables.list.lock",))
        await prepared.commit()
        await prepared.commit()
        said = b"start\0update refs/heads/main\0%s\0%s\0prepare\0commit\0" % (refs.TWO, refs.ONE)
        self.assertEqual(child.heard, said)

    async def test_head(self):
        """
        HEAD comes after the refs, unless the ref that it shall be a name for is refused.
        """
        for updates, ran in (
            ([RefUpdate(MAIN, refs.ONE, refs.TWO)], ["symbolic-ref"]),
            ([], ["symbolic-ref"]),
            ([RefUpdate(MAIN, refs.TWO, refs.THREE)], []),
        ):
            store = self.make(ScriptedChild([b"prepare: ok\n"]), LINE, b"")
            prepared = await store.prepare(self.directory, updates, head=MAIN)
            store._git.ran.clear()
            await prepared.commit()
            self.assertEqual(store._git.ran, ran)

    async def test_overtaken(self):
        """
        If git does not prepare, what has changed meanwhile is stale and the rest is locked.
        """
        updates = [RefUpdate(MAIN, refs.ONE, refs.THREE), RefUpdate(b"refs/heads/x", None, refs.THREE)]
        for child in (ScriptedChild([b"start: ok\n"], 128), ScriptedChild([], 128, broken=True)):
            prepared = await self.make(child, LINE, OTHER).prepare(self.directory, updates)
            found = {name: (refused.why, refused.actual) for name, refused in prepared.refused.items()}
            self.assertEqual(found, {MAIN: (Refusal.STALE, refs.TWO), b"refs/heads/x": (Refusal.LOCKED, None)})
            await prepared.commit()

    async def test_fails_late(self):
        """
        A commit that git does not make is an error; an abort that fails is only logged.
        """
        for broken in (False, True):
            child = ScriptedChild([b"prepare: ok\n"], 128)
            prepared = await self.make(child, LINE).prepare(self.directory, [RefUpdate(MAIN, None, refs.TWO)])
            child.broken = broken
            with self.assertRaises(UpdateRefFailed):
                await prepared.commit()
            child = ScriptedChild([b"prepare: ok\n"], 128)
            prepared = await self.make(child, LINE).prepare(self.directory, [RefUpdate(MAIN, None, refs.TWO)])
            await prepared.abort()

    async def test_itself(self):
        """
        git is told of symbolic refs that are to be changed themselves; these may lead nowhere and then are not listed.
        """
        updates = [RefUpdate(MAIN, refs.ONE, refs.ZERO), RefUpdate(b"refs/heads/x", None, refs.ZERO, follow=False)]
        self.assertEqual(
            list(instructions(updates)),
            [b"delete refs/heads/main\0%s\0" % refs.ONE, b"option no-deref\0", b"delete refs/heads/x\0\0"],
        )
        child = ScriptedChild([b"prepare: ok\n"])
        alias = b"%s refs/heads/main refs/heads/alias\n" % refs.ONE
        more = [RefUpdate(b"refs/heads/alias", None, refs.ZERO, follow=False)]
        prepared = await self.make(child, LINE + alias).prepare(self.directory, [*updates, *more])
        self.assertEqual(dict(prepared.before), {MAIN: refs.ONE, b"refs/heads/x": refs.ZERO})
        self.assertIn(b"option no-deref\0delete refs/heads/x\0\0", child.heard)
        await prepared.commit()

    async def test_cancelled(self):
        """
        Who gives up while git prepares or commits kills it.
        """
        child = ScriptedChild([])
        child.read = lambda: Deferred()  # type: ignore[method-assign,assignment,return-value]
        waiting = Deferred.fromCoroutine(self.make(child, LINE).prepare(self.directory, [RefUpdate(MAIN, None, refs.TWO)]))
        waiting.addErrback(lambda _: None).cancel()
        self.assertTrue(child.killed)
        child = ScriptedChild([b"prepare: ok\n"])
        prepared = await self.make(child, LINE).prepare(self.directory, [RefUpdate(MAIN, None, refs.TWO)])
        child.read = lambda: Deferred()  # type: ignore[method-assign,assignment,return-value]
        waiting = Deferred.fromCoroutine(prepared.commit())
        waiting.addErrback(lambda _: None).cancel()
        self.assertTrue(child.killed)


class DetachedTests(TestCase):
    """
    A HEAD that is no name.
    """

    async def test_detached(self):
        """
        A detached HEAD holds an id and names nothing.
        """
        directory = make_repository(os.path.abspath(self.mktemp()), 1)
        store = ReftableRefs(make_git(), at_once)
        target = (await store.read(directory, MAIN)).target  # type: ignore[union-attr]
        with open(os.path.join(directory.path, "HEAD"), "wb") as file:
            file.write(target + b"\n")
        self.assertIsNone(await store.head(directory))
        self.assertEqual(await store.read(directory, b"HEAD"), Reference(b"HEAD", target))
