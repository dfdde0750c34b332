"""
Tests for :mod:`gitaly_tx.transport.packtaking`, :mod:`gitaly_tx.transport.keptpacks` and :mod:`gitaly_tx.transport.packhook`,
with real git children.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import Clock, deferLater

from gitaly_tx.cache.generations import Generations
from gitaly_tx.cache.streamcache import Keeping, StreamCache, Told, Unkept
from gitaly_tx.errors import GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.interfaces import LimitReached
from gitaly_tx.limits.limit import Limit
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport import keptpacks, packtaking
from gitaly_tx.transport.interfaces import FetchRequest
from gitaly_tx.transport.keptpacks import KeptPacks, waiting_text
from gitaly_tx.transport.objectlist import ObjectList
from gitaly_tx.transport.packtaking import ABORTED, EXHAUSTED, PackTaking
from gitaly_tx.transport.telling import TELL_AFTER, TELL_EVERY
from gitaly_tx.transport.uploadpack import UploadPack
from protocols.git import pktline
from protocols.git.sideband import KEEPALIVE
from tests.support.git import git, make_repository
from tests.support.streams import MemorySink, MemorySource, MemorySpliceSink

from . import test_uploadpack
from .test_uploadpack import NEGOTIATION, reactor


class Taking(test_uploadpack.UploadCase):
    """
    Packs are kept.
    """

    limiter: ConcurrencyLimiter | None = None
    keeps = True

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.lookups: list[str] = []
        self.commands: list[Command] = []
        self.generations = Generations()
        self.limits_clock = Clock()
        self.cache_clock = Clock()
        self.served = 0
        self._spawn = self.git.spawn
        self.git.spawn = self._spawned  # type: ignore[method-assign]
        told = Told(self.lookups.append, lambda size: None, lambda count, size: None)
        cache: Any = StreamCache(reactor, self.reading.threads, Keeping(os.path.abspath(self.mktemp()), reserve=0), told)
        self.cache = cache
        packs = KeptPacks(
            self.git,
            reactor,
            self.limits_clock,
            self.reading.threads,
            cache if self.keeps else Unkept(),
            self.generations.of,
            self.make_limiter(),
        )
        self.packs = packs
        self.upload = UploadPack(self.git, self.clock, NEGOTIATION, taking=PackTaking(reactor, packs))

    def make_limiter(self) -> ConcurrencyLimiter | None:
        return None

    def _spawned(self, command: Command, **more: Any) -> Any:
        self.commands.append(command)
        return self._spawn(command, **more)

    async def _compare(self) -> None:
        self.cache.stop()
        await super()._compare()

    def made(self) -> list[str]:
        """
        The git commands that ran, in order.
        """
        return [command.name for command in self.commands]

    def fetch_v2(self, *lines: bytes, done: bool = True) -> bytes:
        """
        A fetch of the branch, in v2.
        """
        asked = [b"want " + self.main + b"\n", *lines, *([b"done\n"] if done else [])]
        return pktline.data(b"command=fetch") + pktline.DELIM + b"".join(map(pktline.data, asked)) + pktline.FLUSH

    def wants_with(self, capabilities: bytes) -> bytes:
        """
        A fetch of the branch, in v0.
        """
        return pktline.data(b"want " + self.main + capabilities + b"\n") + pktline.FLUSH + pktline.data(b"done\n")

    def bands(self, output: bytes, band: int) -> bytes:
        """
        What came in a band.
        """
        packets = pktline.PktLineDecoder().receive(bytes(output))
        payloads = [each.payload for each in packets if isinstance(each, pktline.Packet)]
        return b"".join(payload[1:] for payload in payloads if payload[:1] == bytes([band]))


class TakenStatelessTests(Taking, test_uploadpack.StatelessTests):
    """
    Whatever holds of single requests holds when packs are kept.
    """


class TakenConversationTests(Taking, test_uploadpack.ConversationTests):
    """
    Whatever holds of conversations holds when packs are kept.
    """


class SharedTests(Taking):
    """
    One pack for all who want the same.
    """

    async def test_once(self) -> None:
        """
        Equal fetches at the same time, and later ones, share one pack, whichever way it goes out; each gets all of it.
        """
        request = FetchRequest("version=2", stateless=True)
        sinks: list[MemorySink] = [MemorySink(), MemorySpliceSink(reactor), MemorySink(), MemorySpliceSink(reactor)]
        serving = [self.serve(request, MemorySource([self.fetch_v2(b"no-progress\n")]), sink) for sink in sinks]
        results = await DeferredList(serving)
        self.assertEqual([ended.status for _, ended in results], [0] * 4)
        late = MemorySink()
        await self.serve(request, MemorySource([self.fetch_v2(b"no-progress\n")]), late)
        for sink in [*sinks, late]:
            self.assertEqual(self.count(self.pack(bytes(sink.data))), 90)
            self.assertTrue(bytes(sink.data).startswith(pktline.data(b"packfile\n")))
            self.assertTrue(bytes(sink.data).endswith(pktline.FLUSH))
        self.assertEqual(sorted(self.made()), ["pack-objects", *["upload-pack"] * 5])
        self.assertEqual(sorted(self.lookups), [*["hit"] * 4, "miss"])

    async def test_different(self) -> None:
        """
        Another request, another setting, another repository, or a write in between are another pack.
        """
        for config, lines, written in (
            ((), (b"no-progress\n",), False),
            ((), (b"no-progress\n", b"ofs-delta\n"), False),
            ((), (b"no-progress\n", b"filter blob:none\n"), False),
            ((), (b"no-progress\n", b"have " + git("-C", self.directory.path, "rev-parse", "main~3").strip() + b"\n"), False),
            (("pack.compression=1",), (b"no-progress\n",), False),
            ((), (b"no-progress\n",), True),
        ):
            if written:
                self.generations.written(self.repository().partition)
            request = FetchRequest("version=2", config, stateless=True)
            ended = await self.serve(request, MemorySource([self.fetch_v2(*lines)]), MemorySink())
            self.assertEqual(ended.status, 0, (ended, lines))
        self.assertEqual((self.lookups, self.made().count("pack-objects")), (["miss"] * 6, 6))

    async def test_same_bytes(self) -> None:
        """
        What comes out is what upload-pack alone would have sent: pack, progress and marks.
        """
        plain, taken = MemorySink(), MemorySink()
        for lines in ((), (b"no-progress\n", b"include-tag\n"), (b"deepen 2\n",), (b"filter blob:none\n", b"thin-pack\n")):
            request = FetchRequest("version=2", stateless=True)
            asked = self.fetch_v2(*lines)
            await self.serve(request, MemorySource([asked]), taken)
            alone = UploadPack(self.git, self.clock, NEGOTIATION)
            await Deferred.fromCoroutine(alone.serve(self.repository(), request, MemorySource([asked]), plain, self.stderr))
            self.assertEqual(self.pack(bytes(taken.data)), self.pack(bytes(plain.data)), lines)
            ends = [bytes(sink.data[: sink.data.index(b"packfile\n")]) for sink in (taken, plain)]
            self.assertEqual(ends[0], ends[1])
            self.assertIn(b"Total ", self.bands(bytes(taken.data), 2) if not lines else b"Total ")

    async def test_small_sidebands(self) -> None:
        """
        A client that does not understand the large packets of the sideband is served by upload-pack itself.
        """
        for word, bands in ((b" side-band", True), (b" ofs-delta", False)):
            sink = MemorySink()
            ended = await self.serve(FetchRequest(stateless=True), MemorySource([self.wants_with(word)]), sink)
            self.assertEqual(ended.status, 0)
            data = bytes(sink.data)
            self.assertEqual(self.count(self.pack(data) if bands else data[data.index(b"PACK") :]), 90)
        self.assertEqual((self.lookups, self.made()), ([], ["upload-pack"] * 2))

    async def test_out_of_the_ordinary(self) -> None:
        """
        A pack that is to be made in a way that nobody has thought about is made by upload-pack itself.
        """

        def refuse(arguments: Sequence[str], protocol: str) -> Any:
            raise GitalyError("flag not allowed")

        self.patch(packtaking, "pack_request", refuse)
        ended = await self.serve(FetchRequest("version=2", stateless=True), MemorySource([self.fetch_v2(b"no-progress\n")]))
        self.assertEqual((ended.status, self.lookups, self.made()), (0, [], ["upload-pack"]))
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)

    async def test_quarantine(self) -> None:
        """
        What is seen through a quarantine is nobody else's.
        """
        directory = self.directory.quarantined(os.path.join(self.directory.path, "objects"))
        serving = self.upload.serve(
            self.repository(directory), FetchRequest(stateless=True), MemorySource([self.wants()]), self.stdout, self.stderr
        )
        self.assertEqual((await Deferred.fromCoroutine(serving)).status, 0)
        self.assertEqual((self.lookups, self.count(self.pack(bytes(self.stdout.data)))), ([], 90))

    async def test_further_requests(self) -> None:
        """
        In v2 a client may go on after a pack.
        """
        source = MemorySource(ends=False)
        serving = self.serve(FetchRequest("version=2"), source)
        await self.stdout.contains(b"0000")
        for number in (1, 2):
            source.feed(self.fetch_v2(b"no-progress\n"))
            while bytes(self.stdout.data).count(b"packfile\n") < number or not self.stdout.data.endswith(b"0000"):
                await deferLater(reactor, 0.001)
        source.feed(pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH)
        await self.stdout.contains(b"refs/heads/main\n0000")
        source.feed(pktline.FLUSH)
        source.end()
        self.assertEqual((await serving).status, 0)
        self.assertEqual(self.made().count("pack-objects"), 1)

    async def test_refused_afterwards(self) -> None:
        """
        A request after a pack that is none ends the conversation as it would have ended upload-pack.
        """
        source = MemorySource([self.fetch_v2(b"no-progress\n")], ends=False)
        serving = self.serve(FetchRequest("version=2"), source)
        await self.stdout.contains(b"packfile\n")
        while not self.stdout.data.endswith(b"0000"):
            await deferLater(reactor, 0.001)
        source.feed(pktline.data(b"command=nonsense\n") + pktline.FLUSH)
        self.assertEqual((await serving).status, 128)

    async def test_long_list(self) -> None:
        """
        A list of objects that is too long to be kept in memory goes through all the same.
        """
        self.patch(keptpacks, "ObjectList", lambda threads: ObjectList(threads, 16))
        have = b"have " + git("-C", self.directory.path, "rev-parse", "main~5").strip() + b"\n"
        for request, source in (
            (FetchRequest("version=2", stateless=True), self.fetch_v2(have, b"no-progress\n")),
            (FetchRequest(stateless=True), self.wants_with(b" side-band no-progress")),
        ):
            sink = MemorySink()
            ended = await self.serve(request, MemorySource([source]), sink)
            self.assertEqual((ended.status, ended.stderr), (0, b""))
        self.assertEqual(self.count(self.pack(bytes(sink.data))), 90)


class SlowTests(Taking):
    """
    Clients that are slow, or go away.
    """

    def grown(self) -> None:
        """
        Make the repository's pack larger than what pipes hold.
        """
        blob = git("-C", self.directory.path, "hash-object", "-w", "--stdin", stdin=os.urandom(8 << 20)).strip()
        tree = git("-C", self.directory.path, "mktree", stdin=b"100644 blob " + blob + b"\tbig\n").decode().strip()
        commit = git("-C", self.directory.path, "commit-tree", "-m", "x", "-p", "main", tree).decode().strip()
        git("-C", self.directory.path, "update-ref", "refs/heads/main", commit)

    async def test_no_child(self) -> None:
        """
        A client that takes nothing keeps no git: upload-pack and pack-objects end while it waits. It gets everything in the end.
        """
        self.grown()
        spliced = MemorySpliceSink(reactor)
        for sink in (MemorySink(slow=True), spliced):
            serving = self.serve(FetchRequest("version=2", stateless=True), MemorySource([self.fetch_v2()]), sink)
            if sink is not spliced:
                sink.slow = False
                await sink.contains(b"packfile")
                sink.slow = True
            await self.children.wait_all()
            while "pack-objects" not in self.made() or len(self.children):
                await deferLater(reactor, 0.005)
            if sink is not spliced:
                self.assertNoResult(serving)
                sink.go_on()
            self.assertEqual((await serving).status, 0)
            self.assertEqual(self.count(self.pack(bytes(sink.data))), 93)

    async def test_one_goes_away(self) -> None:
        """
        When one of two goes away, whichever way, the other gets its pack; when both do, it is not made any further.
        """
        self.grown()
        request, asked = FetchRequest("version=2", stateless=True), self.fetch_v2()
        staying = MemorySink()
        for leaving in (MemorySink(breaks_after=100_000), MemorySpliceSink(reactor, breaks_after=100_000)):
            serving = [self.serve(request, MemorySource([asked]), sink) for sink in (leaving, staying)]
            await self.assertFailure(serving[0], StreamBroken)
            self.assertEqual((await serving[1]).status, 0)
            self.assertEqual(self.count(self.pack(bytes(staying.data))), 93)
            staying.data.clear()
        self.generations.written(self.repository().partition)
        both = [self.serve(request, MemorySource([asked]), MemorySink(slow=True)) for _ in range(2)]
        while self.made().count("pack-objects") < 2:
            await deferLater(reactor, 0.001)
        for serving_one in both:
            serving_one.cancel()
            await self.assertFailure(serving_one, CancelledError)
        await self.children.wait_all()
        self.assertEqual(self.cache.kept[0], 1)

    async def test_cancelled_early(self) -> None:
        """
        A call that is cancelled at any moment leaves nothing behind.
        """
        for turns in range(12):
            self.generations.written(self.repository().partition)
            serving = self.serve(FetchRequest("version=2", stateless=True), MemorySource([self.fetch_v2()]), MemorySink())
            for _ in range(turns):
                await deferLater(reactor, 0.002)
            serving.cancel()
            serving.addErrback(lambda failure: failure.trap(CancelledError))
            await serving
            await self.children.wait_all()


class FailureTests(Taking):
    """
    Packs that cannot be made.
    """

    async def test_corrupt(self) -> None:
        """
        A repository with a missing object: the client is told as by upload-pack, the caller gets an exit status and git's words,
        and the next one tries anew.
        """
        blob = git("-C", self.directory.path, "rev-parse", "main:file-3").decode().strip()
        directory = make_repository(self.mktemp(), commits=0)
        self.directory = directory
        git(
            "-C",
            directory.path,
            "fetch",
            "-q",
            self.reading.repository(make_repository(self.mktemp(), 5)).directory.path,
            "+main:main",
        )
        git("-C", directory.path, "unpack-objects", "-q", stdin=b"", check=False)
        for pack in os.listdir(os.path.join(directory.path, "objects", "pack")):
            os.rename(os.path.join(directory.path, "objects", "pack", pack), os.path.join(directory.path, pack))
        for pack in os.listdir(directory.path):
            if pack.endswith(".pack"):
                with open(os.path.join(directory.path, pack), "rb") as file:
                    git("-C", directory.path, "unpack-objects", "-q", stdin=file.read())
        os.unlink(os.path.join(directory.path, "objects", blob[:2], blob[2:]))
        for _ in range(2):
            sink = MemorySink()
            ended = await self.serve(FetchRequest("version=2", stateless=True), MemorySource([self.fetch_v2()]), sink)
            self.assertEqual(ended.status, 128)
            self.assertIn(b"git-pack-objects died with error", ended.stderr)
            self.assertEqual(self.bands(bytes(sink.data), 3), ABORTED)
        self.assertEqual(self.made().count("pack-objects"), 2)

    async def test_no_room(self) -> None:
        """
        Where a pack cannot be kept, upload-pack makes it itself.
        """
        self.cache.keeping = Keeping("/proc/nowhere")
        ended = await self.serve(FetchRequest("version=2", stateless=True), MemorySource([self.fetch_v2()]))
        self.assertEqual((ended.status, self.made()), (0, ["upload-pack"]))
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)

    async def test_no_pack_wanted(self) -> None:
        """
        An upload-pack that fails before it wants a pack fails as ever.
        """
        ended = await self.serve(
            FetchRequest("version=2", stateless=True), MemorySource([pktline.data(b"command=odd\n") + b"0000"])
        )
        self.assertEqual((ended.status, self.made()), (128, ["upload-pack"]))


class KeepaliveTests(Taking):
    """
    Clients whose pack takes long.
    """

    async def test_keepalive(self) -> None:
        """
        Somebody who hears nothing for a while is told that somebody is there.
        """

        class Silent:
            fd = os.open(os.devnull, os.O_RDONLY)
            size = noted = 0
            notes = b""
            ended = False
            asked = 0

            async def changed(self, size: int, noted: int, seconds: float) -> bool:
                self.asked += 1
                self.ended = self.asked > 2
                return self.ended

        silent: Any = Silent()
        self.addCleanup(os.close, silent.fd)
        self.remember()
        await Deferred.fromCoroutine(self.packs.send(silent, self.stdout))
        self.assertEqual(bytes(self.stdout.data), KEEPALIVE * 2)


class LimitedTests(Taking):
    """
    As many packs at once as there may be.
    """

    address = "192.0.2.1"

    def make_limiter(self) -> ConcurrencyLimiter:
        self.limit = ConcurrencyLimiter(self.limits_clock, Limit("packs", 1), 1, 60)
        return self.limit

    def fetch(self, sink: MemorySink, *lines: bytes, address: str = address) -> Deferred[Any]:
        request = FetchRequest("version=2", stateless=True, address=address)
        return self.serve(request, MemorySource([self.fetch_v2(b"no-progress\n", *lines)]), sink)

    async def waiting(self) -> None:
        while not self.limit.waiting(self.address):
            await deferLater(reactor, 0.001)

    async def test_waiting(self) -> None:
        """
        A second pack for one address waits for the first, and is told so; other addresses and this machine do not wait.
        """
        first = self.limit.enter(self.address)
        sink = MemorySink()
        serving = self.fetch(sink)
        await self.waiting()
        self.limits_clock.advance(TELL_AFTER)
        self.limits_clock.advance(TELL_EVERY)
        self.assertEqual((await self.fetch(MemorySink(), b"ofs-delta\n", address="192.0.2.2")).status, 0)
        self.assertEqual((await self.fetch(MemorySink(), b"thin-pack\n", address="")).status, 0)
        self.assertNoResult(serving)
        first.leave()
        self.assertEqual((await serving).status, 0)
        if self.keeps:
            self.assertEqual(self.bands(bytes(sink.data), 2), waiting_text(0) * 2)
        self.assertEqual(self.limit.keys, 0)
        self.assertEqual(waiting_text(2), b"Waiting for other packs to be made; 2 before this one.\n")

    async def test_refused(self) -> None:
        """
        Who waits too long is refused, in Gitaly's words.
        """
        first = self.limit.enter(self.address)
        sink = MemorySink()
        serving = self.fetch(sink)
        await self.waiting()
        full = MemorySink()
        error = await self.assertFailure(self.fetch(full, b"ofs-delta\n"), LimitReached)
        self.assertEqual((error.reason, self.bands(bytes(full.data), 3)), ("max_size", EXHAUSTED))
        self.limits_clock.advance(60)
        error = await self.assertFailure(serving, LimitReached)
        self.assertEqual((error.reason, self.bands(bytes(sink.data), 3)), ("max_time", EXHAUSTED))
        first.leave()
        self.assertEqual((self.limit.keys, self.limits_clock.getDelayedCalls()), (0, []))


class LimitedUnkeptTests(LimitedTests):
    """
    The same where no packs are kept.
    """

    keeps = False
