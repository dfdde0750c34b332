"""
Tests for :mod:`gitaly_tx.transport.packhook` and :mod:`gitaly_tx.transport.objectlist`.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gitaly_tx.transport.objectlist import ObjectList
from gitaly_tx.transport.packhook import MOST_WORDS, BadRequest, PackHook
from tests.support.leaks import LeakCheck

reactor: Any = _reactor


class AtOnce:
    """
    In the place of threads.
    """

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, work: Any, *args: Any) -> Any:
        self.runs += 1
        return work(*args)


class HookTests(LeakCheck, TestCase):
    """
    ``PackHook``, with the shell that git would run.
    """

    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]
        await deferToThread(lambda: None)
        await super().setUp()
        self.hook = PackHook(reactor)
        self.addCleanup(self.hook.close)
        self.threads: Any = AtOnce()

    async def _compare(self) -> None:
        self.hook.close()
        await super()._compare()

    def run_script(self, *words: str) -> subprocess.Popen[bytes]:
        """
        Run the hook as git does.
        """
        script = self.hook.config().value.decode() + ' "$@"'
        process = subprocess.Popen(
            ["/bin/sh", "-c", script, "hook", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=self.hook.descriptors,
        )
        self.hook.started()
        return process

    async def test_asking(self) -> None:
        """
        What was asked for comes over whole, empty words and odd ones too; given the list back, the hook does it itself.
        """
        words = ("cat", "-", "--shallow-file", "", "--filter=a'b \"c", "%s\\n")
        process = self.run_script("sh", "-c", 'cat; printf "%s|" "$@"', *words)
        closing = deferToThread(_give, process, b"1234\n--not\n\n" * 50_000)
        asked = await self.hook.asked(ObjectList(self.threads, 100))
        assert asked is not None
        await closing
        self.assertEqual(asked.words[3:], [word.encode() for word in words])
        reading = deferToThread(process.stdout.read)  # type: ignore[union-attr]
        await self.hook.let_go(asked.objects)
        output = await reading
        self.assertEqual(output, b"1234\n--not\n\n" * 50_000 + "|".join([*words[1:], ""]).encode())
        asked.objects.close()
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()  # type: ignore[union-attr]
        self.assertEqual(await deferToThread(process.wait), 0)

    async def test_without_pipes(self) -> None:
        """
        A hook that does not have the pipes does it all itself.
        """
        script = self.hook.config().value.decode() + ' "$@"'
        done = await deferToThread(
            lambda: subprocess.run(["/bin/sh", "-c", script, "hook", "cat", "-"], input=b"1234\n", capture_output=True)
        )
        self.assertEqual((done.stdout, done.stderr, done.returncode), (b"1234\n", b"", 0))

    async def test_nobody_asks(self) -> None:
        """
        When whoever could ask has ended, nobody does.
        """
        self.hook.started()
        self.assertIsNone(await self.hook.asked(ObjectList(self.threads)))

    async def test_malformed(self) -> None:
        """
        What no hook writes is refused, however it is cut.
        """
        cases = (
            b"x\0", b"-1\0", b"99999999\0", b"1\0pack", b"1\0pack-objects\0abc", b"\0", b"3", b"1\0" + b"x" * (MOST_WORDS * 1024),
        )  # fmt: skip
        for data in cases:
            hook = PackHook(reactor)
            asking = hook.descriptors[0]
            writing = deferToThread(_write_all, asking, data)
            objects = ObjectList(self.threads)
            waiting = hook.asked(objects)
            writing.addBoth(_started, hook)
            with self.assertRaises(BadRequest, msg=data[:20]):
                await waiting
            hook.close()
            await writing

    async def test_in_pieces(self) -> None:
        """
        A question may come byte by byte.
        """
        asking = self.hook.descriptors[0]
        data = b"2\0git\0\0abc\n\0"
        for at in range(len(data)):
            reactor.callLater(0.002 * at, os.write, asking, data[at : at + 1])
        asked = await self.hook.asked(ObjectList(self.threads))
        assert asked is not None
        self.assertEqual((asked.words, [piece async for piece in asked.objects.pieces()]), ([b"git", b""], [b"abc\n"]))


def _give(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()


def _started(_: object, hook: PackHook) -> None:
    hook.started()


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        pass


class ObjectListTests(LeakCheck, TestCase):
    """
    ``ObjectList``.
    """

    async def test_pieces(self) -> None:
        """
        What was added comes out again, as often as one likes, whether it was in memory or not, and has one digest.
        """
        found = set()
        for in_memory in (1000, 10, 0):
            threads: Any = AtOnce()
            objects = ObjectList(threads, in_memory)
            for piece in (b"abc\n" * 2, b"--not\n", b"def\n"):
                await objects.add(piece)
            for _ in range(2):
                self.assertEqual(b"".join([piece async for piece in objects.pieces()]), b"abc\n" * 2 + b"--not\ndef\n")
            self.assertEqual(threads.runs > 0, in_memory < 1000)
            found.add(objects.digest.digest())
            objects.close()
        self.assertEqual(len(found), 1)

    async def test_holders(self) -> None:
        """
        It is closed with the last who needs it.
        """
        threads: Any = AtOnce()
        objects = ObjectList(threads, 0)
        await objects.add(b"abc")
        objects.hold()
        objects.close()
        self.assertEqual([piece async for piece in objects.pieces()], [b"abc"])
        objects.close()
