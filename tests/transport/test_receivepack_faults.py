"""
Clients that go away, children that run wild, and what is left then: nothing.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, fail, succeed

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import Limits, RefUpdate
from gitaly_tx.hooks.interfaces import Push, Tell
from gitaly_tx.observability import failpoints
from gitaly_tx.transport.interfaces import PushBroken
from gitaly_tx.transport.pushanswer import Answer
from gitaly_tx.transport.pushmeans import PackLimits, PushLimits
from gitaly_tx.transport.receivepack import DRAIN_SECONDS
from tests.support import pushcase
from tests.support.pushes import CAPABILITIES, EMPTY_PACK, ZERO, RecordedHooks, answered, push, refs_of
from tests.support.streams import MemorySink, MemorySource

reactor: Any = _reactor


class PausedHooks(RecordedHooks):
    """
    Hooks that take their time.

    :ivar reached: fires when the one named ``stop`` was called.
    :ivar go_on: what it waits for.
    """

    def __init__(self, stop: str) -> None:
        super().__init__()
        self.stop = stop
        self.reached: Deferred[None] = Deferred()
        self.go_on: Deferred[None] = Deferred()
        self.cancelled = False

    async def _pause(self, where: str) -> None:
        if where == self.stop:
            # Later, because whoever waits may want to cancel whoever calls.
            reactor.callLater(0, self.reached.callback, None)
            try:
                await self.go_on
            except CancelledError:
                self.cancelled = True
                raise

    async def before(self, push: Push, tell_out: Tell, tell_err: Tell) -> None:
        """
        May pause.
        """
        await super().before(push, tell_out, tell_err)
        await self._pause("before")

    async def update(self, push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> None:
        """
        May pause.
        """
        await super().update(push, update, tell_out, tell_err)
        await self._pause("update")

    async def after(
        self, push: Push, accepted: Sequence[RefUpdate], tell_out: Tell, tell_err: Tell, head: bytes | None = None
    ) -> None:
        """
        May pause.
        """
        await super().after(push, accepted, tell_out, tell_err, head)
        await self._pause("after")
        await tell_out(b"thanks\n")


class GoneTests(pushcase.PushCase):
    """
    Clients that go away.
    """

    def setUp(self) -> None:
        super().setUp()
        self.refs = refs_of(self.directory)
        self.tip, self.pack = self.new_commit()
        self.data = push((self.main, self.tip, b"refs/heads/main"), pack=self.pack)

    def nothing_left(self) -> None:
        """
        Everything is as it was.
        """
        self.assertEqual(self.repository.stagings, [])
        self.assertEqual(refs_of(self.directory), self.refs)
        self.assertEqual(self.repository.commits, 0)

    async def staged(self) -> None:
        """
        Wait until the pack goes into quarantine.
        """
        while not self.repository.stagings:
            await self.tick()

    async def tick(self) -> None:
        """
        Let the reactor go round once.
        """
        waiting: Deferred[None] = Deferred()
        self.running.callLater(0, waiting.callback, None)
        await waiting

    async def test_within_the_pack(self) -> None:
        """
        A push that breaks off leaves nothing, wherever it does (C1).
        """
        start = len(self.data) - len(self.pack)
        for share in (0.1, 0.5, 0.9, 0.99):
            source = MemorySource([self.data[: start + int(len(self.pack) * share)]], ends=False)
            served = self.serve(source, MemorySink())
            await self.staged()
            source.disconnect()
            await self.failure(served, PushBroken)
            self.nothing_left()

    async def test_cancelled_within_the_pack(self) -> None:
        """
        The same, if the front end finds out first.
        """
        served = self.serve(MemorySource([self.data[:-10]], ends=False), MemorySink())
        await self.staged()
        served.cancel()
        await self.failure(served, CancelledError)
        await self.engine.settle()
        self.nothing_left()

    async def test_cancelled_before_anything(self) -> None:
        """
        A client that says nothing and goes.
        """
        served = self.serve(MemorySource([], ends=False), MemorySink())
        served.cancel()
        await self.failure(served, CancelledError)
        self.nothing_left()

    async def test_cancelled_within_hooks(self) -> None:
        """
        A push whose client goes while hooks think about it is not made, and the hooks are told.
        """
        for stop in ("before", "update"):
            self.hooks = hooks = PausedHooks(stop)
            self.engine = self.make_engine()
            served = self.serve(MemorySource([self.data]), MemorySink())
            await hooks.reached
            self.assertEqual(len(self.repository.stagings), 1)
            served.cancel()
            await self.failure(served, CancelledError)
            await self.engine.settle()
            self.assertTrue(hooks.cancelled)
            self.nothing_left()

    async def test_cancelled_within_the_write(self) -> None:
        """
        A push that was handed to the queue is carried through without its client, and heard of once.
        """
        reached: Deferred[None] = Deferred()
        go_on: Deferred[None] = Deferred()

        async def commit() -> None:
            self.running.callLater(0, reached.callback, None)
            await go_on

        self.repository.committing = commit
        stdout = MemorySink()
        served = self.serve(MemorySource([self.data]), stdout)
        await reached
        served.cancel()
        await self.failure(served, CancelledError)
        self.assertEqual(self.hooks.log, ["before", "update refs/heads/main"])
        settled = self.engine.settle()
        go_on.callback(None)
        await settled
        self.assertEqual(self.main, self.tip)
        self.assertEqual(self.hooks.log, ["before", "update refs/heads/main", "after"])
        self.assertEqual((stdout.data, self.repository.stagings), (b"", []))

    async def test_cancelled_within_post_receive(self) -> None:
        """
        What comes after the write comes to its end too.
        """
        self.hooks = hooks = PausedHooks("after")
        self.engine = self.make_engine()
        stdout = MemorySink()
        served = self.serve(MemorySource([self.data]), stdout)
        await hooks.reached
        served.cancel()
        await self.failure(served, CancelledError)
        hooks.go_on.callback(None)
        await self.engine.settle()
        self.assertFalse(hooks.cancelled)
        self.assertEqual(answered(bytes(stdout.data)).report, [b"unpack ok", b"ok refs/heads/main"])

    async def test_cancelled_while_the_report_waits(self) -> None:
        """
        A client that goes without reading the report does not hold up what comes after.
        """
        stdout = MemorySink(slow=True)
        served = self.serve(MemorySource([self.data]), stdout)
        await stdout.contains(b"unpack ok")
        self.assertEqual(self.hooks.log[-1], "update refs/heads/main")
        served.cancel()
        await self.failure(served, CancelledError)
        await self.engine.settle()
        self.assertEqual(self.hooks.log[-1], "after")
        self.assertEqual(self.main, self.tip)

    async def test_nobody_reads_the_report(self) -> None:
        """
        A client that is gone when the report is due has pushed nevertheless (C3).
        """
        await self.serve(MemorySource([self.data]), MemorySink(breaks_after=0))
        self.assertEqual(self.main, self.tip)
        self.assertEqual(self.hooks.log[-1], "after")

    async def test_nobody_reads_before_the_write(self) -> None:
        """
        A client that is gone when a hook talks to it has not.
        """

        class Talking(RecordedHooks):
            async def before(self, push: Push, tell_out: Tell, tell_err: Tell) -> None:
                await tell_out(b"hello\n")

            async def update(self, push: Push, update: RefUpdate, tell_out: Tell, tell_err: Tell) -> None:
                await tell_out(b"hello\n")

        self.hooks = Talking()
        self.engine = self.make_engine()
        for room in (0, 10):
            served = self.serve(MemorySource([self.data]), MemorySink(breaks_after=room))
            await self.failure(served, PushBroken)
            self.nothing_left()

    async def test_broken_source_in_the_header(self) -> None:
        """
        A client that goes before the pack's header is complete.
        """
        source = MemorySource([self.data[: len(self.data) - len(self.pack) + 5]], ends=False)
        served = self.serve(source, MemorySink())
        await self.tick()
        source.disconnect()
        await self.failure(served, PushBroken)
        self.nothing_left()

    async def test_source_fails(self) -> None:
        """
        A source that fails in its own way ends the push, and its words are not told.
        """

        class Failing(MemorySource):
            def __init__(self) -> None:
                super().__init__(ends=False)
                self.left = [data[:-10], b""]

            def read(self) -> Deferred[bytes]:
                piece = self.left.pop(0) if self.left else b""
                return succeed(piece) if piece else fail(RuntimeError("secret"))

        data = self.data
        stdout = MemorySink()
        await self.serve(Failing(), stdout)
        answer = answered(bytes(stdout.data))
        self.assertEqual(answer.report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/main unpacker error"])
        self.assertEqual(answer.told, b"fatal: read error on input\n")
        self.nothing_left()


class LimitTests(pushcase.PushCase):
    """
    Packs that cost too much, and clients that go on sending them.
    """

    async def test_too_slow(self) -> None:
        """
        A pack that takes too long is given up.
        """
        self.engine = self.make_engine(limits=PushLimits(pack=PackLimits(child=Limits(seconds=10))))
        tip, pack = self.new_commit()
        source = MemorySource([push((self.main, tip, b"refs/heads/main"), pack=pack[:-5])], ends=False)
        stdout = MemorySink()
        served = self.serve(source, stdout)
        while not self.clock.getDelayedCalls():
            waiting: Deferred[None] = Deferred()
            self.running.callLater(0, waiting.callback, None)
            await waiting
        self.clock.advance(10)
        await stdout.contains(b"0000")
        source.end()
        await served
        answer = answered(bytes(stdout.data))
        self.assertEqual(answer.report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/main unpacker error"])
        self.assertEqual(answer.told, b"error: the pack takes too much time or memory (signal: killed)\n")
        self.assertEqual(self.repository.stagings, [])

    async def test_delta_bomb(self) -> None:
        """
        A few bytes that become hundreds of megabytes end in a refusal (fault 155).
        """
        self.engine = self.make_engine(limits=PushLimits(pack=PackLimits(child=Limits(memory=256 << 20))))
        base = bytes(65536)
        copies = 8000
        delta = _varint(len(base)) + _varint(len(base) * copies) + b"\x80" * copies
        first = _entry(3, len(base)) + zlib.compress(base)
        second = _entry(6, len(delta)) + _offset(len(first)) + zlib.compress(delta)
        pack = b"PACK\0\0\0\2\0\0\0\2" + first + second
        pack += hashlib.sha1(pack).digest()
        self.assertLess(len(pack), 1000)
        answer = await self.push(push((ZERO, b"d" * 40, b"refs/tags/bomb"), pack=pack))
        self.assertEqual(answer.report, [b"unpack unpack-objects abnormal exit", b"ng refs/tags/bomb unpacker error"])
        self.assertIn(b"emory", answer.told)
        self.assertEqual(self.repository.stagings, [])

    async def test_too_large_by_far(self) -> None:
        """
        A pack that goes on after git has given it up (fault 158).
        """
        self.engine = self.make_engine(limits=PushLimits(pack=PackLimits(size=1000)))
        noise = b"".join(hashlib.sha512(b"%d" % number).digest() for number in range(1 << 16))
        tip, pack = self.new_commit(noise)
        head = push((self.main, tip, b"refs/heads/main"))
        pieces = [pack[at : at + 65536] for at in range(0, len(pack), 65536)]
        stdout = MemorySink()
        await self.serve(MemorySource([head, *pieces]), stdout)
        answer = answered(bytes(stdout.data))
        self.assertEqual(answer.report, [b"unpack unpack-objects abnormal exit", b"ng refs/heads/main unpacker error"])
        self.assertEqual(self.repository.stagings, [])

    async def test_no_processes(self) -> None:
        """
        Without a process for git there is no push (S16).
        """
        tip, pack = self.new_commit()

        def spawn(*given: Any, **more: Any) -> Any:
            raise GitalyError("no process", Code.RESOURCE_EXHAUSTED)

        self.patch(self.git, "spawn", spawn)
        answer = await self.push(push((self.main, tip, b"refs/heads/main"), pack=pack))
        self.assertEqual(answer.report, [b"unpack index-pack fork failed", b"ng refs/heads/main unpacker error"])
        answer = await self.push(push((ZERO, self.main, b"refs/heads/x"), pack=EMPTY_PACK))
        self.assertEqual(answer.report, [b"unpack ok", b"ng refs/heads/x no process"])
        self.flushLoggedErrors(GitalyError)
        self.assertEqual(self.repository.stagings, [])

    async def test_fails_without_its_client(self) -> None:
        """
        What fails when nobody waits any more is logged.
        """
        self.hooks = hooks = PausedHooks("after")
        self.engine = self.make_engine()
        served = self.serve(MemorySource([push((ZERO, self.main, b"refs/heads/x"), pack=EMPTY_PACK)]), MemorySink())
        await hooks.reached
        served.cancel()
        await self.failure(served, CancelledError)
        self.patch(Answer, "end", lambda answer: _broken())
        hooks.go_on.callback(None)
        await self.engine.settle()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_goes_on_sending(self) -> None:
        """
        What a client still sends after the refusal is taken for a while, so that it gets to read why.
        """
        source = MemorySource([push((ZERO, b"d" * 40, b"refs/heads/x"), pack=b"JUNK" * 1000)], ends=False)
        stdout = MemorySink()
        served = self.serve(source, stdout)
        await stdout.contains(b"0000")
        self.assertTrue(answered(bytes(stdout.data)).ended)
        source.feed(b"more" * 1000)
        self.assertNoResult(served)
        source.end()
        await served

    async def test_goes_on_for_ever(self) -> None:
        """
        But not for ever, and one that goes away is not missed.
        """
        data = push((ZERO, b"d" * 40, b"refs/heads/x"), pack=b"JUNK" * 1000)
        served = self.serve(MemorySource([data], ends=False), MemorySink())
        self.assertNoResult(served)
        self.clock.advance(DRAIN_SECONDS)
        await served
        source = MemorySource([data], ends=False)
        served = self.serve(source, MemorySink())
        source.disconnect()
        await served

    async def test_failpoints(self) -> None:
        """
        Whatever fails between the steps, the push is either refused or written.
        """
        tip, pack = self.new_commit()
        data = push((self.main, tip, b"refs/heads/main"), pack=pack, capabilities=CAPABILITIES)
        for point in ("push.before_stage", "push.after_stage", "push.before_commit"):
            failpoints.configure(f"{point}=error(EIO)")
            self.addCleanup(failpoints.configure, "")
            answer = await self.push(data)
            self.assertEqual(answer.report, [b"unpack ok", b"ng refs/heads/main internal error"])
            self.assertEqual(self.repository.stagings, [])
            self.flushLoggedErrors(OSError)
        failpoints.configure("push.after_commit=error(EIO)")
        served = self.serve(MemorySource([data]), MemorySink())
        await self.failure(served, OSError)
        self.assertEqual(self.main, tip)

    async def test_signs_of_life(self) -> None:
        """
        A client that has sent everything hears something every few seconds while hooks think.
        """
        self.hooks = hooks = PausedHooks("before")
        self.engine = self.make_engine()
        stdout = MemorySink()
        served = self.serve(MemorySource([push((ZERO, self.main, b"refs/heads/x"), pack=EMPTY_PACK)]), stdout)
        await hooks.reached
        self.clock.pump([5, 5])
        self.assertEqual(stdout.data, b"0005\x01" * 2)
        hooks.go_on.callback(None)
        await served
        self.assertEqual(self.clock.getDelayedCalls(), [])


async def _broken() -> None:
    raise RuntimeError("broken")


def _varint(number: int) -> bytes:
    """
    A size as in a delta's header.
    """
    made = bytearray()
    while number > 0x7F:
        made.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes([*made, number])


def _entry(kind: int, size: int) -> bytes:
    """
    The beginning of a pack's entry.
    """
    first, size = size & 15, size >> 4
    return bytes([kind << 4 | first | (0x80 if size else 0)]) + (_varint(size) if size else b"")


def _offset(distance: int) -> bytes:
    """
    How far back a delta's base lies.
    """
    made = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        made.insert(0, 0x80 | distance & 0x7F)
    return bytes(made)
