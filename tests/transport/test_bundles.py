"""
Tests for :mod:`gitaly_tx.transport.bundles` and :mod:`gitaly_tx.transport.bundlestore`, with real git children.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import Limits
from gitaly_tx.git.runner import Git
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport.bundles import RESERVE, Bundles, Often
from gitaly_tx.transport.bundlestore import MOST_CONFIG, Bundle, BundleStore, key_of, mark_of
from gitaly_tx.transport.inforefs import InfoRefs
from gitaly_tx.transport.interfaces import FetchRequest
from gitaly_tx.transport.uploadpack import UploadPack
from gitaly_tx.wal.interfaces import Partition
from protocols.git import bundleuri, pktline
from tests.support.git import git, make_repository
from tests.support.streams import MemorySink, MemorySource, MemorySpliceSink

from . import test_uploadpack
from .test_uploadpack import NEGOTIATION, reactor

ASKED = pktline.data(b"agent=x") + pktline.data(b"command=bundle-uri") + pktline.DELIM + pktline.FLUSH

V2 = FetchRequest("version=2", stateless=True, bundles=True)

DAY = 86400.0


class BundleCase(test_uploadpack.UploadCase):
    """
    A repository of thirty commits, and a place for its bundle.
    """

    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.wall = 0.0
        self.folder = os.path.abspath(self.mktemp())
        self.store = self.make_store()
        self.bundles = self.make()
        await self.bundles.start()

    def make_store(self, max_size: int = 1 << 30) -> BundleStore:
        def now() -> float:
            newest = max((os.stat(os.path.join(self.folder, name)).st_mtime for name in self.files()), default=0.0)
            return newest + self.wall

        return BundleStore(self.folder, max_size, DAY, self.reading.threads, now)

    def make(self, **more: Any) -> Bundles:
        more = {"reserve": 0, **more}
        return Bundles(self.git, reactor, self.clock, self.reading.threads, self.store, **more)

    def files(self) -> list[str]:
        """
        What is in the store's directory.
        """
        return sorted(os.listdir(self.folder))

    async def generate(self, repository: IRepository | None = None) -> Bundle:
        return await self.bundles.generate(repository or self.repository())

    async def refusal(self, repository: IRepository | None = None) -> tuple[Code, str]:
        """
        What making a bundle fails with; nothing stays behind.
        """
        error: Any = await self.assertFailure(Deferred.fromCoroutine(self.generate(repository)), GitalyError)
        self.assertEqual([name for name in self.files() if not name.endswith(".bundle")], [])
        return error.code, error.message

    def elsewhere(self, path: str, directory: Any = None) -> IRepository:
        """
        The same repository under another name.
        """
        made: Any = self.repository(directory)
        return evolve(made, partition=Partition("default", path))


class GenerateTests(BundleCase):
    """
    Making bundles.
    """

    async def test_content(self):
        """
        A bundle has all branches and tags with their objects, and nothing else.
        """
        path = self.directory.path
        for ref in ("refs/heads/other", "refs/tags/v1", "refs/keep-around/x", "refs/notes/commits"):
            git("-C", path, "update-ref", ref, "main")
        bundle = await self.generate()
        file = self.store.path(bundle)
        self.assertEqual(bundle.size, os.path.getsize(file))
        heads = git("bundle", "list-heads", file).decode().splitlines()
        self.assertEqual({line.split()[1] for line in heads}, {"refs/heads/main", "refs/heads/other", "refs/tags/v1"})
        copy = os.path.abspath(self.mktemp())
        git("clone", "--quiet", "--mirror", file, copy)
        self.assertEqual(git("-C", copy, "rev-list", "--all", "--count").strip(), b"30")

    async def test_hidden(self):
        """
        What a fetch is not shown is not in the bundle.
        """
        git("-C", self.directory.path, "update-ref", "refs/heads/secret", "main")
        git("-C", self.directory.path, "config", "uploadpack.hideRefs", "refs/heads/secret")
        heads = git("bundle", "list-heads", self.store.path(await self.generate()))
        self.assertEqual(heads, self.main + b" refs/heads/main\n")

    async def test_replaced(self):
        """
        A newer bundle takes the place of the one before.
        """
        first = await self.generate()
        second = await self.generate()
        self.assertNotEqual(first.name, second.name)
        self.assertEqual(self.files(), [os.path.basename(self.store.path(second))])
        self.assertEqual(await self.bundles.offered(self.repository()), second)

    async def test_empty(self):
        """
        There is no bundle of nothing.
        """
        repository = self.repository(make_repository(self.mktemp()))
        message = 'ref "refs/heads/main" does not exist: create bundle: refusing to create empty bundle'
        self.assertEqual(await self.refusal(repository), (Code.FAILED_PRECONDITION, message))

    async def test_cut(self):
        """
        There is no bundle of a history that is cut, and none of a repository of which nobody can tell whether it is the same.
        """
        message = "create bundle: history is not complete"
        bundle = await self.generate()
        shallow = os.path.join(self.directory.path, "shallow")
        with open(shallow, "wb") as file:
            file.write(self.main + b"\n")
        self.assertEqual(await self.refusal(), (Code.FAILED_PRECONDITION, message))
        self.assertIsNone(await self.bundles.offered(self.repository()))
        os.unlink(shallow)
        self.assertEqual(await self.bundles.offered(self.repository()), bundle)
        with open(os.path.join(self.directory.path, "config"), "ab") as config:
            config.write(b"#" * MOST_CONFIG)
        self.assertEqual(await self.refusal(), (Code.FAILED_PRECONDITION, message))
        os.unlink(os.path.join(self.directory.path, "config"))
        self.assertEqual(await self.refusal(), (Code.FAILED_PRECONDITION, message))

    async def test_broken(self):
        """
        What git says when it fails is for the log.
        """
        git("-C", self.directory.path, "repack", "-adq")
        packs = os.path.join(self.directory.path, "objects", "pack")
        for name in os.listdir(packs):
            os.unlink(os.path.join(packs, name))
        self.assertEqual(await self.refusal(), (Code.INTERNAL, "create bundle: exit status 128"))

    async def test_no_room(self):
        """
        Some of the disk is left to others; a bundle that is larger than all may be is not finished.
        """
        self.bundles = self.make(reserve=1 << 62)
        self.assertEqual(await self.refusal(), (Code.RESOURCE_EXHAUSTED, "create bundle: No space left on device"))
        self.assertEqual(RESERVE, 1 << 30)
        limited = os.path.abspath(self.mktemp())
        with open(limited, "w") as script:
            script.write(f'#!/bin/sh\nwhile [ "$(ulimit -f)" = unlimited ]; do :; done\nexec {self.git.path} "$@"\n')
        os.chmod(limited, 0o755)
        self.git.path = limited
        self.bundles = self.make(limits=Limits(file_size=512))
        code, message = await self.refusal()
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(message.startswith("create bundle: "))

    async def test_changed_meanwhile(self):
        """
        A repository that is another one when the bundle is ready does not get it.
        """
        with mock.patch("gitaly_tx.transport.bundles.mark_of", side_effect=["1" * 32, "2" * 32]):
            refused = await self.refusal()
        self.assertEqual(refused, (Code.ABORTED, "create bundle: repository has changed meanwhile"))
        self.assertEqual(self.files(), [])

    async def test_one_at_a_time(self):
        """
        Bundles are made one after the other; whoever stops waiting leaves nothing behind.
        """
        first = Deferred.fromCoroutine(self.generate())
        second = Deferred.fromCoroutine(self.generate(self.elsewhere("b.git")))
        third = Deferred.fromCoroutine(self.generate(self.elsewhere("c.git")))
        second.cancel()
        await self.assertFailure(second, CancelledError)
        await first
        third.cancel()
        await self.assertFailure(third, CancelledError)
        self.assertEqual(len(self.files()), 1)
        await self.generate(self.elsewhere("d.git"))
        self.assertEqual(len(self.files()), 2)

    async def test_not_waited_for(self):
        """
        Whoever stops waiting stops git, and no file stays, wherever it stood; a bundle that is ready is kept all the same.
        """
        steps: list[tuple[Any, str]] = [(BundleStore, "_begin"), (BundleStore, "_keep"), (Git, "spawn")]
        for cls, name in steps:
            reached: Deferred[None] = Deferred()
            original = getattr(cls, name)

            def step(*arguments: Any, original: Any = original, reached: Deferred[None] = reached, **more: Any) -> Any:
                reactor.callFromThread(reached.callback, None)
                return original(*arguments, **more)

            with mock.patch.object(cls, name, step):
                making = Deferred.fromCoroutine(self.generate())
                await reached
                making.cancel()
                await self.assertFailure(making, CancelledError)
                await self.bundles.stop()
            while any(not found.endswith(".bundle") for found in self.files()):
                await deferLater(reactor, 0.005)
            await self.generate(self.elsewhere(name))
        self.assertIsNotNone(await self.bundles.offered(self.repository()))
        self.assertEqual(len(self.files()), len(steps) + 1)


class StoreTests(BundleCase):
    """
    Keeping bundles.
    """

    async def test_restart(self):
        """
        What is there is found again, but for what was not finished, is superseded, or is not ours.
        """
        bundle = await self.generate()
        older = Bundle(bundle.repository, bundle.mark, "0" * 32, 1, bundle.made - 5)
        for name in (self.store.path(older), os.path.join(self.folder, "begun-x"), os.path.join(self.folder, "notes")):
            with open(name, "wb") as file:
                file.write(b"x")
        os.utime(self.store.path(older), (older.made, older.made))
        self.store = self.make_store()
        self.bundles = self.make()
        self.assertIsNone(await self.bundles.offered(self.repository()))
        await self.bundles.start()
        self.assertEqual(await self.bundles.offered(self.repository()), bundle)
        self.assertEqual(self.files(), sorted([os.path.basename(self.store.path(bundle)), "notes"]))

    async def test_age(self):
        """
        An old bundle is not handed out, and goes when it is looked for at the start, or when another one is made.
        """
        await self.generate()
        self.wall = DAY - 1
        self.assertIsNotNone(await self.bundles.offered(self.repository()))
        self.wall = DAY + 1
        self.assertIsNone(await self.bundles.offered(self.repository()))
        await self.store.sweep()
        self.assertEqual(self.files(), [])

    async def test_size(self):
        """
        The oldest go first if there is too much.
        """
        bundle = await self.generate()
        self.store = self.make_store(2 * bundle.size + 1)
        self.bundles = self.make()
        await self.bundles.start()
        for name in ("b.git", "c.git"):
            made = await self.generate(self.elsewhere(name))
            self.assertIn(os.path.basename(self.store.path(made)), self.files())
        self.assertEqual(len(self.files()), 2)
        self.assertIsNone(await self.bundles.offered(self.repository()))

    async def test_forgotten_once(self):
        """
        Forgetting a bundle that was replaced leaves the new one.
        """
        first = await self.generate()
        second = await self.generate()
        await self.store.forget(first)
        self.assertEqual(await self.bundles.offered(self.repository()), second)

    def test_keys(self):
        """
        Repositories of different storages are different ones.
        """
        names = [("a", "b"), ("a", "c"), ("c", "b"), ("a", "b\udcff")]
        self.assertEqual(len({key_of(Partition(*name)) for name in names}), len(names))

    def test_marks(self):
        """
        A repository's mark changes with its config, and whenever another file is in its place.
        """
        path = os.path.join(self.directory.path, "config")
        seen = {mark_of(self.directory)}
        self.assertEqual({mark_of(self.directory)}, seen)
        with open(path, "rb") as file:
            content = file.read()
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.rename(path + ".new", path)
        seen.add(mark_of(self.directory))
        git("-C", self.directory.path, "config", "transfer.hideRefs", "refs/heads/x")
        seen.add(mark_of(self.directory))
        self.assertEqual(len(seen), 3)
        self.assertNotIn(None, seen)


class SendTests(BundleCase):
    """
    Sending bundles.
    """

    async def test_whole(self):
        """
        A client gets the file, whether its way can splice or not.
        """
        git("-C", self.directory.path, "config", "core.compression", "0")
        noise = os.urandom(3 << 20)
        blob = git("-C", self.directory.path, "hash-object", "-w", "--stdin", stdin=noise).strip().decode()
        tree = git("-C", self.directory.path, "mktree", stdin=f"100644 blob {blob}\tx\n".encode()).strip().decode()
        commit = git("-C", self.directory.path, "commit-tree", "-m", "x", tree).strip().decode()
        git("-C", self.directory.path, "update-ref", "refs/heads/large", commit)
        bundle = await self.generate()
        with open(self.store.path(bundle), "rb") as file:
            content = file.read()
        self.assertGreater(len(content), len(noise))
        for sink in (MemorySink(), MemorySpliceSink(reactor)):
            await self.bundles.send(self.repository(), bundle.name, sink)
            self.assertTrue(bytes(sink.data) == content)

    async def test_not_found(self):
        """
        Only the bundle that is offered now can be had.
        """
        bundle = await self.generate()
        os.unlink(self.store.path(bundle))
        for repository, name in (
            (self.repository(), "0" * 32),
            (self.elsewhere("other.git"), bundle.name),
            (self.repository(), bundle.name),
        ):
            sending = Deferred.fromCoroutine(self.bundles.send(repository, name, self.stdout))
            error: Any = await self.assertFailure(sending, GitalyError)
            self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "bundle not found"))
        self.assertIsNone(self.store.find(self.repository().partition))

    async def test_client_gone(self):
        """
        A client that goes away is an error, and leaves nothing open.
        """
        bundle = await self.generate()
        sending = Deferred.fromCoroutine(self.bundles.send(self.repository(), bundle.name, MemorySink(breaks_after=0)))
        await self.assertFailure(sending, StreamBroken)


class ProtocolTests(BundleCase):
    """
    What clients are told.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.upload = UploadPack(self.git, self.clock, NEGOTIATION, bundles=self.bundles)
        self.info_refs = InfoRefs(self.git, self.reading.threads, bundles=self.bundles)

    async def told(self, request: FetchRequest) -> bytes:
        """
        The advertisement.
        """
        sink = MemorySink()
        with mock.patch("gitaly_tx.git.fileidentity.RACY", 0):
            await self.info_refs.advertise(self.repository(), request, sink)
        return bytes(sink.data)

    async def test_advertised(self):
        """
        A client of v2 that can get at bundles is told that there is one, as soon as there is.
        """
        line = pktline.data(b"bundle-uri\n")
        self.assertNotIn(line, await self.told(V2))
        await self.generate()
        self.assertTrue((await self.told(V2)).endswith(line + pktline.FLUSH))
        self.assertNotIn(line, await self.told(evolve(V2, bundles=False)))
        self.assertNotIn(line, await self.told(evolve(V2, protocol="")))
        with mock.patch.object(self.info_refs, "_bundles", None):
            self.assertNotIn(line, await self.told(V2))

    async def test_asked(self):
        """
        The list of bundles is told by this process, however the request is cut; it is empty if the bundle has gone meanwhile.
        """
        bundle = await self.generate()
        name = bundle.name.encode()
        expected = bundleuri.answer(name, b"bundles/%s.bundle" % name)
        with mock.patch.object(self.git, "spawn", side_effect=AssertionError):
            for pieces in ([ASKED], [bytes([byte]) for byte in ASKED]):
                self.stdout = MemorySink()
                ended = await self.serve(V2, MemorySource(pieces))
                self.assertEqual((ended.status, bytes(self.stdout.data)), (0, expected))
            await self.store.forget(bundle)
            self.stdout = MemorySink()
            await self.serve(V2, MemorySource([ASKED]))
            self.assertEqual(bytes(self.stdout.data), pktline.FLUSH)

    async def test_other_requests(self):
        """
        All else goes to upload-pack as it came.
        """
        await self.generate()
        listing = pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH
        for pieces in ([listing], [bytes([byte]) for byte in listing]):
            self.stdout = MemorySink()
            ended = await self.serve(V2, MemorySource(pieces))
            self.assertEqual(ended.status, 0)
            self.assertIn(b"refs/heads/main", self.stdout.data)
        self.stdout = MemorySink()
        ended = await self.serve(evolve(V2, protocol=""), MemorySource([self.wants()]))
        self.assertEqual(self.count(self.pack(bytes(self.stdout.data))), 90)


class OftenTests(BundleCase):
    """
    Bundles that nobody asked for.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.clock = Clock()
        self.made: list[str] = []
        self.often(Often(3, 60.0))

    def often(self, often: Often | None) -> None:
        """
        Begin to count.
        """
        self.bundles = self.make(often=often)
        self.upload = UploadPack(self.git, self.clock, NEGOTIATION, bundles=self.bundles)

    async def fetch(self, *lines: bytes, request: FetchRequest = V2) -> None:
        """
        A fetch of the branch, in v2, and what follows from it.
        """
        asked = [b"want " + self.main + b"\n", *lines, b"done\n"]
        body = pktline.data(b"command=fetch") + pktline.DELIM + b"".join(map(pktline.data, asked)) + pktline.FLUSH
        await self.serve(request, MemorySource([body]), MemorySink())
        await self.unasked()

    async def unasked(self) -> None:
        """
        Wait for what is made.
        """
        for making in list(self.bundles._unasked.values()):
            waiting: Deferred[None] = Deferred()
            making.chainDeferred(waiting)
            await waiting

    async def test_clones(self):
        """
        A bundle is made at the third clone within the time; what is no whole clone is not counted, nor what could not have used
        a bundle.
        """
        await self.fetch()
        await self.fetch()
        await self.fetch(b"have " + self.main + b"\n")
        await self.fetch(b"deepen 1\n")
        await self.fetch(b"filter blob:none\n")
        await self.fetch(request=evolve(V2, bundles=False))
        await self.serve(V2, MemorySource([pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH]))
        self.assertEqual(self.files(), [])
        await self.fetch()
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.bundles._unasked, {})

    async def test_seldom(self):
        """
        Clones that are far from one another make no bundle.
        """
        for _ in range(6):
            await self.fetch()
            self.clock.advance(31)
        self.assertEqual(self.files(), [])

    async def test_renewed(self):
        """
        A bundle of some age is made anew when there are that many clones again, and not before.
        """
        self.often(Often(1, 60.0))
        await self.fetch()
        before = self.files()
        self.assertEqual(len(before), 1)
        self.wall = DAY / 2 - 1
        await self.fetch()
        self.assertEqual(self.files(), before)
        self.wall = DAY / 2 + 1
        await self.fetch()
        self.assertNotEqual(self.files(), before)
        self.assertEqual(len(self.files()), 1)

    async def test_switched_off(self):
        """
        None is made where that was not wanted.
        """
        self.often(None)
        for _ in range(5):
            await self.fetch()
        self.assertEqual(self.files(), [])

    async def test_failure(self):
        """
        A bundle that cannot be made is a line in the log; the next clones try again.
        """
        self.often(Often(1, 60.0))
        with mock.patch.object(BundleStore, "begin", side_effect=OSError("full")):
            await self.fetch()
        self.assertEqual(self.files(), [])
        await self.fetch()
        self.assertEqual(len(self.files()), 1)

    async def test_stopped(self):
        """
        A server that goes down does not finish them.
        """
        self.often(Often(1, 60.0))
        self.bundles.cloned(self.repository())
        self.bundles.cloned(self.repository())
        self.assertEqual(len(self.bundles._unasked), 1)
        waiting = Deferred.fromCoroutine(self.unasked())
        await self.bundles.stop()
        await waiting
        self.assertEqual(self.bundles._unasked, {})

    async def test_remembered(self):
        """
        What is remembered of repositories is bounded.
        """
        with mock.patch("gitaly_tx.transport.bundles.REMEMBERED", 2):
            for name in ("a", "b", "c", "d"):
                self.bundles.cloned(self.elsewhere(name))
        self.assertEqual(len(self.bundles._cloned), 2)
