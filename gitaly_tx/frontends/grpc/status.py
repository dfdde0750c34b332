"""
GitalyError → gRPC's status and its details.
"""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

from ...errors import Code, GitalyError
from .exchange import Context

DETAILS_KEY: Final = "grpc-status-details-bin"

LONGEST: Final = 4096
"""Characters of a status message: it travels in a header, of which clients take 8 KiB."""

CODES: Final = {Code(code.value[0]): code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


def set_status(context: Context, error: GitalyError) -> tuple[tuple[str, str | bytes], ...]:
    """
    Make a call end with an error.

    :returns: the trailing metadata that belongs to it.
    """
    code, message = code_and_text(error)
    context.set_code(code)
    context.set_details(message)
    if not error.details:
        return ()
    return ((DETAILS_KEY, encode_status(error, message)),)


def code_and_text(error: GitalyError) -> tuple[grpc.StatusCode, str]:
    """
    An error as grpcio takes it.
    """
    return CODES[error.code], error.message[:LONGEST]


def encode_status(error: GitalyError, message: str) -> bytes:
    """
    A serialized ``google.rpc.Status``: ``int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3``. It is
    written here, field by field, because three fields are not worth a dependency.
    """
    text = message.encode("utf-8", "replace")
    parts = [b"\x08", _varint(error.code), b"\x12", _varint(len(text)), text]
    for detail in error.details:
        packed = AnyMessage()
        packed.Pack(detail)
        data = packed.SerializeToString()
        parts += [b"\x1a", _varint(len(data)), data]
    return b"".join(parts)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)
