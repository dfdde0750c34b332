"""
Tests for :mod:`gitaly_tx.transport.uploadpack`, :mod:`gitaly_tx.transport.uploadarchive` and
:mod:`gitaly_tx.transport.conversation`, with real git children.
"""

from __future__ import annotations

import io
import tarfile
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Limits
from gitaly_tx.git.process import GRACE
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport.interfaces import FetchRequest
from gitaly_tx.transport.uploadarchive import UploadArchive
from gitaly_tx.transport.uploadpack import PACK_BEGUN, UploadPack
from protocols.git import pktline
from tests.support.git import git, make_git, make_repository
from tests.support.leaks import LeakCheck
from tests.support.reading import Reading
from tests.support.streams import MemorySink, MemorySource, MemorySpliceSink

reactor: Any = _reactor

NEGOTIATION = 600.0


class UploadCase(LeakCheck, TestCase):
    """
    Serves a repository.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.clock = Clock()
        self.children = Children(reactor, reactor)
        self.git = make_git(children=self.children)
        self.reading = Reading(self.git)
        self.addCleanup(self.reading.stop)
        await super().setUp()
        self.upload = UploadPack(self.git, self.clock, NEGOTIATION)
        self.directory = make_repository(self.mktemp(), commits=30)
        self.stdout = MemorySink()
        self.stderr = MemorySink()

    @property
    def main(self) -> bytes:
        """
        The id of the branch.
        """
        return git("-C", self.directory.path, "rev-parse", "main").strip()

    def repository(self, directory: GitDirectory | None = None) -> IRepository:
        """
        The repository that is served.
        """
        return self.reading.repository(directory or self.directory)

    def wants(self, *, done: bool = True) -> bytes:
        """
        A request for everything.
        """
        capabilities = b" multi_ack_detailed side-band-64k thin-pack no-progress ofs-delta agent=git/test"
        wanted = pktline.data(b"want " + self.main + capabilities + b"\n") + pktline.FLUSH
        return wanted + (pktline.data(b"done\n") if done else b"")

    def pack(self, output: bytes, *, advertised: bool = False) -> bytes:
        """
        The pack in what git answered.
        """
        decoder = pktline.PktLineDecoder()
        packets = decoder.receive(bytes(output))
        bands = [each.payload for each in packets if isinstance(each, pktline.Packet)]
        return b"".join(payload[1:] for payload in bands if payload[:1] == b"\1")

    def serve(self, request: FetchRequest, source: MemorySource, stdout: MemorySink | None = None) -> Deferred[Any]:
        """
        Begin to serve.
        """
        serving = self.upload.serve(self.repository(), request, source, stdout or self.stdout, self.stderr)
        return Deferred.fromCoroutine(serving)

    def count(self, pack: bytes) -> int:
        """
        How many objects a pack has.
        """
        self.assertEqual(pack[:8], b"PACK\0\0\0\2")
        return int.from_bytes(pack[8:12], "big")


class StatelessTests(UploadCase):
    """
    One request, one answer.
    """

    async def test_clone(self):
        """
        A pack comes out whole, whether the sink can splice or not, and the input may come in any pieces.
        """
        for sink in (MemorySink(), MemorySpliceSink(reactor)):
            source = MemorySource([bytes([byte]) for byte in self.wants()])
            ended = await self.serve(FetchRequest(stateless=True), source, sink)
            self.assertEqual((ended.status, ended.stderr), (0, b""))
            self.assertEqual(self.count(self.pack(bytes(sink.data))), 90)

    async def test_half_close(self):
        """
        The end of what the client says ends git.
        """
        source = MemorySource([self.wants(done=False)], ends=False)
        serving = self.serve(FetchRequest(stateless=True), source)
        source.end()
        self.assertEqual((await serving).status, 0)

    async def test_client_keeps_its_side_open(self):
        """
        A client that does not say that it has ended does not keep the answer from ending.
        """
        source = MemorySource([self.wants()], ends=False)
        ended = await self.serve(FetchRequest(stateless=True), source)
        self.assertEqual(ended.status, 0)
        source.feed(b"not lost")
        self.assertEqual(await source.read(), b"not lost")

    async def test_protocol_v2(self):
        """
        The protocol's version and the caller's settings reach git.
        """
        ask = pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH
        git("-C", self.directory.path, "update-ref", "refs/heads/other", "main")
        request = FetchRequest("version=2", ("uploadpack.hideRefs=refs/heads/other",), stateless=True)
        ended = await self.serve(request, MemorySource([ask]))
        self.assertEqual(ended.status, 0)
        self.assertEqual(
            bytes(self.stdout.data),
            pktline.data(self.main + b" HEAD\n") + pktline.data(self.main + b" refs/heads/main\n") + b"0000",
        )

    async def test_filter_and_hidden_object(self):
        """
        Partial clones are served, and objects that no ref shows may be asked for by their id.
        """
        tree = git("-C", self.directory.path, "rev-parse", "main~3^{tree}").strip()
        wanted = pktline.data(b"want " + tree + b" side-band-64k no-progress filter\n") + pktline.data(b"filter blob:none\n")
        source = MemorySource([wanted + pktline.FLUSH + pktline.data(b"done\n")])
        ended = await self.serve(FetchRequest(stateless=True), source)
        self.assertEqual((ended.status, self.count(self.pack(bytes(self.stdout.data)))), (0, 1))

    async def test_garbage(self):
        """
        What is not git's protocol ends git with an error, which the caller is given.
        """
        ended = await self.serve(FetchRequest(stateless=True), MemorySource([b"this is no pkt-line"]))
        self.assertEqual(ended.status, 128)
        self.assertEqual(ended.stderr, b"fatal: protocol error: bad line length character: this\n")
        self.assertEqual(bytes(self.stderr.data), ended.stderr)

    async def test_injection(self):
        """
        A setting that would run something is refused before git is started.
        """
        serving = self.serve(FetchRequest(config=("uploadpack.packObjectsHook=id",)), MemorySource())
        error = await self.assertFailure(serving, GitalyError)
        self.assertIs(error.code, Code.INVALID_ARGUMENT)
        self.assertEqual(len(self.children), 0)

    async def test_client_goes_away(self):
        """
        When the client goes away, whichever side tells, git is killed at once.
        """
        big = make_repository(self.mktemp(), commits=1)
        blob = git("-C", big.path, "hash-object", "-w", "--stdin", stdin=bytes(range(256)) * 40000)
        tree = git("-C", big.path, "mktree", stdin=b"100644 blob " + blob.strip() + b"\tbig\n")
        commit = git("-C", big.path, "commit-tree", "-m", "x", tree.decode().strip())
        git("-C", big.path, "-c", "core.compression=0", "update-ref", "refs/heads/main", commit.decode().strip())
        for source, sink in (
            (MemorySource(ends=False), MemorySink()),
            (MemorySource([self.wants()]), MemorySink(breaks_after=10)),
            (MemorySource([self.wants()]), MemorySpliceSink(reactor, breaks_after=10)),
        ):
            serving = self.serve(FetchRequest(stateless=True), source, sink)
            if not isinstance(sink, MemorySpliceSink) and sink._breaks_after is None:
                source.disconnect()
            await self.assertFailure(serving, StreamBroken)
            self.assertEqual(len(self.children), 0)

    async def test_cancelled(self):
        """
        Cancelling kills git, and waits until it is gone.
        """
        serving = self.serve(FetchRequest(stateless=True), MemorySource(ends=False))
        self.assertEqual(len(self.children), 1)
        serving.cancel()
        await self.assertFailure(serving, CancelledError)
        self.assertEqual(len(self.children), 0)

    async def test_git_ends_first(self):
        """
        What the client still sends after git's end is left where it is.
        """
        source = MemorySource([b"this is no pkt-line", *([b"x" * 65536] * 100)], ends=False)
        ended = await self.serve(FetchRequest(stateless=True), source)
        self.assertEqual(ended.status, 128)

    async def test_failing_sink(self):
        """
        A sink that fails in its own way ends git too, and its error comes out.
        """

        class Failing(MemorySink):
            def write(self, data: bytes) -> Deferred[None]:
                raise RuntimeError("cannot write")

        await self.assertFailure(self.serve(FetchRequest(), MemorySource(ends=False), Failing()), RuntimeError)
        await self.children.wait_all()

    async def test_broken_source(self):
        """
        A source that fails in its own way ends git too, and its error comes out.
        """

        class Broken(MemorySource):
            async def read(self) -> bytes:  # type: ignore[override]
                raise GitalyError("cannot decode", Code.INTERNAL)

        error = await self.assertFailure(self.serve(FetchRequest(), Broken()), GitalyError)
        self.assertEqual(error.message, "cannot decode")

    async def test_limits(self):
        """
        A child can be given limits of its own.
        """
        self.upload = UploadPack(self.git, self.clock, NEGOTIATION, Limits(seconds=0.05))
        ended = await self.serve(FetchRequest(stateless=True), MemorySource(ends=False))
        self.assertEqual(str(ended), "signal: killed")


class ConversationTests(UploadCase):
    """
    A fetch as a conversation, and how long it may take.
    """

    async def test_clone(self):
        """
        git begins, the client answers, and may leave its side open.
        """
        source = MemorySource(ends=False)
        serving = self.serve(FetchRequest(), source)
        await self.stdout.contains(b"refs/heads/main\n0000")
        source.feed(self.wants())
        self.assertEqual((await serving).status, 0)
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_client_that_says_nothing(self):
        """
        A client that does not come to the point in time is cut off.
        """
        serving = self.serve(FetchRequest(), MemorySource(ends=False))
        await self.stdout.contains(b"0000")
        self.clock.advance(NEGOTIATION - 1)
        self.assertNoResult(serving)
        self.clock.advance(1)
        error = await self.assertFailure(serving, GitalyError)
        self.assertEqual((error.message, error.code), ("waiting for negotiation: context canceled", Code.DEADLINE_EXCEEDED))
        self.assertEqual(len(self.children), 0)

    async def test_client_that_only_wants(self):
        """
        A client that says what it wants, and then nothing, is cut off as well.
        """
        serving = self.serve(FetchRequest(), MemorySource([self.wants(done=False)], ends=False))
        await self.stdout.contains(b"0000")
        self.clock.advance(NEGOTIATION)
        error = await self.assertFailure(serving, GitalyError)
        self.assertIs(error.code, Code.DEADLINE_EXCEEDED)

    async def test_slow_clone(self):
        """
        Once the client has said that it is done, it may take as long as it likes (C9).
        """
        stdout = MemorySink()
        source = MemorySource(ends=False)
        serving = self.serve(FetchRequest(), source, stdout)
        await stdout.contains(b"0000")
        stdout.slow = True
        source.feed(self.wants())
        await stdout.contains(b"NAK")
        self.clock.advance(10 * NEGOTIATION)
        self.assertNoResult(serving)
        stdout.go_on()
        self.assertEqual((await serving).status, 0)

    async def test_slow_fetch_without_done(self):
        """
        In v2 the server may find that it knows enough, and the client never says that it is done; the pack is not cut then.
        """
        blob = git(
            "-C",
            self.directory.path,
            "hash-object",
            "-w",
            "--stdin",
            stdin=b"".join(b"%d " % (n * n * n * 7919) for n in range(PACK_BEGUN)),
        )
        tree = git("-C", self.directory.path, "mktree", stdin=b"100644 blob " + blob.strip() + b"\tbig\n").decode().strip()
        commit = git("-C", self.directory.path, "commit-tree", "-m", "x", "-p", "main", tree).strip()
        before = self.main
        git("-C", self.directory.path, "update-ref", "refs/heads/main", commit.decode())
        stdout = MemorySink()
        source = MemorySource(ends=False)
        serving = self.serve(FetchRequest("version=2"), source, stdout)
        await stdout.contains(b"0000")
        fetch = pktline.data(b"command=fetch") + pktline.DELIM + pktline.data(b"no-progress\n")
        fetch += pktline.data(b"want " + commit + b"\n") + pktline.data(b"have " + before + b"\n") + pktline.FLUSH
        source.feed(fetch)
        await stdout.contains(b"PACK")
        while len(stdout.data) < 2 * PACK_BEGUN:
            await self.children_turn()
        self.clock.advance(NEGOTIATION)
        source.end()
        self.assertEqual((await serving).status, 0)

    def children_turn(self) -> Deferred[None]:
        """
        A turn of the reactor.
        """
        made: Deferred[None] = Deferred()
        reactor.callLater(0.001, made.callback, None)
        return made

    async def test_hung_up(self):
        """
        A client that goes in the middle of a conversation makes git say so.
        """
        source = MemorySource([self.wants(done=False)[:20]], ends=True)
        ended = await self.serve(FetchRequest(), source)
        self.assertEqual(ended.status, 128)
        self.assertIn(b"hung up", ended.stderr)


class ArchiveTests(UploadCase):
    """
    ``git archive --remote``.
    """

    def archive(self, source: MemorySource) -> Deferred[Any]:
        """
        Begin to serve.
        """
        serving = UploadArchive(self.git, self.clock, 60.0).serve(self.repository(), source, self.stdout, self.stderr)
        return Deferred.fromCoroutine(serving)

    async def test_archive(self):
        """
        An archive comes out.
        """
        ended = await self.archive(MemorySource([pktline.data(b"argument main\n") + pktline.FLUSH], ends=False))
        self.assertEqual(ended.status, 0)
        with tarfile.open(fileobj=io.BytesIO(self.pack(bytes(self.stdout.data)))) as tar:
            self.assertEqual(len(tar.getnames()), 30)

    async def test_time(self):
        """
        A client that does not come to the point in time is cut off; afterwards it may take its time.
        """
        serving = self.archive(MemorySource([pktline.data(b"argument main\n")], ends=False))
        self.clock.advance(60)
        error = await self.assertFailure(serving, GitalyError)
        self.assertEqual((error.message, error.code), ("waiting for negotiation: context canceled", Code.DEADLINE_EXCEEDED))
        self.stdout.slow = True
        serving = self.archive(MemorySource([pktline.data(b"argument main\n") + pktline.FLUSH], ends=False))
        await self.stdout.contains(b"ACK")
        self.clock.advance(600)
        self.stdout.go_on()
        self.assertEqual((await serving).status, 0)

    async def test_failure(self):
        """
        A request for nothing ends git with an error.
        """
        ended = await self.archive(MemorySource())
        self.assertEqual(ended.status, 128)
        self.assertEqual(ended.stderr, b"fatal: sent error to the client: git upload-archive: archiver died with error\n")

    async def test_injection(self):
        """
        Archive commands that git would only run for a local user are refused by git's own rules.
        """
        ended = await self.archive(
            MemorySource([pktline.data(b"argument --exec=touch /tmp/x\n") + pktline.data(b"argument main\n") + pktline.FLUSH])
        )
        self.assertNotEqual(ended.status, 0)


class GraceTests(TestCase):
    """
    How long a dead client may keep us.
    """

    def test_two_seconds(self):
        """
        The child of a client that has gone is gone within two seconds (C1).
        """
        self.assertLessEqual(GRACE, 2.0)
