"""
Tests for PostUploadPackWithSidechannel, with a real git.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.call import Call
from protocols.git import pktline
from protocols.gitaly.packfile_pb2 import PackfileNegotiationStatistics
from protocols.gitaly.smarthttp_pb2 import PostUploadPackWithSidechannelRequest
from tests.support.git import git
from tests.support.gitcalls import NAME, GitCalls
from tests.support.leaks import LeakCheck
from tests.support.sidechannels import MemorySidechannel


class SidechannelTests(LeakCheck, TestCase):
    """
    One request of a fetch and its answer, over a sidechannel.
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
        message = PostUploadPackWithSidechannelRequest(**{"repository": NAME, **request})
        return self.calls.call("SmartHTTPService/PostUploadPackWithSidechannel", message)

    async def answer(self, call: Call) -> tuple[bytes, PackfileNegotiationStatistics]:
        """
        What comes over the sidechannel, and what was counted.
        """
        (reply,) = await self.calls.run(call)
        channel: Any = self.calls.sidechannels.channel
        self.assertEqual(channel.closed, 1)
        return bytes(channel.sink.data), reply.packfile_negotiation_statistics

    async def failure(self, call: Call) -> tuple[Code, str]:
        """
        What a call fails with. The sidechannel is closed then, and no child is left.
        """
        error: Any = await self.assertFailure(self.calls.dispatcher.dispatch(call), GitalyError)
        self.assertEqual(len(self.calls.children), 0)
        if self.calls.sidechannels.channel is not None:
            self.assertLessEqual(self.calls.sidechannels.channel.closed, 1)
        return error.code, error.message

    def wants(self, more: bytes = b"") -> bytes:
        """
        A request for everything.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        return pktline.data(b"want " + main + b" no-progress\n") + more + pktline.FLUSH + pktline.data(b"done\n")

    async def test_fetch(self):
        """
        The answer comes as it is, and the reply counts what was said.
        """
        data, counted = await self.answer(self.call(self.wants()))
        self.assertTrue(data.startswith(b"0008NAK\nPACK"))
        self.assertEqual((counted.packets, counted.wants, list(counted.caps)), (2, 1, ["no-progress"]))

    async def test_shallow(self):
        """
        A request for cut history, after which git fails though all is well, is well answered.
        """
        main = git("-C", self.calls.directory.path, "rev-parse", "main").strip()
        asked = pktline.data(b"want " + main + b" shallow\n") + pktline.data(b"deepen 1\n") + pktline.FLUSH
        data, counted = await self.answer(self.call(asked))
        self.assertIn(b"shallow " + main, data)
        self.assertEqual(counted.deepen, "deepen 1")

    async def test_nothing_counted(self):
        """
        Of what is no request for a pack nothing is told; the message is there all the same.
        """
        asked = pktline.data(b"command=ls-refs\n") + pktline.DELIM + pktline.FLUSH
        call = self.call(asked, git_protocol="version=2")
        data, counted = await self.answer(call)
        self.assertIn(b"refs/heads/main", data)
        self.assertEqual(counted, PackfileNegotiationStatistics())
        replies: list[Any] = call.exchange.replies  # type: ignore[attr-defined]
        self.assertTrue(replies[0].HasField("packfile_negotiation_statistics"))

    async def test_refused(self):
        """
        The request is checked before the sidechannel is opened.
        """
        self.assertEqual(await self.failure(self.call(None, repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        bad = self.call(None, git_config_options=["noequals"])
        self.assertEqual(await self.failure(bad), (Code.INVALID_ARGUMENT, 'cannot convert invalid config key: "noequals"'))
        text = "open sidechannel: sidechannel: sidechannel-id not found in incoming metadata"
        self.assertEqual(await self.failure(self.call(None)), (Code.INTERNAL, text))

    async def test_failure(self):
        """
        git's failure is told with its status.
        """
        text = "running upload-pack: waiting for upload-pack: exit status 128"
        self.assertEqual(await self.failure(self.call(b"garbage")), (Code.FAILED_PRECONDITION, text))

    async def test_goes_away(self):
        """
        A client that breaks it off has cancelled its fetch, also while git works.
        """
        for goes in (lambda channel: channel.source.disconnect(), lambda channel: channel.lost.callback(None)):
            failing = Deferred.fromCoroutine(self.failure(self.call(self.wants()[:20], ends=False)))
            goes(self.calls.sidechannels.channel)
            self.assertEqual(await failing, (Code.CANCELLED, "running upload-pack: user canceled the request"))
