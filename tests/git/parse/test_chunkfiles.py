"""
Tests for :mod:`gitaly_tx.git.parse.chunkfiles`.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.chunkfiles import Bitmap, Chunks, bitmap, commit_graph, multi_pack_index

PARSERS: tuple[tuple[Callable[[bytes], object], bytes], ...] = (
    (commit_graph, b"CGPH"),
    (multi_pack_index, b"MIDX"),
    (bitmap, b"BITM"),
)


class ChunkFileTests(SynchronousTestCase):
    """
    The beginnings of index files.
    """

    def test_commit_graph(self) -> None:
        """
        A commit-graph names its chunks.
        """
        table = b"".join(name + bytes(8) for name in (b"OIDF", b"GDA2"))
        self.assertEqual(commit_graph(b"CGPH\1\1\2\0" + table + b"rest"), Chunks(1, frozenset((b"OIDF", b"GDA2"))))

    def test_multi_pack_index(self) -> None:
        """
        A multi-pack index says how many packs it is about, too.
        """
        content = b"MIDX\1\1\1\0\0\0\1\2" + b"RIDX" + bytes(8)
        self.assertEqual(multi_pack_index(content), Chunks(1, frozenset((b"RIDX",)), 258))

    def test_bitmap(self) -> None:
        """
        A bitmap says what else it holds.
        """
        self.assertEqual(bitmap(b"BITM\0\1\0\x05"), Bitmap(1, True, False))
        self.assertEqual(bitmap(b"BITM\0\1\0\x11"), Bitmap(1, False, True))

    @given(st.binary(max_size=20))
    def test_garbage(self, content: bytes) -> None:
        """
        What is none is refused, whatever it is.
        """
        for parser, magic in PARSERS:
            for garbage in (content, magic + content):
                try:
                    parser(garbage)
                except ValueError:
                    continue
                self.assertTrue(garbage.startswith(magic))
