"""
Tests for :mod:`gitaly_tx.rpc.chunks`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.chunks import CHUNK, ChunkSink, ChunkSource, batched, batched_stream, cut
from gitaly_tx.streams import PIECE, IByteSink, IByteSource
from protocols.gitaly.smarthttp_pb2 import PostReceivePackRequest, PostReceivePackResponse
from tests.support.calls import RecordingExchange


def reply(data: bytes) -> PostReceivePackResponse:
    return PostReceivePackResponse(data=data)


def read_all(source: ChunkSource) -> list[bytes]:
    async def run() -> list[bytes]:
        pieces = []
        while piece := await source.read():
            pieces.append(piece)
        return pieces

    done: list[list[bytes]] = []
    Deferred.fromCoroutine(run()).addCallback(done.append)
    return done[0]


class ChunkSinkTests(SynchronousTestCase):
    """
    ``ChunkSink``.
    """

    def send(self, data: bytes) -> list[bytes]:
        exchange = RecordingExchange()
        sink = ChunkSink(exchange, reply)
        verifyObject(IByteSink, sink)
        self.successResultOf(Deferred.fromCoroutine(sink.write(data)))
        return [each.data for each in exchange.replies]

    def test_chunks(self):
        """
        Bytes are cut into messages of at most 128 KiB, in order.
        """
        data = bytes(range(256)) * 1200
        chunks = self.send(data)
        self.assertEqual(b"".join(chunks), data)
        self.assertEqual([len(chunk) for chunk in chunks], [CHUNK, CHUNK, len(data) - 2 * CHUNK])

    def test_edges(self):
        """
        Exactly 128 KiB are one message; no bytes are none.
        """
        self.assertEqual([len(chunk) for chunk in self.send(b"x" * CHUNK)], [CHUNK])
        self.assertEqual(self.send(b""), [])

    def test_back_pressure(self):
        """
        A write is done when the caller took the last message, and the next message waits for the one before.
        """
        exchange = RecordingExchange()
        exchange.slow = True
        written = Deferred.fromCoroutine(ChunkSink(exchange, reply).write(b"x" * (CHUNK + 1)))
        self.assertEqual(len(exchange.replies), 1)
        exchange.take()
        self.assertEqual(len(exchange.replies), 2)
        self.assertNoResult(written)
        exchange.take()
        self.successResultOf(written)


class ChunkSourceTests(SynchronousTestCase):
    """
    ``ChunkSource``.
    """

    def source(self, *data: bytes) -> ChunkSource:
        requests = [PostReceivePackRequest(data=each) for each in data]
        return ChunkSource(RecordingExchange(requests), lambda request: request.data)

    def test_bytes(self):
        """
        The bytes are those of the messages; empty messages are passed over; the end stays the end.
        """
        source = self.source(b"one", b"", b"two")
        verifyObject(IByteSource, source)
        self.assertEqual(read_all(source), [b"one", b"two"])
        self.assertEqual(read_all(source), [])

    def test_large_message(self):
        """
        A message with more than a piece is handed out in pieces.
        """
        data = b"ab" * PIECE
        pieces = read_all(self.source(data, b"rest"))
        self.assertEqual([len(piece) for piece in pieces], [PIECE, PIECE, 4])
        self.assertEqual(b"".join(pieces), data + b"rest")

    def test_refusal(self):
        """
        What unwrapping raises comes out of the read.
        """

        def refuse(request: PostReceivePackRequest) -> bytes:
            raise GitalyError("no", Code.INVALID_ARGUMENT)

        source = ChunkSource(RecordingExchange([PostReceivePackRequest()]), refuse)
        self.failureResultOf(Deferred.fromCoroutine(source.read()), GitalyError)


class BatchedTests(SynchronousTestCase):
    """
    ``batched``.
    """

    def test_limit(self):
        """
        A part ends before its weight would reach the limit.
        """
        self.assertEqual(list(batched([4, 5, 1, 9], lambda size: size, 10)), [[4, 5], [1], [9]])

    def test_heavy_item(self):
        """
        An item that is too heavy by itself is a part of its own.
        """
        self.assertEqual(list(batched([1, 50, 1], lambda size: size, 10)), [[1], [50], [1]])

    def test_nothing(self):
        """
        Nothing gives no part.
        """
        self.assertEqual(list(batched([], lambda size: 1)), [])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, 30)))
    def test_nothing_is_lost(self, items):
        """
        The parts together are the list, and each that has more than one item stays below the limit.
        """
        parts = list(batched(items, lambda size: size, 20))
        self.assertEqual([item for part in parts for item in part], items)
        self.assertTrue(all(part and (len(part) == 1 or sum(part) < 20) for part in parts))


class BatchedStreamTests(SynchronousTestCase):
    """
    ``batched_stream``.
    """

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(0, 9), max_size=30))
    def test_same(self, items: list[int]):
        """
        Items that come one after the other are cut as those that are there at once.
        """

        async def one_by_one() -> AsyncIterator[int]:
            for item in items:
                yield item

        async def run() -> list[list[int]]:
            return [batch async for batch in batched_stream(one_by_one(), lambda item: item, 10)]

        done = Deferred.fromCoroutine(run())
        self.assertEqual(self.successResultOf(done), list(batched(items, lambda item: item, 10)))


class CutTests(SynchronousTestCase):
    """
    ``cut``.
    """

    def test_pieces(self):
        """
        No piece is longer than a message carries, none is empty, and together they are the bytes.
        """
        for size, count in ((0, 0), (1, 1), (CHUNK, 1), (CHUNK + 1, 2), (3 * CHUNK, 3)):
            data = b"x" * size
            pieces = list(cut(data))
            self.assertEqual((b"".join(pieces), len(pieces)), (data, count))
            self.assertTrue(all(0 < len(piece) <= CHUNK for piece in pieces))
