"""
Tests for :mod:`gitaly_tx.git.parse.patch`.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.patch import (
    LONG_LINE,
    LONGEST_HEADER,
    Event,
    PatchBegins,
    PatchDecoder,
    PatchPart,
    RawPart,
    header_of,
)
from gitaly_tx.git.parse.rawdiff import Change

RAW = b":100644 100644 1 2 M\0a\0:100644 100644 3 4 M\0b\0"

HEADER = b"diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n"

HUNK = b"@@ -1,2 +1,2 @@ diff --git\n"


def decoded(pieces: Iterable[bytes]) -> list[Event]:
    """
    The events of some pieces.
    """
    decoder = PatchDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.end())


def joined(events: Iterable[Event]) -> list[tuple[bytes, ...] | PatchPart]:
    """
    Events without the cuts between their parts.
    """
    found: list[tuple[bytes, ...] | PatchPart] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, RawPart):
            if isinstance(last, tuple) and last[0] == b"raw":
                found[-1] = b"raw", last[1] + event.data
            else:
                found.append((b"raw", event.data))
        elif isinstance(event, PatchBegins):
            found.append((b"begins", event.header))
        elif isinstance(last, PatchPart):
            found[-1] = PatchPart(
                last.data + event.data,
                last.lines + event.lines,
                last.size + event.size,
                last.added + event.added,
                last.removed + event.removed,
                last.binary or event.binary,
            )
        else:
            found.append(event)
    return found


def counted(lines: list[bytes]) -> PatchPart:
    """
    What a line-by-line look at a patch's lines finds.
    """
    rest = [line for line in lines if not line.startswith(b"@@")]
    return PatchPart(
        b"".join(lines),
        len(rest),
        sum(map(len, rest)),
        sum(line.startswith(b"+") for line in rest),
        sum(line.startswith(b"-") for line in rest),
    )


texts = st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")) | st.sampled_from(
    [b"", b"diff --git a/x b/x", b"@@ -1 +1 @@", b"Binary files a and b differ", b"-- a", b"x" * (LONG_LINE + 5)]
)

lines = st.tuples(st.sampled_from([b"+", b"-", b" ", b"\\ ", b"@@ "]), texts).map(lambda pair: b"".join(pair) + b"\n")

files = st.lists(lines, max_size=12).map(lambda body: [HUNK, *body] if body else [])


class PatchDecoderTests(SynchronousTestCase):
    """
    ``PatchDecoder``
    """

    @settings(max_examples=150, deadline=None)
    @given(st.lists(files, max_size=4), st.lists(st.integers(1, 200), max_size=40))
    def test_however_cut(self, bodies, sizes):
        """
        Parts, counts and files are what a look at every single line finds, however the bytes come.
        """
        printed = RAW + b"\0" + b"".join(HEADER + b"".join(body) for body in bodies)
        expected: list[tuple[bytes, ...] | PatchPart] = [(b"raw", RAW)]
        for body in bodies:
            expected.append((b"begins", b"diff --git a/a b/a\n"))
            if body:
                expected.append(counted(body))
        pieces, start = [], 0
        for size in sizes:
            pieces.append(printed[start : start + size])
            start += size
        self.assertEqual(joined(decoded([*pieces, printed[start:]])), expected)

    def test_byte_by_byte(self):
        """
        Binary files, pure renames and new files are told apart, a byte at a time.
        """
        binary = b"Binary files a/b and /dev/null differ\n"
        renamed = b"diff --git a/c b/d\nsimilarity index 100%\nrename from c\nrename to d\n"
        printed = RAW + b"\0" + b"diff --git a/b b/b\nindex 1..0\n" + binary + renamed + HEADER + HUNK + b"~\n"
        self.assertEqual(
            joined(decoded(printed[index : index + 1] for index in range(len(printed)))),
            [
                (b"raw", RAW),
                (b"begins", b"diff --git a/b b/b\n"),
                PatchPart(binary, 1, len(binary), 0, 0, True),
                (b"begins", b"diff --git a/c b/d\n"),
                (b"begins", b"diff --git a/a b/a\n"),
                PatchPart(HUNK + b"~\n", 1, 2, 0, 0),
            ],
        )

    def test_nothing(self):
        """
        Without a difference there is nothing; raw entries may come without patches.
        """
        self.assertEqual(decoded([]), [])
        self.assertEqual(joined(decoded([RAW])), [(b"raw", RAW)])
        self.assertEqual(joined(decoded([RAW, b"\0"])), [(b"raw", RAW)])

    def test_long_line_is_not_kept(self):
        """
        A line that does not end is handed out as it comes.
        """
        decoder = PatchDecoder()
        list(decoder.feed(RAW + b"\0" + HEADER + HUNK + b"+"))
        for _ in range(3):
            (part,) = decoder.feed(b"x" * LONG_LINE)
            assert isinstance(part, PatchPart)
            self.assertGreaterEqual(len(part.data), LONG_LINE)

    def test_broken(self):
        """
        What git does not print is refused.
        """
        for printed in (
            b"\0" + HEADER,
            RAW + b"\0junk\n",
            RAW + b"\0" + HEADER + b"x" * (LONGEST_HEADER + 1),
            RAW + b"\0" + HEADER + b"index",
            RAW + b"\0diff --git",
        ):
            with self.assertRaises(ValueError, msg=repr(printed[:100])):
                decoded([printed])


class HeaderTests(SynchronousTestCase):
    """
    ``header_of``
    """

    def test_quotes(self):
        """
        Each side is quoted by itself, and only if it needs to be.
        """
        for old, new, expected in (
            (b"a b", b"a b", b"diff --git a/a b b/a b\n"),
            (b"\xc3\xa9", b"e", b'diff --git "a/\\303\\251" b/e\n'),
            (b"x", b'q"\\', b'diff --git a/x "b/q\\"\\\\"\n'),
            (b"\a\b\t\n\v\f\r", b"\x01\x7f", b'diff --git "a/\\a\\b\\t\\n\\v\\f\\r" "b/\\001\\177"\n'),
        ):
            self.assertEqual(header_of(Change(0, 0, b"", b"", b"M", 0, old, new)), expected)
