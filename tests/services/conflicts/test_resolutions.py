"""
Tests for :mod:`gitaly_tx.services.conflicts.resolutions`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.services.conflicts.resolutions import Resolution, parse


class ParseTests(SynchronousTestCase):
    """
    ``parse``.
    """

    def test_parse(self):
        """
        Keys may be in any case, nulls do not count, and what is unknown is passed over; text becomes UTF-8.
        """
        for text, expected in (
            ("null", []),
            ("[]", []),
            (
                '[{"old_path": "\\u00e4", "new_path": "b", "sections": {"1_1": "head"}, "more": 1}]',
                [Resolution("ä".encode(), b"b", {b"1_1": b"head"})],
            ),
            ('[{"OLD_path": "a", "content": "\\ud83d\\ude00\\ud800"}]', [Resolution(b"a", content="😀\ufffd".encode())]),
            ('[{"sections": null, "old_path": null}]', [Resolution()]),
        ):
            with self.subTest(text=text):
                self.assertEqual(parse(text.encode()), expected)

    def test_nothing_decided(self):
        """
        A resolution has sections or a content.
        """
        for text in ("[null]", "[{}]", '[{"old_path": "a"}]', '[{"Content": "a"}]'):
            error = self.assertRaises(GitalyError, parse, text.encode())
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, "missing sections or content for a resolution"))

    def test_malformed(self):
        """
        What is no JSON, or something else, is told as Gitaly's parser tells it.
        """
        field = "json: cannot unmarshal {} into Go struct field Resolution.{} of type {}"
        for text, message in (
            (b"", "unexpected end of JSON input"),
            (b'[{"content": "', "unexpected end of JSON input"),
            (b"[1,", "unexpected end of JSON input"),
            (b"x", "invalid character 'x' looking for beginning of value"),
            (b"NaN", "invalid character 'N' looking for beginning of value"),
            (b"[] x", "invalid character 'x' after top-level value"),
            (b"[" * 100_000, "exceeded max depth"),
            (b"{}", "json: cannot unmarshal object into Go value of type []map[string]interface {}"),
            (b'"a"', "json: cannot unmarshal string into Go value of type []map[string]interface {}"),
            (b"[1]", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
            (b"[[]]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
            (b'[{"content": true}]', field.format("bool", "content", "string")),
            (b'[{"sections": []}]', field.format("array", "sections", "map[string]string")),
            (b'[{"sections": {"a": 1}}]', field.format("number", "sections", "string")),
        ):
            with self.subTest(text=text[:20]):
                error = self.assertRaises(GitalyError, parse, text)
                self.assertEqual((error.code, error.message), (Code.INTERNAL, message))
