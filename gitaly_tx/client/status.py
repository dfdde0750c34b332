"""
A failed call of grpcio's → PeerError.
"""

from __future__ import annotations

from typing import Any, Final

import grpc
from google.protobuf import any_pb2, descriptor_pool, message_factory, symbol_database
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError, Message

from ..errors import Code
from .interfaces import PeerError

DETAILS_KEY: Final = "grpc-status-details-bin"


def peer_error(error: grpc.RpcError) -> PeerError:
    """
    What a call failed with.
    """
    call: Any = error
    details = tuple(
        detail for key, value in call.trailing_metadata() or () if key == DETAILS_KEY for detail in decode_details(value)
    )
    return PeerError(call.details() or "", Code(call.code().value[0]), details=details)


def decode_details(data: bytes) -> tuple[Message, ...]:
    """
    The messages in a serialized ``google.rpc.Status``; what cannot be read, or is of a type that nobody here knows, is left out.
    """
    try:
        status: Any = _STATUS.FromString(data)
        return tuple(_unpacked(packed.type_url, packed.value) for packed in status.details if _known(packed.type_url))
    except DecodeError:
        return ()


def _known(url: str) -> bool:
    try:
        symbol_database.Default().GetSymbol(url.rpartition("/")[2])
    except KeyError:
        return False
    return True


def _unpacked(url: str, value: bytes) -> Message:
    kind: type[Message] = symbol_database.Default().GetSymbol(url.rpartition("/")[2])
    return kind.FromString(value)


def _status() -> type[Message]:
    """
    The class for ``google.rpc.Status``, whose file comes with no package that is used here.
    """
    any_file = FileDescriptorProto.FromString(any_pb2.DESCRIPTOR.serialized_pb)
    file = FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", dependency=[any_file.name], syntax="proto3")
    message = file.message_type.add(name="Status")
    message.field.add(name="code", number=1, type=5, label=1)
    message.field.add(name="message", number=2, type=9, label=1)
    message.field.add(name="details", number=3, type=11, label=3, type_name=".google.protobuf.Any")
    # Of its own, because somebody else in the process may have the real one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(any_file)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


_STATUS: Final = _status()

__all__ = ["decode_details", "peer_error"]
