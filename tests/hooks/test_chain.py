"""
The order in which a push is judged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, field
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.hooks.chain import MAXIMUM_REFUSED, Hooks, RefsRefused
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import (
    AccessDenied,
    IApplication,
    IEventSink,
    IHooks,
    IPushPolicy,
    Push,
    RefsUpdated,
    Refused,
    Tell,
    Unanswered,
)
from gitaly_tx.streams import StreamBroken
from tests.support import hookcase
from tests.support.hookcase import ONE, ZERO


@implementer(IPushPolicy)
@define(eq=False)
class Policy:
    """
    A policy that raises what it is told to.

    :ivar asked: the refs of every push it was asked about.
    """

    _raising: Callable[[Push], Exception | None]
    name: str = "test"
    asked: list[list[bytes]] = field(factory=list)

    async def check(self, push: Push) -> None:
        """
        As told.
        """
        self.asked.append([update.name for update in push.updates])
        raised = self._raising(push)
        if raised is not None:
            raise raised


@implementer(IEventSink)
@define(eq=False)
class Sink:
    """
    Remembers what it heard.
    """

    name: str = "test"
    fails: bool = False
    heard: list[RefsUpdated] = field(factory=list)

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        Remembers.
        """
        self.heard.append(event)
        if self.fails:
            raise RuntimeError("sink")


@implementer(IApplication)
@define(eq=False)
class Application:
    """
    An application that refuses.
    """

    _error: Exception

    async def allowed(self, push: Push) -> None:
        """
        No.
        """
        raise self._error

    async def accepting(self, push: Push) -> None:
        """
        Not reached.
        """

    async def accepted(self, push: Push, updates: Sequence[RefUpdate], tell_out: Tell) -> None:
        """
        Not reached.
        """


def picky(*names: bytes) -> Policy:
    """
    A policy that refuses these refs one by one.
    """

    def check(push: Push) -> Exception | None:
        return next((Refused("not this", update.name) for update in push.updates if update.name in names), None)

    return Policy(check)


def _noted(observed: list[tuple[str, str]], hook: str, outcome: str) -> None:
    observed.append((hook, outcome))


class HooksTests(hookcase.HookCase):
    """
    ``Hooks``.
    """

    updates = [RefUpdate(b"refs/heads/" + name, ZERO, ONE) for name in (b"a", b"b", b"c")]

    def make(self, *policies: IPushPolicy, sinks: tuple[IEventSink, ...] = ()) -> Hooks:
        self.observed: list[tuple[str, str]] = []
        observe = partial(_noted, self.observed)
        made = Hooks(policies, self.make_hooks(observe=observe), Announcer(sinks), observe=observe)
        verifyObject(IHooks, made)
        return made

    async def refused(self, hooks: Hooks) -> Refused:
        with self.assertRaises(Refused) as caught:
            await hooks.before(self.push(*self.updates), self.out, self.err)
        return caught.exception

    async def test_watches(self) -> None:
        """
        Somebody looks at a push before it is written if there is a policy, an application, or a hook that runs before, be it one
        that cannot run.
        """
        self.assertFalse(await self.make().watches(self.push()))
        self.assertTrue(await self.make(Policy(lambda push: None)).watches(self.push()))
        self.assertTrue(await Hooks((), self.make_hooks(), Announcer(()), Application(AccessDenied("no"))).watches(self.push()))
        self.hook("post-receive")
        self.assertFalse(await self.make().watches(self.push()))
        path = self.hook("update")
        self.assertTrue(await self.make().watches(self.push()))
        os.chmod(path, 0o644)
        self.assertTrue(await self.make().watches(self.push()))

    async def test_everything_passes(self) -> None:
        """
        Policies are asked, then ``pre-receive`` runs with all updates and the options.
        """
        policy = Policy(lambda push: None)
        self.hook("pre-receive", 'cat; echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_1"')
        await self.make(policy).before(self.push(*self.updates, options=[b"x", b"y"]), self.out, self.err)
        self.assertEqual(self.observed, [("policy", "ok"), ("pre-receive", "ok")])
        lines = b"".join(b"%b %b %b\n" % (ZERO, ONE, update.name) for update in self.updates)
        self.assertEqual(self.out.data, lines + b"2 y\n")
        self.assertEqual(len(policy.asked), 1)

    async def test_policy_refuses(self) -> None:
        """
        The first refusal of the whole push ends it: its words are told, and nobody else is asked.
        """
        self.hook("pre-receive", "echo ran")
        second = Policy(lambda push: None)
        error = await self.refused(self.make(Policy(lambda push: Refused("no\nway")), second))
        self.assertEqual((error.text, error.ref), ("no\nway", None))
        self.assertEqual((self.err.data, self.out.data, second.asked), (b"no\nway\n", b"", []))

    async def test_policy_refuses_silently(self) -> None:
        """
        A refusal without words is one.
        """
        await self.refused(self.make(Policy(lambda push: Refused(""))))
        self.assertEqual(self.err.data, b"\n")

    async def test_policy_fails(self) -> None:
        """
        A policy that fails lets nothing pass; what went wrong is for the log.
        """
        error = await self.refused(self.make(Policy(lambda push: RuntimeError("secret"))))
        self.assertEqual(error.text, "policy test failed, so the push is refused")
        self.assertEqual(self.err.data, b"policy test failed, so the push is refused\n")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_nobody_listens(self) -> None:
        """
        A policy that finds the client gone is not one that fails.
        """
        with self.assertRaises(StreamBroken):
            await self.make(Policy(lambda push: StreamBroken("gone"))).before(self.push(), self.out, self.err)

    async def test_some_refs(self) -> None:
        """
        Refs that policies refuse one by one are collected; the hook has to wait for the next round.
        """
        self.hook("pre-receive", "echo ran")
        first, second = picky(b"refs/heads/b"), picky(b"refs/heads/a")
        error = await self.refused(self.make(first, second))
        assert isinstance(error, RefsRefused)
        self.assertEqual(error.refs, {b"refs/heads/a": "not this", b"refs/heads/b": "not this"})
        self.assertEqual(first.asked, [[b"refs/heads/a", b"refs/heads/b", b"refs/heads/c"], [b"refs/heads/a", b"refs/heads/c"]])
        self.assertEqual(second.asked, [[b"refs/heads/a", b"refs/heads/c"], [b"refs/heads/c"]])
        self.assertEqual((self.err.data, self.out.data), (b"not this\nnot this\n", b""))

    async def test_all_refs(self) -> None:
        """
        When the last ref is refused the push is; the same for a ref that is not there, or too many.
        """
        error = await self.refused(self.make(picky(b"refs/heads/a", b"refs/heads/b", b"refs/heads/c")))
        self.assertNotIsInstance(error, RefsRefused)
        error = await self.refused(self.make(Policy(lambda push: Refused("what", b"refs/heads/other"))))
        self.assertNotIsInstance(error, RefsRefused)
        self.updates = [RefUpdate(b"refs/heads/%d" % number, ZERO, ONE) for number in range(MAXIMUM_REFUSED + 2)]
        policy = Policy(lambda push: Refused("no", push.updates[0].name))
        error = await self.refused(self.make(policy))
        self.assertNotIsInstance(error, RefsRefused)
        self.assertEqual(len(policy.asked), MAXIMUM_REFUSED + 1)

    async def test_pre_receive_refuses(self) -> None:
        """
        The hook's own words are all that is told.
        """
        self.hook("pre-receive", "echo no >&2; exit 1")
        error = await self.refused(self.make())
        self.assertEqual((error.text, self.err.data), ("pre-receive hook declined", b"no\n"))
        self.assertEqual(self.observed, [("pre-receive", "declined")])

    async def test_pre_receive_cannot_run(self) -> None:
        """
        A hook that cannot be run has failed, whether that is seen before or found out by trying.
        """
        for content, mode in (("#!/nonexistent\n", 0o755), ("#!/bin/sh\n", 0o644)):
            self.write("thing.git/custom_hooks/pre-receive", content, mode)
            await self.refused(self.make())
            self.assertEqual(self.observed, [("pre-receive", "failed")])

    async def test_application_refuses(self) -> None:
        """
        The user reads the application's words, if it has any, and no hook runs.
        """
        self.hook("pre-receive", "echo ran")
        for error, told in (
            (AccessDenied("no\nway"), b"GitLab: no\nway\n"),
            (Unanswered("repository not set"), b"repository not set\n"),
            (Unanswered(""), b""),
        ):
            self.err.data = b""
            observed: list[tuple[str, str]] = []
            hooks = Hooks((), self.make_hooks(), Announcer(()), Application(error), partial(_noted, observed))
            self.assertIs(await self.refused(hooks), error)
            self.assertEqual(observed, [("application", "declined" if isinstance(error, AccessDenied) else "failed")])
            self.assertEqual((self.err.data, self.out.data), (told, b""))

    async def test_update(self) -> None:
        """
        ``update`` gets the ref and both values as arguments, and no options.
        """
        self.hook("update", 'echo "$@ [$GIT_PUSH_OPTION_COUNT]"; cat; case $1 in *b) exit 1;; esac')
        hooks, push = self.make(), self.push(*self.updates, options=[b"x"])
        await hooks.update(push, RefUpdate(b"refs/heads/a", None, ONE), self.out, self.err)
        self.assertEqual(self.out.data, b"refs/heads/a %b %b []\n" % (ZERO, ONE))
        with self.assertRaises(Refused) as caught:
            await hooks.update(push, self.updates[1], self.out, self.err)
        self.assertEqual((caught.exception.text, caught.exception.ref), ("hook declined", b"refs/heads/b"))

    async def test_after(self) -> None:
        """
        ``post-receive`` gets what was accepted; every sink hears of it once, whatever became of the hook and other sinks (H5).
        """
        self.hook("post-receive", "cat; exit 1")
        broken, fine = Sink(fails=True), Sink()
        push, accepted = self.push(*self.updates), self.updates[1:]
        await self.make(sinks=(broken, fine)).after(push, accepted, self.out, self.err)
        self.assertEqual(self.out.data, b"".join(b"%b %b %b\n" % (ZERO, ONE, update.name) for update in accepted))
        self.assertEqual(fine.heard, [RefsUpdated(push, accepted)])
        self.assertEqual(len(broken.heard), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_after_without_anybody(self) -> None:
        """
        A user who is gone keeps nobody from hearing.
        """

        async def gone(data: bytes) -> None:
            raise StreamBroken("gone")

        self.hook("post-receive", "echo hello")
        sink = Sink()
        await self.make(sinks=(sink,)).after(self.push(), self.updates, gone, gone)
        self.assertEqual(len(sink.heard), 1)
        self.assertEqual(len(self.flushLoggedErrors(StreamBroken)), 1)
