"""
HTTP/2 by hand, for what no client library sends.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """
    One frame.
    """
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name: bytes, value: bytes) -> bytes:
    """
    A header field as a literal that is not indexed (RFC 7541, 6.2.2).
    """
    return b"\x00" + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, made = len(text) - 127, b"\x7f"
    while rest > 127:
        made += bytes([rest & 127 | 128])
        rest >>= 7
    return made + bytes([rest]) + text


def call_fields(path: str, more: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """
    The header block of a call.
    """
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        *more,
    ]
    return b"".join(field(name, value) for name, value in fields)


def message(data: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """
    A gRPC message.

    :param length: what it says its length is, if that is not true.
    """
    return struct.pack(">BI", compressed, len(data) if length is None else length) + data


class RawConnection:
    """
    A connection on which anything can be sent. Frames that the server sends are read when somebody asks for them.
    """

    def __init__(self, port: int, seconds: float = 20.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._buffer = b""
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, data: bytes) -> bool:
        """
        :returns: whether the server still takes it.
        """
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def frames(self) -> Iterator[tuple[int, int, int, bytes]]:
        """
        Kind, flags, stream and payload of each frame, until the server closes.
        """
        while True:
            while len(self._buffer) < 9 or len(self._buffer) < 9 + int.from_bytes(self._buffer[:3], "big"):
                try:
                    data = self._socket.recv(65536)
                except ConnectionError:
                    return
                if not data:
                    return
                self._buffer += data
            length = int.from_bytes(self._buffer[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", self._buffer[3:9])
            payload, self._buffer = self._buffer[9 : 9 + length], self._buffer[9 + length :]
            yield kind, flags, stream & 0x7FFFFFFF, payload

    def ends(self, wanted: int) -> str:
        """
        Wait for the end of a stream, or of the connection.

        :returns: how it ended: ``reset``, ``answered``, ``goaway`` or ``closed``.
        """
        for kind, flags, stream, _ in self.frames():
            if kind == GOAWAY:
                return "goaway"
            if stream == wanted and kind == RST_STREAM:
                return "reset"
            if stream == wanted and kind in (HEADERS, DATA) and flags & END_STREAM:
                return "answered"
        return "closed"

    def close(self) -> None:
        """
        Hang up.
        """
        self._socket.close()
