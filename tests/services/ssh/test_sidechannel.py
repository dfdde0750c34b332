"""
Tests for SSHUploadPackWithSidechannel, with a real git.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.call import Call
from protocols.git import pktline
from protocols.git.sideband import BAND_DATA, BAND_PROGRESS, BandData, SidebandDecoder
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHUploadPackWithSidechannelRequest
from tests.support.git import git
from tests.support.gitcalls import NAME, NEGOTIATION, GitCalls
from tests.support.leaks import LeakCheck
from tests.support.sidechannels import MemorySidechannel


class SidechannelTests(LeakCheck, TestCase):
    """
    A fetch as a conversation over a sidechannel.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.calls = GitCalls(self.mktemp())
        self.addCleanup(self.calls.stop)
        await super().setUp()

    def call(self, sent: bytes | None = None, ends: bool = True, **request: Any) -> Call:
        """
        A call that was not made yet.

        :param sent: what the client sends; ``None`` for one that names no sidechannel.
        """
        self.calls.sidechannels.channel = None if sent is None else MemorySidechannel(sent, ends)
        message = SSHUploadPackWithSidechannelRequest(**{"repository": NAME, **request})
        return self.calls.call("SSHService/SSHUploadPackWithSidechannel", message)

    async def failure(self, call: Call) -> tuple[Code, str]:
        """
        What a call fails with. The sidechannel is closed then, and no child is left.
        """
        error: Any = await self.assertFailure(self.calls.dispatcher.dispatch(call), GitalyError)
        self.assertEqual(len(self.calls.children), 0)
        if self.calls.sidechannels.channel is not None:
            self.assertEqual(self.calls.sidechannels.channel.closed, 1)
        return error.code, error.message

    def bands(self) -> dict[int, bytes]:
        """
        What came over the sidechannel.
        """
        decoder = SidebandDecoder()
        assert self.calls.sidechannels.channel is not None
        found = {BAND_DATA: b"", BAND_PROGRESS: b""}
        for event in decoder.receive(bytes(self.calls.sidechannels.channel.sink.data)):
            assert isinstance(event, BandData)
            found[event.band] += event.data
        decoder.finish()
        return found

    def wants(self, capabilities: bytes = b" ofs-delta") -> bytes:
        """
        A request for everything.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        return pktline.data(b"want " + main + capabilities + b"\n") + pktline.FLUSH + pktline.data(b"done\n")

    async def test_fetch(self):
        """
        The advertisement and the pack come as band 1, progress as band 2, no flush behind them; the reply counts what was said.
        """
        (reply,) = await self.calls.run(self.call(self.wants()))
        found = self.bands()
        self.assertIn(b" refs/heads/main\n0000", found[BAND_DATA])
        self.assertIn(b"0008NAK\nPACK", found[BAND_DATA])
        self.assertIn(b"Enumerating objects", found[BAND_PROGRESS])
        counted = reply.packfile_negotiation_statistics
        self.assertEqual((counted.packets, counted.wants, counted.haves, list(counted.caps)), (2, 1, 0, ["ofs-delta"]))
        self.assertEqual(counted.payload_size, len(b"want  ofs-delta" + b"done") + 40)
        assert self.calls.sidechannels.channel is not None
        self.assertEqual(self.calls.sidechannels.channel.closed, 1)

    async def test_nothing_asked(self):
        """
        A client of v2 that asks nothing is well served; so is one whose words cannot be counted.
        """
        (reply,) = await self.calls.run(self.call(b"", git_protocol="version=2"))
        self.assertTrue(reply.HasField("packfile_negotiation_statistics"))
        self.assertEqual(reply.packfile_negotiation_statistics.ByteSize(), 0)
        self.assertIn(b"version 2\n", self.bands()[BAND_DATA])

    async def test_options(self):
        """
        The settings that the caller asks for are heeded, and those that are none refused.
        """
        call = self.call(pktline.FLUSH, git_config_options=["transfer.hideRefs=refs/heads"])
        await self.calls.run(call)
        self.assertNotIn(b" refs/heads/main\n", self.bands()[BAND_DATA])
        call = self.call(b"", git_config_options=["noequals"])
        self.assertEqual(await self.failure(call), (Code.INTERNAL, 'cannot convert invalid config key: "noequals"'))

    async def test_no_sidechannel(self):
        """
        Without a sidechannel nothing else is looked at; the word is Gitaly's.
        """
        text = "opennig sidechannel: sidechannel: sidechannel-id not found in incoming metadata"
        self.assertEqual(await self.failure(self.call(None, repository=None)), (Code.ABORTED, text))

    async def test_repository(self):
        """
        What is wrong with the repository is told with its own code, and the sidechannel is closed.
        """
        self.assertEqual(await self.failure(self.call(b"", repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        missing = Repository(storage_name="default", relative_path="none.git")
        self.assertEqual((await self.failure(self.call(b"", repository=missing)))[0], Code.NOT_FOUND)

    async def test_failure(self):
        """
        git's failure is told with its last words, which come over band 2, too.
        """
        said = "fatal: protocol error: bad line length character: this\\n"
        text = f'running upload-pack: cmd wait: exit status 128, stderr: "{said}"'
        self.assertEqual(await self.failure(self.call(b"this is no pkt-line")), (Code.INTERNAL, text))
        self.assertIn(b"bad line length", self.bands()[BAND_PROGRESS])

    async def test_hung_up(self):
        """
        A client that ends in the middle has cancelled its fetch.
        """
        call = self.call(self.wants()[:30])
        self.assertEqual(await self.failure(call), (Code.CANCELLED, "running upload-pack: user canceled the request"))

    async def test_goes_away(self):
        """
        So has one whose stream ends without its end, one that does not read any more, and one that breaks it off while git works.
        """
        for goes in (
            lambda channel: channel.source.disconnect(),
            lambda channel: (channel.sink.disconnect(), channel.source.feed(self.wants())),
            lambda channel: channel.lost.callback(None),
        ):
            call = self.call(b"", ends=False)
            failing = Deferred.fromCoroutine(self.failure(call))
            channel: Any = self.calls.sidechannels.channel
            await channel.sink.contains(b"0000")
            goes(channel)
            self.assertEqual(await failing, (Code.CANCELLED, "running upload-pack: user canceled the request"))

    async def test_cancelled(self):
        """
        A call that is cancelled leaves nothing.
        """
        call = self.call(b"", ends=False)
        running = self.calls.dispatcher.dispatch(call)
        channel: Any = self.calls.sidechannels.channel
        await channel.sink.contains(b"0000")
        running.cancel()
        error: Any = await self.assertFailure(running, GitalyError)
        self.assertEqual(error.code, Code.CANCELLED)
        self.assertEqual((channel.closed, len(self.calls.children)), (1, 0))

    async def test_too_slow(self):
        """
        A client that does not come to the point is told that its time is up.
        """
        failing = Deferred.fromCoroutine(self.failure(self.call(b"", ends=False)))
        channel: Any = self.calls.sidechannels.channel
        await channel.sink.contains(b"0000")
        self.calls.clock.advance(NEGOTIATION)
        text = "running upload-pack: waiting for negotiation: context canceled"
        self.assertEqual(await failing, (Code.DEADLINE_EXCEEDED, text))
