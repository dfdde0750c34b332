"""
Tests for :mod:`gitaly_tx.cache.memory`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.cache.memory import OVERHEAD, MarkedBytes


class MarkedBytesTests(SynchronousTestCase):
    """
    ``MarkedBytes``.
    """

    def test_marks(self) -> None:
        """
        A value is there for its own mark only, and gone once somebody came with another.
        """
        kept = MarkedBytes(10 * OVERHEAD)
        kept.put("a", 1, b"one")
        self.assertEqual((kept.get("a", 1), kept.get("b", 1)), (b"one", None))
        self.assertIsNone(kept.get("a", 2))
        self.assertEqual((kept.get("a", 1), kept.size), (None, 0))

    def test_bounded(self) -> None:
        """
        What was not used for the longest time goes first; what is too large is not kept at all.
        """
        kept = MarkedBytes(3 * OVERHEAD + 9)
        for key in "abc":
            kept.put(key, 0, b"xxx")
        kept.get("a", 0)
        kept.put("d", 0, b"xxx")
        self.assertEqual([kept.get(key, 0) is not None for key in "abcd"], [True, False, True, True])
        self.assertEqual(kept.size, 3 * OVERHEAD + 9)
        kept.put("a", 1, b"y")
        self.assertEqual((kept.get("a", 1), kept.size), (b"y", 3 * OVERHEAD + 7))
        kept.put("a", 1, b"x" * 4 * OVERHEAD)
        self.assertEqual((kept.get("a", 1), kept.size), (None, 2 * OVERHEAD + 6))
        kept.drop("nothing")
