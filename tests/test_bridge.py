"""
Tests for :mod:`gitaly_tx.bridge`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.bridge import AHEAD, TAKEN, Once, Reader, Running, Writer, driven, in_two_turns, settled
from gitaly_tx.errors import GitalyError
from gitaly_tx.streams import StreamBroken
from tests.support.grpcclient import GRPCCase, deferred


class SettledTests(GRPCCase):
    """
    ``settled``.
    """

    async def test_in_two_turns(self):
        """
        What is to be called in two turns is called after what waits for something of this turn.
        """
        order: list[str] = []

        async def run():
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            async def wait():
                await done
                order.append("woken")

            waiting = asyncio.ensure_future(wait())
            await asyncio.sleep(0)
            in_two_turns(lambda: order.append("called"))
            done.set_result(None)
            await waiting
            await asyncio.sleep(0)

        await deferred(run())
        self.assertEqual(order, ["woken", "called"])

    async def test_fired(self):
        """
        A Deferred that has fired gives its result or its error at once.
        """
        self.assertEqual(await deferred(settled(succeed(7))), 7)
        await self.assertFailure(deferred(settled(fail(GitalyError("no")))), GitalyError)

    async def test_waiting(self):
        """
        One that has not is waited for.
        """
        for fire in (lambda waiting: waiting.callback(7), lambda waiting: waiting.errback(GitalyError("no"))):
            waiting: Deferred[int] = Deferred()
            done = deferred(settled(waiting))
            self.reactor().callLater(0, fire, waiting)
            done.addErrback(lambda failure: failure.trap(GitalyError))
            self.assertIn(await done, (7, GitalyError))

    async def test_cancelled(self):
        """
        A task that is cancelled cancels the Deferred.
        """
        cancelled: Deferred[str] = Deferred()
        begun: Deferred[None] = Deferred()
        waiting: Deferred[None] = Deferred(lambda _: cancelled.callback("cancelled"))

        async def run():
            begun.callback(None)
            await settled(waiting)

        done = deferred(run())
        await begun
        done.addErrback(lambda failure: None)
        done.cancel()
        self.assertEqual(await cancelled, "cancelled")


class DrivenTests(GRPCCase):
    """
    ``driven``.
    """

    def setUp(self) -> Any:
        """
        Begin in a turn of the reactor, as calls do.
        """
        return deferLater(reactor, 0)

    async def test_no_turn_lost(self):
        """
        A coroutine begins at once, and whoever waits for it goes on in the turn in which it ends.
        """
        order: list[str] = []
        arrives: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def receive() -> int:
            order.append("began")
            number = await arrives
            asyncio.get_running_loop().call_soon(order.append, "next turn")
            return number

        done = driven(receive())
        self.assertEqual(order, ["began"])
        done.addCallback(lambda number: order.append(f"got {number}"))
        arrives.set_result(7)
        await deferLater(reactor, 0.001)
        self.assertEqual(order, ["began", "got 7", "next turn"])

    async def test_ended_at_once(self):
        """
        One that waits for nothing has ended; so has one that lets others have a turn, after that.
        """

        async def quick() -> int:
            return 7

        async def fails() -> int:
            await asyncio.sleep(0)
            raise GitalyError("no")

        self.assertEqual(self.successResultOf(driven(quick())), 7)
        failing = driven(fails())
        self.assertNoResult(failing)
        await self.assertFailure(failing, GitalyError)

    async def test_future_failed(self):
        """
        The coroutine hears of what happened to what it waited for, and may make the best of it.
        """
        arrives: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def receive() -> str:
            try:
                await arrives
            except GitalyError as error:
                await asyncio.sleep(0)
                return str(error)
            return ""

        done = driven(receive())
        arrives.set_exception(GitalyError("no"))
        self.assertEqual(await done, "no")

    async def test_cancelled(self):
        """
        Cancelling reaches the coroutine, and what it does about it is nobody's business any more.
        """
        ends: list[str] = []

        async def receive() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ends.append("cleaned up")

        async def insists() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                ends.append("went on")

        for coroutine in (receive(), insists()):
            done = driven(coroutine)
            done.cancel()
            await self.assertFailure(done, CancelledError)
        await deferLater(reactor, 0.001)
        self.assertEqual(ends, ["cleaned up", "went on"])


class LaneTests(GRPCCase):
    """
    ``Reader``, ``Writer`` and ``Once``.
    """

    def setUp(self) -> Any:
        """
        Begin in a turn of the reactor, as calls do.
        """
        return deferLater(reactor, 0)

    async def test_reader(self):
        """
        Messages come one after the other; one that nobody waited for is kept.
        """
        queue: asyncio.Queue[int] = asyncio.Queue()
        reader = Reader(queue.get)
        first = reader.next()
        first.addErrback(lambda failure: None)
        first.cancel()
        queue.put_nowait(1)
        queue.put_nowait(2)
        self.assertEqual([await reader.next(), await reader.next()], [1, 2])
        waiting = reader.next()
        reader.close()
        await self.assertFailure(waiting, StreamBroken)

    async def test_failed_read(self):
        """
        A read that fails is a broken stream, and the next one tries anew.
        """
        attempts = []

        async def read():
            attempts.append(1)
            if len(attempts) == 1:
                raise RuntimeError("no")
            return 7

        reader = Reader(read)
        await self.assertFailure(reader.next(), StreamBroken)
        self.assertEqual(await reader.next(), 7)
        reader.close()

    async def test_writer(self):
        """
        Messages are written one after the other, also when nobody waits.
        """
        written: list[bytes] = []
        gate = asyncio.Event()

        async def write(data: bytes) -> None:
            await gate.wait()
            written.append(data)

        writer = Writer(write)
        first: Any = writer.write(b"1")
        first.addErrback(lambda failure: None)
        first.cancel()
        second = writer.write(b"2")
        self.assertEqual(written, [])
        gate.set()
        await second
        self.assertEqual(written, [b"1", b"2"])

    async def test_idle_writer(self):
        """
        A writer is idle once what it writes is written, and when it writes nothing.
        """
        written, may = [], asyncio.Event()

        async def write(data):
            await may.wait()
            written.append(data)

        writer = Writer(write)
        await deferred(writer.idle())
        writer.write(b"x")
        idle = deferred(writer.idle())
        self.assertNoResult(idle)
        may.set()
        await idle
        self.assertEqual(written, [b"x"])

    async def test_failed_write(self):
        """
        A write that fails is a broken stream; closing ends what is under way, or has not begun.
        """

        async def write(data: bytes) -> None:
            if data:
                raise RuntimeError("no")
            await asyncio.Event().wait()

        for data, begins in ((b"x", True), (b"", True), (b"", False)):
            writer = Writer(write)
            waiting: list[Any] = [writer.write(data), writer.write(b"y")]
            if begins:
                await deferred(asyncio.sleep(0))
            if not data:
                writer.close()
            for each in (*waiting, writer.write(b"z")):
                await self.assertFailure(each, StreamBroken)
            await deferred(writer.idle())
            writer.close()

    async def test_ahead(self):
        """
        As many messages as may wait behind another need not be waited for, if they are small; the next one has to be.
        """
        written: list[bytes] = []
        gate = asyncio.Event()

        async def write(data: bytes) -> None:
            await gate.wait()
            written.append(data)

        writer = Writer(write, 2)
        self.assertEqual([writer.write(b"1"), writer.write(b"2"), writer.write(b"3")], [TAKEN] * 3)
        fourth: Any = writer.write(b"4")
        self.assertNoResult(fourth)
        gate.set()
        await fourth
        self.assertEqual(written, [b"1", b"2", b"3", b"4"])
        gate.clear()
        await writer.write(b"5")
        large: Any = writer.write(b"x" * AHEAD)
        self.assertNoResult(large)
        gate.set()
        await large
        self.assertEqual(len(written), 6)

    async def test_failed_ahead(self):
        """
        If a message fails that nobody waited for, the next one tells.
        """
        tried: list[bytes] = []

        async def write(data: bytes) -> None:
            tried.append(data)
            raise RuntimeError("no")

        writer = Writer(write, 2)
        await writer.write(b"1")
        writer.post(b"2")
        await deferred(writer.idle())
        failed: Any = writer.write(b"3")
        await self.assertFailure(failed, StreamBroken)
        self.assertEqual(tried, [b"1"])

    async def test_once(self):
        """
        However many ask, it is done once; a failure is everybody's.
        """
        done = []

        async def start():
            done.append(1)
            await asyncio.sleep(0)
            raise RuntimeError("no")

        once = Once(start)
        self.assertFalse(once.begun)
        both = [deferred(once.done()), deferred(once.done())]
        for each in both:
            await self.assertFailure(each, RuntimeError)
        await self.assertFailure(deferred(once.done()), RuntimeError)
        self.assertEqual(done, [1])


class RunningTests(SynchronousTestCase):
    """
    ``Running``.
    """

    def test_idle(self):
        """
        It is idle once every call has ended, however it ended, and leaves their results alone.
        """
        running = Running()
        self.successResultOf(running.idle())
        first: Deferred[None] = Deferred()
        second: Deferred[None] = Deferred()
        running.add(first)
        running.add(second)
        idle = [running.idle(), running.idle()]
        first.callback(None)
        self.assertNoResult(idle[0])
        second.errback(GitalyError("no"))
        self.failureResultOf(second, GitalyError)
        for each in idle:
            self.successResultOf(each)
