"""
Tests for :mod:`gitaly_tx.client.servers`.
"""

from __future__ import annotations

from base64 import b64encode

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.client.servers import KEY, Server, decode_servers, encode_servers, server_of, servers_of
from gitaly_tx.errors import GitalyError
from tests.support.calls import make_call

EXISTS = "RepositoryService/RepositoryExists"
ELSEWHERE = Server("unix:/run/gitaly.sock", "secret")


class ServersTests(SynchronousTestCase):
    """
    ``gitaly-servers``.
    """

    def refused(self, text: bytes) -> str:
        error = self.assertRaises(GitalyError, decode_servers, text)
        self.assertIsNone(error.given_code)
        return error.message

    def test_found(self):
        """
        A storage's server is the one that the caller names, with its token.
        """
        call = make_call(EXISTS, metadata={KEY: (encode_servers({"other": ELSEWHERE, "third": Server("tcp://there:1")}),)})
        self.assertEqual(server_of(call, "other"), ELSEWHERE)
        self.assertEqual(servers_of(call)["third"], Server("tcp://there:1", ""))

    def test_first_counts(self):
        """
        Of several values the first one counts.
        """
        values = (encode_servers({"other": ELSEWHERE}), encode_servers({}))
        self.assertEqual(servers_of(make_call(EXISTS, metadata={KEY: values})), {"other": ELSEWHERE})

    def test_missing(self):
        """
        Without the metadata, or the storage in them, there is no server; the error has no code, so that the method gives it one.
        """
        for metadata, text in (
            ({}, "empty gitaly-servers metadata"),
            ({KEY: (encode_servers({"other": ELSEWHERE}),)}, "storage name not found"),
            ({KEY: (encode_servers({}),)}, "storage name not found"),
            ({KEY: (b64encode(b"null").decode(),)}, "storage name not found"),
        ):
            error = self.assertRaises(GitalyError, server_of, make_call(EXISTS, metadata=metadata), "default")
            self.assertEqual((error.message, error.given_code), (text, None))

    def test_not_base64(self):
        """
        What is no base64 is refused, and the place is told.
        """
        for text, at in ((b"!", 0), (b"YWJj-", 4), (b"YWJ", 3), (b"YWJj=", 4), (b"YQ=a", 2), (b"a", 1), (b"YQ===", 2)):
            self.assertEqual(self.refused(text), f"failed decoding base64: illegal base64 data at input byte {at}", text)

    def test_line_breaks(self):
        """
        Line breaks within the base64 are nothing.
        """
        whole = encode_servers({"other": ELSEWHERE}).encode()
        self.assertEqual(decode_servers(whole[:10] + b"\r\n" + whole[10:] + b"\n"), {"other": ELSEWHERE})

    def test_not_json(self):
        """
        What is no JSON, or other JSON, is refused in Go's words.
        """
        for text, reason in (
            (b"", "unexpected end of JSON input"),
            (b'{"a":', "unexpected end of JSON input"),
            (b"x", "invalid character 'x' looking for beginning of value"),
            (b"{} {}", "invalid character '{' after top-level value"),
            (b"[" * 100_000, "exceeded max depth"),
            (b"[]", "json: cannot unmarshal array into Go value of type storage.GitalyServers"),
            (b"true", "json: cannot unmarshal bool into Go value of type storage.GitalyServers"),
            (b'"x"', "json: cannot unmarshal string into Go value of type storage.GitalyServers"),
            (b'{"a":7}', "json: cannot unmarshal number into Go value of type storage.ServerInfo"),
            (b'{"a":{"token":{}}}', "json: cannot unmarshal object into Go struct field ServerInfo.token of type string"),
        ):
            self.assertEqual(self.refused(b64encode(text)), f"failed unmarshalling json: {reason}", text)

    def test_lenient(self):
        """
        What Go takes is taken: keys in any case, nulls, keys that mean nothing.
        """
        text = b64encode(b'{"a":{"Address":"unix:/a","TOKEN":null,"more":[]},"b":null}')
        self.assertEqual(decode_servers(text), {"a": Server("unix:/a"), "b": Server("")})
