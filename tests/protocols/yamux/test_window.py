"""
Flow control's arithmetic.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import ReceiveWindowExceeded, SendWindowOverflow
from protocols.yamux.window import INITIAL, LARGEST, ReceiveWindow, SendWindow

from ..git import cuts


class SendWindowTests(SynchronousTestCase):
    """
    :class:`SendWindow` counts what may be sent.
    """

    def test_take_and_grow(self) -> None:
        """
        Sending takes from the window, updates add to it.
        """
        window = SendWindow()
        window.take(INITIAL)
        self.assertEqual(window.size, 0)
        self.assertRaises(ValueError, window.take, 1)
        window.grow(5)
        window.take(3)
        self.assertEqual(window.size, 2)

    def test_overflow(self) -> None:
        """
        A window fits into 32 bits.
        """
        window = SendWindow(1)
        window.grow(LARGEST - 1)
        error = self.assertRaises(SendWindowOverflow, window.grow, 1)
        self.assertEqual((error.window, error.delta), (LARGEST, 1))
        self.assertEqual(window.size, LARGEST)


class ReceiveWindowTests(SynchronousTestCase):
    """
    :class:`ReceiveWindow` counts what the peer may send.
    """

    def test_first_update(self) -> None:
        """
        A stream that opens or is accepted lets the peer send up to the maximum, less what came before.
        """
        self.assertEqual(ReceiveWindow().update(), 0)
        self.assertEqual(ReceiveWindow(16 << 20).update(), (16 << 20) - INITIAL)
        early = ReceiveWindow(INITIAL + 10)
        early.take(100)
        self.assertEqual(early.update(), 10)
        self.assertEqual((early.size, early.unconsumed), (INITIAL - 90, 100))

    def test_due_at_half(self) -> None:
        """
        An update is due once half of the maximum can be given back, rounded down, and gives back all of it.
        """
        window = ReceiveWindow(INITIAL + 1)
        window.update()
        window.take(INITIAL)
        window.consumed(INITIAL // 2 - 1)
        self.assertFalse(window.due())
        window.consumed(1)
        self.assertTrue(window.due())
        self.assertEqual(window.update(), INITIAL // 2)
        self.assertFalse(window.due())

    def test_exceeded(self) -> None:
        """
        The peer may not send one byte more.
        """
        window = ReceiveWindow()
        window.take(INITIAL - 1)
        error = self.assertRaises(ReceiveWindowExceeded, window.take, 2)
        self.assertEqual((error.window, error.length), (1, 2))
        window.take(1)

    def test_consumed_too_much(self) -> None:
        """
        Only what came can be consumed, and only once.
        """
        window = ReceiveWindow()
        window.take(3)
        window.consumed(2)
        self.assertRaises(ValueError, window.consumed, 2)
        self.assertRaises(ValueError, window.consumed, -1)

    @cuts.few
    @given(st.integers(INITIAL, 4 * INITIAL), st.lists(st.tuples(st.integers(0, 4 * INITIAL), st.integers(0, 4 * INITIAL))))
    def test_never_more_than_the_maximum(self, maximum: int, moves: list[tuple[int, int]]) -> None:
        """
        What may come and what waits are together never more than the maximum, and the sender's window always agrees.
        """
        receiving, sending = ReceiveWindow(maximum), SendWindow()
        sending.grow(receiving.update())
        for length, count in moves:
            length = min(length, sending.size)
            sending.take(length)
            receiving.take(length)
            receiving.consumed(min(count, receiving.unconsumed))
            if receiving.due():
                sending.grow(receiving.update())
            self.assertEqual(sending.size, receiving.size)
            self.assertLessEqual(receiving.size + receiving.unconsumed, maximum)
            self.assertGreater(2 * (receiving.size + receiving.unconsumed), maximum)
