"""
Tests for :mod:`gitaly_tx.transport.peerfetch`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.storage.interfaces import IStaging
from gitaly_tx.transport import peerfetch
from gitaly_tx.transport.peerfetch import fetch_objects
from protocols.git import pktline, sideband
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest, SSHUploadPackResponse
from tests.support.calls import Service
from tests.support.git import git
from tests.support.history import History
from tests.support.leaks import children
from tests.support.ownpeers import OwnPeer, OwnPeers, own_services
from tests.support.stack import Stack

HERE = Repository(storage_name="default", relative_path="here.git")
THERE = Repository(storage_name="default", relative_path="there.git")

GREETING = pktline.data(b"version 2\n") + pktline.data(b"fetch\n") + pktline.FLUSH


class PeerFetchTests(TestCase):
    """
    ``fetch_objects``: from one repository into another.
    """

    object_format = ObjectFormat.SHA1
    timeout = 30
    staging: IStaging

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(os.path.abspath(self.mktemp()))
        await self.stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stack.stop()))
        before = children()
        self.addCleanup(lambda: self.assertEqual(children() - before, set(), "children are left"))
        self.here = await self.stack.provider.create(HERE, object_format=self.object_format)
        self.there = await self.stack.provider.create(THERE, object_format=self.object_format)
        self.histories = [History(repository.directory, self.object_format) for repository in (self.here, self.there)]
        self.clock: Any = reactor
        self.peers = OwnPeers(self.clock, *own_services(self.stack, self.clock))

    def both(self, make: Callable[[History], ObjectID]) -> ObjectID:
        """
        Make the same in both repositories.
        """
        oid, other = map(make, self.histories)
        self.assertEqual(oid, other)
        return oid

    async def fetch(self, *wants: ObjectID, peers: OwnPeers | None = None) -> None:
        """
        Get some objects.
        """
        self.staging = await self.here.stage()
        self.addCleanup(self.staging.discard)
        await fetch_objects(self.stack.git, OwnPeer(peers or self.peers), THERE, wants, self.here, self.staging)

    def staged(self) -> set[str]:
        """
        The ids in the quarantine.
        """
        alone: Any = {"GIT_OBJECT_DIRECTORY": str(self.staging.directory.object_directory)}
        words = ("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        return set(git("-C", self.here.directory.path, *words, **alone).decode().split())

    async def test_everything(self) -> None:
        """
        An object comes with all that it leads to, into the quarantine only.
        """
        there = self.histories[1]
        first = there.commit({"a": "a", "d/b": "b"})
        last = there.commit({"a": "c", "d/b": "b"}, first)
        await self.fetch(last)
        self.assertEqual(len(self.staged()), 2 + 3 + 3)
        self.assertIsNone((await self.here.object_info([last]))[0])
        self.assertEqual(self.histories[0].files(last, self.staging.directory), {"a": "c", "d/b": "b"})

    async def test_only_new(self) -> None:
        """
        What is here already does not come once more.
        """
        base = self.both(lambda history: history.ref("refs/heads/main", history.commit({"a": "a\n" * 100, "b": "b"})))
        last = self.histories[1].commit({"a": "a\n" * 100 + "c", "b": "b"}, base)
        await self.fetch(last)
        self.assertIn(str(last), self.staged())
        self.assertNotIn(str(base), self.staged())
        self.assertNotIn(self.histories[0].write(b"blob", b"b").decode(), self.staged())

    async def test_parted(self) -> None:
        """
        Where histories have parted long ago, that place is found.
        """
        self.patch(peerfetch, "FIRST", 2)

        def long(history: History, name: str, count: int, *parents: ObjectID) -> ObjectID:
            for number in range(count):
                parents = (history.commit({name: str(number)}, *parents),)
            return parents[0]

        base = self.both(lambda history: long(history, "base", 3))
        here, there = self.histories
        here.ref("refs/heads/main", long(here, "here", 20, base))
        last = long(there, "there", 2, base)
        await self.fetch(last)
        self.assertEqual(len(self.staged()), 2 * 3)
        self.assertNotIn(str(base), self.staged())

    async def test_sidechannel(self) -> None:
        """
        A peer that has no other way is asked over a sidechannel.
        """
        last = self.histories[1].commit({"a": "a"})
        peers = OwnPeers(self.clock, aside=own_services(self.stack, self.clock))
        await self.fetch(last, peers=peers)
        self.assertEqual(peers.called, ["SSHService/SSHUploadPack", "SSHService/SSHUploadPackWithSidechannel"])
        self.assertEqual(self.histories[0].files(last, self.staging.directory), {"a": "a"})

    async def test_silent_sidechannel(self) -> None:
        """
        There, too, an end that comes too early is one.
        """

        async def nothing(call: Any, requests: Any) -> None:
            pass

        peers = OwnPeers(self.clock, aside=[Service("SSHService", SSHUploadPack=nothing)])
        with self.assertRaises(GitalyError) as caught:
            await self.fetch(ObjectID(b"1" * 40), peers=peers)
        self.assertEqual(caught.exception.message, "fetch: early EOF")

    async def test_missing(self) -> None:
        """
        What the peer does not have, it refuses.
        """
        oid = ObjectID(b"1" * self.object_format.hex_length)
        with self.assertRaises(GitalyError) as caught:
            await self.fetch(oid)
        self.assertEqual((caught.exception.given_code, caught.exception.message), (None, "fetch: the server refused"))
        self.assertIn(b"not our ref", caught.exception.facts["text"])

    async def test_no_repository(self) -> None:
        """
        The peer's own error comes as it is.
        """
        await self.stack.provider.remove(THERE)
        with self.assertRaises(PeerError) as caught:
            await self.fetch(ObjectID(b"1" * self.object_format.hex_length))
        self.assertEqual((caught.exception.code, caught.exception.message), (Code.NOT_FOUND, "repository not found"))

    async def test_broken(self) -> None:
        """
        A peer that speaks something else, or stops, or sends what is no pack or not all of one, is told apart from success.
        """
        there = self.histories[1]
        commit = there.commit({"a": "a"})
        names = commit + b"\n" + there.tree({"a": "a"}) + b"\n"
        pack = git("-C", there.directory.path, "pack-objects", "--stdout", "-q", stdin=names)
        part = git("-C", there.directory.path, "pack-objects", "--stdout", "-q", stdin=commit + b"\n")
        asked = pktline.data(b"packfile\n")
        for answers, text in (
            ([b""], "fetch: early EOF"),
            ([pktline.data(b"version 1\n") + pktline.FLUSH], "fetch: protocol v2 not spoken"),
            ([pktline.FLUSH], "fetch: "),
            ([b"hello"], "fetch: bad pkt-line length"),
            ([GREETING], "fetch: early EOF"),
            ([GREETING, pktline.data(b"acknowledgments\n") + pktline.FLUSH], "fetch: no pack"),
            ([GREETING, asked + pktline.FLUSH], "fetch: no pack"),
            ([GREETING, asked, *sideband.encode(1, b"nonsense" * 9), pktline.FLUSH], "fetch: index-pack: exit status 128"),
            ([GREETING, asked, *sideband.encode(1, pack)], "fetch: early EOF"),
            ([GREETING, asked, *sideband.encode(1, pack[:-5]), pktline.FLUSH], "fetch: index-pack: exit status 128"),
            ([GREETING, asked, *sideband.encode(1, part), pktline.FLUSH], "fetch: objects are missing"),
        ):
            with self.subTest(text=text):
                with self.assertRaises(GitalyError) as caught:
                    await self.fetch(commit, peers=self.saying(*answers))
                self.assertIn(text, caught.exception.message)

    def saying(self, *answers: bytes) -> OwnPeers:
        """
        A peer that says something, whatever it is asked.
        """

        async def upload_pack(call: Any, requests: Any) -> None:
            for answer in answers:
                await call.exchange.send(SSHUploadPackResponse(stdout=answer, stderr=b"aside"))

        return OwnPeers(self.clock, Service("SSHService", SSHUploadPack=upload_pack))

    async def test_asked(self) -> None:
        """
        The peer is told which repository it is, and the version of the protocol.
        """
        seen: list[SSHUploadPackRequest] = []

        async def upload_pack(call: Any, requests: Any) -> None:
            seen.append(await call.exchange.receive())

        with self.assertRaises(GitalyError):
            await self.fetch(ObjectID(b"1" * 40), peers=OwnPeers(self.clock, Service("SSHService", SSHUploadPack=upload_pack)))
        self.assertEqual(seen, [SSHUploadPackRequest(repository=THERE, git_protocol="version=2")])

    async def test_cancelled(self) -> None:
        """
        Whoever goes leaves no child, and no call.
        """
        over: Deferred[None] = Deferred()

        async def upload_pack(call: Any, requests: Any) -> None:
            await call.exchange.send(SSHUploadPackResponse(stdout=GREETING + pktline.data(b"packfile\n")))
            await call.exchange.send(SSHUploadPackResponse(stdout=sideband.encode(1, b"PACK")[0]))
            self.clock.callLater(0, begun.callback, None)
            try:
                await Deferred()
            finally:
                over.callback(None)

        begun: Deferred[None] = Deferred()
        peers = OwnPeers(self.clock, Service("SSHService", SSHUploadPack=upload_pack))
        fetching = Deferred.fromCoroutine(self.fetch(ObjectID(b"1" * 40), peers=peers))
        await begun
        fetching.cancel()
        with self.assertRaises(CancelledError):
            await fetching
        await over


class SHA256Tests(PeerFetchTests):
    """
    The same with the longer ids.
    """

    object_format = ObjectFormat.SHA256
