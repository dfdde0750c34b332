"""
The numbers that a peer gives to its streams.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import DuplicateStream, InvalidStreamID, TooManySkipped
from protocols.yamux.ids import MAX_SKIPPED, PeerIDs

from ..git import cuts


class PeerIDsTests(SynchronousTestCase):
    """
    :class:`PeerIDs` knows what was used.
    """

    def test_parity(self) -> None:
        """
        Clients open odd streams, servers even ones, and stream 0 is the session.
        """
        for client, good, bad in ((True, (1, 3, 5), (0, 2, 4)), (False, (2, 4, 6), (0, 1, 3))):
            ids = PeerIDs(client)
            for stream_id in good:
                ids.use(stream_id)
            for stream_id in bad:
                self.assertEqual(self.assertRaises(InvalidStreamID, ids.use, stream_id).stream_id, stream_id)

    @cuts.few
    @given(st.permutations(range(1, 40, 2)), st.sampled_from(range(1, 40, 2)))
    def test_any_order_once(self, order: list[int], again: int) -> None:
        """
        Numbers may come out of order, but none a second time.
        """
        ids = PeerIDs(True)
        for stream_id in order:
            ids.use(stream_id)
        self.assertRaises(DuplicateStream, ids.use, again)
        ids.use(41)

    def test_skipping(self) -> None:
        """
        A bounded number of numbers may be left out, and used later.
        """
        ids = PeerIDs(False)
        highest = 2 + 2 * MAX_SKIPPED
        self.assertRaises(TooManySkipped, ids.use, highest + 2)
        ids.use(highest)
        ids.use(highest + 2)
        self.assertRaises(TooManySkipped, ids.use, highest + 6)
        ids.use(2)
        ids.use(highest + 6)
        self.assertRaises(DuplicateStream, ids.use, 2)
        self.assertRaises(TooManySkipped, ids.use, 0xFFFFFFFE)
