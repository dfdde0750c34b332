"""
Tests for :mod:`gitaly_tx.frontends.grpc.status`.
"""

from __future__ import annotations

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.status import CODES, DETAILS_KEY, LONGEST, encode_status, set_status
from protocols.gitaly import errors_pb2


def rpc_status():
    """
    ``google.rpc.Status`` as its ``.proto`` file has it.
    """
    file = descriptor_pb2.FileDescriptorProto(name="test_status.proto", package="test", syntax="proto3")
    file.dependency.append("google/protobuf/any.proto")
    field = descriptor_pb2.FieldDescriptorProto
    message = file.message_type.add(name="Status")
    message.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(
        name="details", number=3, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Any", label=field.LABEL_REPEATED
    )
    pool = descriptor_pool.DescriptorPool()
    any_file = descriptor_pb2.FileDescriptorProto()
    descriptor_pool.Default().FindFileByName("google/protobuf/any.proto").CopyToProto(any_file)
    pool.Add(any_file)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Status"))


class FakeContext:
    """
    Keeps what it is told.
    """

    def __init__(self) -> None:
        self.code: object = None
        self.details: str | None = None

    def set_code(self, code: object) -> None:
        self.code = code

    def set_details(self, details: str) -> None:
        self.details = details


class StatusTests(SynchronousTestCase):
    """
    ``set_status`` and ``encode_status``.
    """

    def set(self, error):
        self.context = FakeContext()
        context: object = self.context
        return set_status(context, error)  # type: ignore[arg-type]

    def test_codes(self):
        """
        Every code is gRPC's of the same number.
        """
        self.assertEqual({code: int(CODES[code].value[0]) for code in Code}, {code: int(code) for code in Code})

    def test_plain(self):
        """
        Without details there is code and text, and nothing else; facts stay here.
        """
        self.assertEqual(self.set(GitalyError("no", Code.NOT_FOUND, {"path": "/srv"})), ())
        self.assertEqual((self.context.code, self.context.details), (grpc.StatusCode.NOT_FOUND, "no"))

    def test_long_text(self):
        """
        A text that would not fit into a header is cut.
        """
        self.set(GitalyError("x" * 100_000))
        self.assertEqual(len(self.context.details or ""), LONGEST)

    def test_details(self):
        """
        Details are a ``google.rpc.Status`` that anybody can read, in their order, however long.
        """
        details = (
            errors_pb2.ReferencesLockedError(refs=[b"refs/heads/main"]),
            errors_pb2.ReferencesLockedError(refs=[b"x" * 300, b"y" * 20_000]),
        )
        ((key, data),) = self.set(GitalyError("gesperrt: ä", Code.ABORTED, details=details))
        self.assertEqual(key, DETAILS_KEY)
        status = rpc_status().FromString(data)
        self.assertEqual((status.code, status.message), (Code.ABORTED, "gesperrt: ä"))
        urls = [each.type_url for each in status.details]
        self.assertEqual(urls, ["type.googleapis.com/gitaly.ReferencesLockedError"] * 2)
        unpacked = tuple(errors_pb2.ReferencesLockedError.FromString(each.value) for each in status.details)
        self.assertEqual(unpacked, details)

    def test_encoding(self):
        """
        The bytes are known.
        """
        self.assertEqual(encode_status(GitalyError("x", Code.ABORTED), "no"), b"\x08\x0a\x12\x02no")
