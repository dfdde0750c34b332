"""
Tests for :mod:`gitaly_tx.transport.packobjects` where packs are kept, with real git children. What holds of it where they are not
is shown by the tests of the service that uses it.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.interfaces import LimitReached
from gitaly_tx.limits.limit import Limit
from gitaly_tx.transport.packobjects import PackObjects, pack_request
from tests.support.git import git
from tests.support.streams import MemorySink, MemorySource

from . import test_packtaking


class ServeTests(test_packtaking.Taking):
    """
    ``PackObjects.serve``.
    """

    def serve_pack(self, sink: MemorySink, address: str = "", wanted: bytes = b"") -> Deferred[Any]:
        """
        Ask for all there is.
        """
        packs = PackObjects(self.git, kept=self.packs)
        request = pack_request(["pack-objects", "--revs", "--stdout", "-q"], "version=2")
        source = MemorySource([wanted or self.main, b"\n"])
        return Deferred.fromCoroutine(packs.serve(self.repository(), request, source, sink, address))

    async def test_once(self) -> None:
        """
        Who asks for the same gets the same pack, made once.
        """
        sinks = [MemorySink() for _ in range(3)]
        for serving in [self.serve_pack(sink) for sink in sinks]:
            await serving
        self.assertEqual([self.count(self.pack(bytes(sink.data))) for sink in sinks], [90] * 3)
        self.assertEqual(self.made(), ["pack-objects"])

    async def test_shallow(self) -> None:
        """
        A repository that is not to count as shallow is another one's pack.
        """
        await self.serve_pack(MemorySink())
        packs = PackObjects(self.git, kept=self.packs)
        request = pack_request(["--shallow-file", "", "pack-objects", "--revs", "--stdout", "-q"], "version=2")
        await Deferred.fromCoroutine(packs.serve(self.repository(), request, MemorySource([self.main + b"\n"]), self.stdout))
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)
        self.assertEqual(self.lookups, ["miss", "miss"])

    async def test_failure(self) -> None:
        """
        What git says when it fails reaches the caller, without the repository's place on this machine.
        """
        head = self.main
        os.unlink(os.path.join(self.directory.path, "HEAD"))
        error = await self.assertFailure(self.serve_pack(MemorySink(), wanted=head), GitalyError)
        self.assertEqual(error.code, Code.INTERNAL)
        self.assertRegex(error.message, r'^git-pack-objects: stderr: "fatal: .*" err: exit status 128$')
        self.assertNotIn(self.directory.path, error.message)

    async def test_not_kept(self) -> None:
        """
        Where a pack cannot be kept, it is made for one alone.
        """
        self.cache.keeping = type(self.cache.keeping)("/proc/nowhere")
        for _ in range(2):
            sink = MemorySink()
            await self.serve_pack(sink)
            self.assertEqual(self.count(self.pack(bytes(sink.data))), 90)
        self.assertEqual(self.made(), ["pack-objects"] * 2)

    async def test_objects(self) -> None:
        """
        Other objects are another pack.
        """
        await self.serve_pack(MemorySink())
        git("-C", self.directory.path, "update-ref", "refs/heads/main", "main~10")
        await self.serve_pack(self.stdout)
        self.assertEqual((self.count(self.pack(bytes(self.stdout.data))), self.lookups), (60, ["miss", "miss"]))


class ServeLimitedTests(ServeTests):
    """
    As many at once as there may be, where nothing is kept.
    """

    keeps = False

    def make_limiter(self) -> ConcurrencyLimiter:
        self.limit = ConcurrencyLimiter(self.limits_clock, Limit("packs", 1), 1, 60)
        return self.limit

    async def test_once(self) -> None:
        """
        One waits for the other, and is refused when that takes too long.
        """
        first = self.limit.enter("192.0.2.1")
        waiting = self.serve_pack(MemorySink(), address="192.0.2.1")
        while not self.limit.waiting("192.0.2.1"):
            await self.reading.threads.run(lambda: None)
        await self.serve_pack(self.stdout, address="192.0.2.2")
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)
        self.limits_clock.advance(60)
        await self.assertFailure(waiting, LimitReached)
        first.leave()
        self.assertEqual(self.limit.keys, 0)

    async def test_shallow(self) -> None:
        """
        Nothing is looked up.
        """
        await self.serve_pack(self.stdout)
        self.assertEqual((self.lookups, self.count(self.pack(bytes(self.stdout.data)))), ([], 90))

    async def test_objects(self) -> None:
        """
        Whoever goes while they wait takes nobody's place.
        """
        first = self.limit.enter("192.0.2.1")
        waiting = self.serve_pack(MemorySink(), address="192.0.2.1")
        while not self.limit.waiting("192.0.2.1"):
            await self.reading.threads.run(lambda: None)
        waiting.addErrback(lambda failure: None)
        waiting.cancel()
        self.assertEqual(self.limit.waiting("192.0.2.1"), 0)
        first.leave()
