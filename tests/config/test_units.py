"""
Tests for :mod:`gitaly_tx.config.units`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.units import format_duration, format_size, parse_duration, parse_size


class DurationTests(SynchronousTestCase):
    """
    Durations are Go's.
    """

    def test_examples(self) -> None:
        """
        What Go's documentation and Gitaly's files write is understood.
        """
        cases = {
            "0": 0.0,
            "0s": 0.0,
            "2s": 2.0,
            "10m0s": 600.0,
            "1h30m": 5400.0,
            "1.5s": 1.5,
            ".5s": 0.5,
            "1.s": 1.0,
            "+5m": 300.0,
            "100ms": 0.1,
            "7us": 7e-6,
            "7\u00b5s": 7e-6,
            "7\u03bcs": 7e-6,
            "3ns": 3e-9,
            "2h0.5m": 7230.0,
        }
        for text, seconds in cases.items():
            self.assertEqual(parse_duration(text), seconds, text)

    def test_refused(self) -> None:
        """
        Everything else is refused in words.
        """
        for text in ("", "5", "s", ".s", "1d", "10 minutes", "1h 30m", "5m3", "+", "1e3s", "\u0661s", "3 s", "1h-3m"):
            with self.assertRaises(ValueError, msg=text) as caught:
                parse_duration(text)
            self.assertIn("is not a duration", str(caught.exception))

    def test_negative(self) -> None:
        """
        A negative duration is refused as such.
        """
        with self.assertRaisesRegex(ValueError, "negative"):
            parse_duration("-3s")

    def test_too_long(self) -> None:
        """
        What Go cannot count is refused.
        """
        self.assertGreater(parse_duration("2562047h"), 9e9)
        with self.assertRaisesRegex(ValueError, "292 years"):
            parse_duration("2562048h")

    def test_formats(self) -> None:
        """
        Durations are printed as Go prints them.
        """
        cases = {
            0: "0s",
            1.5: "1.5s",
            90: "1m30s",
            5400: "1h30m0s",
            0.25: "250ms",
            2e-6: "2\u00b5s",
            3e-9: "3ns",
            59.999: "59.999s",
        }
        for seconds, text in cases.items():
            self.assertEqual(format_duration(seconds), text)

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 2**51))
    def test_round_trip(self, nanoseconds: int) -> None:
        """
        A printed duration means the duration that was printed.
        """
        seconds = nanoseconds / 1e9
        self.assertEqual(parse_duration(format_duration(seconds)), seconds)

    @settings(max_examples=200, deadline=None)
    @given(st.text(alphabet="0123456789.hmsunµ+- ", max_size=12))
    def test_never_anything_else(self, text: str) -> None:
        """
        Any text is a duration from zero up, or refused.
        """
        try:
            self.assertGreaterEqual(parse_duration(text), 0)
        except ValueError:
            pass


class SizeTests(SynchronousTestCase):
    """
    Sizes are bytes.
    """

    def test_examples(self) -> None:
        """
        Binary and decimal units are understood, in any case, with decimals where they make whole bytes.
        """
        cases = {
            "0": 0,
            "17": 17,
            "17B": 17,
            "1k": 1024,
            "1KiB": 1024,
            "1kB": 1000,
            "64MiB": 64 * 2**20,
            "1.5 GiB": 3 * 2**29,
            "2G": 2**31,
            "10MB": 10_000_000,
            "1TiB": 2**40,
            " 5m ": 5 * 2**20,
        }
        for text, size in cases.items():
            self.assertEqual(parse_size(text), size, text)

    def test_refused(self) -> None:
        """
        Everything else is refused in words.
        """
        for text in ("", "MiB", "-1", "1 XB", "1.", "1,5M", "0x10", "1e3"):
            with self.assertRaisesRegex(ValueError, "is not a size", msg=text):
                parse_size(text)
        with self.assertRaisesRegex(ValueError, "whole number"):
            parse_size("0.3B")
        with self.assertRaisesRegex(ValueError, "can count"):
            parse_size("9999999999T")

    @settings(max_examples=200, deadline=None)
    @given(st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 2**20).map(lambda n: n * 2**30)))
    def test_round_trip(self, size: int) -> None:
        """
        A printed size means the size that was printed.
        """
        self.assertEqual(parse_size(format_size(size)), size)

    def test_formats(self) -> None:
        """
        The largest binary unit that fits is taken.
        """
        cases = {0: "0", 1000: "1000", 1024: "1KiB", 1536 * 2**20: "1536MiB", 2**40: "1TiB"}
        for size, text in cases.items():
            self.assertEqual(format_size(size), text)
