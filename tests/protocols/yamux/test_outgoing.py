"""
What waits to be sent.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import AnswersNotRead
from protocols.yamux.frames import ACK, SYN, Frame, FrameType
from protocols.yamux.outgoing import MAX_ANSWERS, Outgoing


class OutgoingTests(SynchronousTestCase):
    """
    :class:`Outgoing` keeps the order, and counts.
    """

    def test_order(self) -> None:
        """
        What is put first is sent first, and data follow their header uncopied.
        """
        outgoing = Outgoing(10)
        ping, data = Frame(FrameType.PING, SYN, 0, 1), b"data"
        outgoing.put(ping)
        outgoing.put_data(3, data)
        outgoing.put(ping)
        pieces = outgoing.fetch()
        self.assertEqual(pieces, [ping.encode(), Frame(FrameType.DATA, 0, 3, 4).encode(), data, ping.encode()])
        self.assertIs(pieces[2], data)
        self.assertEqual(outgoing.fetch(), [])

    def test_room(self) -> None:
        """
        Data that wait take room until they are fetched; other frames take none.
        """
        outgoing = Outgoing(10)
        outgoing.put_data(1, memoryview(b"1234567"))
        outgoing.put(Frame(FrameType.PING, SYN, 0, 1))
        self.assertEqual(outgoing.room, 3)
        outgoing.fetch()
        self.assertEqual(outgoing.room, 10)

    def test_answers(self) -> None:
        """
        Only so many answers wait, until they are fetched.
        """
        outgoing, answer = Outgoing(10), Frame(FrameType.PING, ACK, 0, 1)
        for _ in range(2):
            for _ in range(MAX_ANSWERS):
                outgoing.put_answer(answer)
            self.assertEqual(self.assertRaises(AnswersNotRead, outgoing.put_answer, answer).waiting, MAX_ANSWERS)
            self.assertEqual(len(outgoing.fetch()), MAX_ANSWERS)
