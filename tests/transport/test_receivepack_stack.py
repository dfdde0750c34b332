"""
Pushes all the way down to the log and the disk.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.hooks.chain import Hooks
from gitaly_tx.hooks.custom import CustomHooks
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import HookDeclined, Push, Tell
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.transport.interfaces import PushBroken
from gitaly_tx.transport.receivepack import ReceivePack
from protocols.gitaly.shared_pb2 import Repository
from tests.support.git import git, make_repository
from tests.support.leaks import LeakCheck
from tests.support.pushes import (
    CAPABILITIES,
    EMPTY_PACK,
    ZERO,
    Answered,
    RecordedHooks,
    answered,
    make_means,
    make_pack,
    push,
    request,
)
from tests.support.stack import Stack
from tests.support.streams import MemorySink, MemorySource


class StackTests(LeakCheck, TestCase):
    """
    The engine on the real storage.
    """

    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        running: Any = reactor
        running.getThreadPool()
        self.root = os.path.realpath(self.mktemp())
        self.client = make_repository(os.path.join(self.root, "client.git"), 5).path
        self.tip = git("--git-dir", self.client, "rev-parse", "main").strip()
        await super().setUp()
        self.stack = Stack(self.root)
        await self.stack.start()
        self.addCleanup(self.stack.stop)
        self.message = Repository(storage_name="default", relative_path="team/thing.git")
        # The reader keeps packs open for later questions.
        self.addCleanup(self.stack.objects.forget, GitDirectory(os.path.join(self.root, "default", "team/thing.git")))
        self.hooks = RecordedHooks()
        means = make_means(self.stack.git, self.hooks, self.stack.threads, running)
        self.engine = ReceivePack(means)

    def serve(self, repository: IRepository | None, source: MemorySource, stdout: MemorySink, **more: Any) -> Deferred[None]:
        """
        Serve a push.
        """
        return Deferred.fromCoroutine(self.engine.serve(repository, request(**more), source, stdout, None))

    async def push(self, repository: IRepository | None, data: bytes, **more: Any) -> Answered:
        """
        Push.
        """
        stdout = MemorySink()
        await self.serve(repository, MemorySource([data]), stdout, **more)
        return answered(bytes(stdout.data))

    async def made(self) -> IRepository:
        """
        The repository with the client's history, by a push that makes it.
        """
        data = push((ZERO, self.tip, b"refs/heads/trunk"), pack=make_pack(self.client, "main"))
        answer = await self.push(None, data, create=lambda: self.stack.provider.create(self.message))
        self.assertEqual(answer.report, [b"unpack ok", b"ok refs/heads/trunk"])
        return await self.stack.provider.repository(self.message)

    def names(self, repository: IRepository) -> list[bytes]:
        """
        The refs on disk.
        """
        return git("--git-dir", repository.directory.path, "for-each-ref", "--format=%(refname)").split()

    async def test_life_of_a_repository(self) -> None:
        """
        It is made by a push, HEAD follows, branches come and go, and all is sound on disk.
        """
        repository = await self.made()
        path = repository.directory.path
        self.assertEqual(await repository.head(), b"refs/heads/trunk")
        wishes = [(ZERO, self.tip, b"refs/heads/%s" % name) for name in (b"a", b"b/c", b"a/b")]
        answer = await self.push(repository, push(*wishes, pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/a", b"ok refs/heads/b/c", b"ng refs/heads/a/b failed to update ref"])
        self.assertIn(
            b"error: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'", answer.told
        )
        answer = await self.push(repository, push((self.tip, ZERO, b"refs/heads/a"), wishes[2], pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/a", b"ok refs/heads/a/b"])
        self.assertEqual(self.names(repository), [b"refs/heads/a/b", b"refs/heads/b/c", b"refs/heads/trunk"])
        git("--git-dir", path, "fsck", "--full", "--strict")
        self.assertEqual(self.stack.alive, 0)
        self.assertEqual(self.hooks.log.count("after"), 3)
        self.assertEqual(self.hooks.heads, [b"refs/heads/trunk", None, None])
        self.assertEqual([made.creates for made in self.hooks.pushes], [True, False, False])

    async def refused(self, data: bytes, meanwhile: Callable[[], Awaitable[object]] | None = None) -> Answered:
        """
        A push that would make the repository, and that a hook refuses.

        :param meanwhile: what somebody else does before that.
        """

        async def refuse(push: Push, tell_out: Tell, tell_err: Tell) -> None:
            if meanwhile is not None:
                await meanwhile()
            raise HookDeclined("pre-receive hook declined", "pre-receive", "exit status 1")

        self.patch(self.hooks, "before", refuse)
        provider = self.stack.provider
        return await self.push(None, data, create=lambda: provider.create(self.message), retract=provider.retract)

    async def test_made_for_nothing(self) -> None:
        """
        A repository that was made for a push is gone when the push is refused, before its client hears of that.
        """
        data = push((ZERO, self.tip, b"refs/heads/trunk"), pack=make_pack(self.client, "main"))
        answer = await self.refused(data)
        self.assertEqual(answer.report[1:], [b"ng refs/heads/trunk pre-receive hook declined"])
        self.assertFalse(await self.stack.provider.exists(self.message))
        self.assertEqual(self.stack.alive, 0)

    async def test_made_for_a_broken_pack(self) -> None:
        """
        The same if the pack is none.
        """
        provider = self.stack.provider
        data = push((ZERO, self.tip, b"refs/heads/trunk"), pack=b"PACK nothing")
        await self.push(None, data, create=lambda: provider.create(self.message), retract=provider.retract)
        self.assertFalse(await provider.exists(self.message))

    async def test_made_and_seen(self) -> None:
        """
        A repository that somebody else has opened in the meantime stays.
        """
        data = push((ZERO, self.tip, b"refs/heads/trunk"), pack=make_pack(self.client, "main"))
        await self.refused(data, lambda: self.stack.provider.repository(self.message))
        self.assertTrue(await self.stack.provider.exists(self.message))

    async def test_made_and_written(self) -> None:
        """
        A repository stays of whose push a part was refused.
        """
        provider = self.stack.provider
        wishes = (ZERO, self.tip, b"refs/heads/a"), (ZERO, self.tip, b"refs/heads/a/b")
        data = push(*wishes, pack=make_pack(self.client, "main"))
        answer = await self.push(None, data, create=lambda: provider.create(self.message), retract=provider.retract)
        self.assertEqual(answer.report[1:], [b"ok refs/heads/a", b"ng refs/heads/a/b failed to update ref"])
        self.assertEqual(self.names(await provider.repository(self.message)), [b"refs/heads/a"])

    async def test_client_goes_while_it_is_made(self) -> None:
        """
        A client that goes away while its repository is being made leaves none.
        """
        gate: Deferred[None] = Deferred()
        provider = self.stack.provider

        async def create() -> IRepository:
            await gate
            return await provider.create(self.message)

        data = push((ZERO, self.tip, b"refs/heads/trunk"), pack=EMPTY_PACK)
        pushing = self.serve(None, MemorySource([data]), MemorySink(), create=create, retract=provider.retract)
        pushing.cancel()
        self.failureResultOf(pushing, CancelledError)
        settled = self.engine.settle()
        gate.callback(None)
        await settled
        self.assertFalse(await provider.exists(self.message))

    async def test_atomic(self) -> None:
        """
        All or none.
        """
        repository = await self.made()
        wishes = (ZERO, self.tip, b"refs/heads/a"), (ZERO, self.tip, b"refs/heads/trunk")
        answer = await self.push(repository, push(*wishes, pack=EMPTY_PACK, capabilities=CAPABILITIES + " atomic"))
        self.assertTrue(all(line.endswith(b" atomic transaction failed") for line in answer.report[1:]))
        self.assertEqual(self.names(repository), [b"refs/heads/trunk"])

    async def test_through_a_symbolic_ref(self) -> None:
        """
        Who pushes to another name of a branch changes the branch.
        """
        repository = await self.made()
        git("--git-dir", repository.directory.path, "symbolic-ref", "refs/heads/alias", "refs/heads/trunk")
        older = git("--git-dir", self.client, "rev-parse", "main~1").strip()
        answer = await self.push(repository, push((self.tip, older, b"refs/heads/alias"), pack=EMPTY_PACK))
        self.assertEqual(answer.report[1:], [b"ok refs/heads/alias"])
        found = await repository.ref(b"refs/heads/trunk")
        self.assertEqual(found and found.target, older)

    async def test_many_at_once(self) -> None:
        """
        Of those who want the same ref at the same time one gets it; all others are told.
        """
        repository = await self.made()
        tips = []
        for number in range(8):
            words = ("commit-tree", "-p", "main", "-m", str(number), "main^{tree}")
            tips.append(git("--git-dir", self.client, *words).strip())
        answers = await gatherResults(
            Deferred.fromCoroutine(
                self.push(
                    repository,
                    push((self.tip, tip, b"refs/heads/trunk"), pack=make_pack(self.client, tip.decode(), "^main")),
                )
            )
            for tip in tips
        )
        lines = sorted(answer.report[1] for answer in answers)
        self.assertEqual(lines, [b"ng refs/heads/trunk failed to update ref"] * 7 + [b"ok refs/heads/trunk"])
        self.assertEqual(self.stack.alive, 0)
        git("--git-dir", repository.directory.path, "fsck", "--full", "--strict")

    async def test_breaks_off(self) -> None:
        """
        A push that breaks off leaves no quarantine.
        """
        repository = await self.made()
        tip = git("--git-dir", self.client, "commit-tree", "-p", "main", "-m", "x", "main^{tree}").strip()
        data = push((self.tip, tip, b"refs/heads/trunk"), pack=make_pack(self.client, tip.decode(), "^main"))
        source = MemorySource([data[:-30]], ends=False)
        served = self.serve(repository, source, MemorySink())
        while not self.stack.alive:
            waiting: Deferred[None] = Deferred()
            reactor.callLater(0, waiting.callback, None)
            await waiting
        source.disconnect()
        with self.assertRaises(PushBroken) as caught:
            await served
        self.assertEqual(caught.exception.code, Code.CANCELLED)
        self.assertEqual(self.stack.alive, 0)

    def with_hook(self, repository: IRepository, *lines: str) -> None:
        """
        Give the repository a pre-receive hook.
        """
        folder = os.path.join(repository.directory.path, "custom_hooks")
        os.mkdir(folder)
        path = os.path.join(folder, "pre-receive")
        with open(path, "w") as file:
            file.write("\n".join(["#!/bin/sh", *lines, ""]))
        os.chmod(path, 0o755)
        running: Any = reactor
        custom = CustomHooks(self.stack.git, running, self.stack.threads, dict(os.environ))
        means = make_means(self.stack.git, Hooks((), custom, Announcer(())), self.stack.threads, running)
        self.engine = ReceivePack(means)

    async def test_hook_removes_the_repository(self) -> None:
        """
        A hook that takes the repository away ends in a refusal (H7).
        """
        repository = await self.made()
        self.with_hook(repository, 'rm -rf "$GIT_DIR"')
        answer = await self.push(repository, push((ZERO, self.tip, b"refs/heads/new"), pack=EMPTY_PACK))
        self.assertTrue(answer.report[1].startswith(b"ng refs/heads/new "), answer)
        self.flushLoggedErrors()

    async def test_hook_pushes_too(self) -> None:
        """
        A push from within a hook into the same repository waits for nobody (H7).
        """
        repository = await self.made()
        inner: list[Answered] = []

        class Pushing(RecordedHooks):
            async def before(hooks, push: Push, tell_out: Tell, tell_err: Tell) -> None:
                if not inner:
                    inner.append(Answered())
                    inner.append(await self.push(repository, nested))

        nested = push((ZERO, self.tip, b"refs/heads/inner"), pack=EMPTY_PACK)
        running: Any = reactor
        means = make_means(self.stack.git, Pushing(), self.stack.threads, running)
        self.engine = ReceivePack(means)
        outer = await self.push(repository, push((ZERO, self.tip, b"refs/heads/outer"), pack=EMPTY_PACK))
        self.assertEqual(inner[1].report[1:] + outer.report[1:], [b"ok refs/heads/inner", b"ok refs/heads/outer"])

    async def test_removed_meanwhile(self) -> None:
        """
        A repository that is removed while somebody pushes to it does not come back (L5).
        """
        repository = await self.made()
        await self.stack.provider.remove(self.message)
        answer = await self.push(repository, push((ZERO, self.tip, b"refs/heads/new"), pack=EMPTY_PACK))
        self.assertTrue(answer.report[1].startswith(b"ng refs/heads/new "), answer)
        self.assertFalse(os.path.exists(repository.directory.path))
        self.flushLoggedErrors()
