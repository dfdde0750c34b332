"""
The ``gitaly-servers`` metadata: where the Gitalys are that keep other storages, and what to show them.
"""

from __future__ import annotations

import binascii
import json
import string
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ..errors import GitalyError
from ..rpc.call import Call

KEY: Final = "gitaly-servers"
"""The metadata key."""

_ALPHABET: Final = frozenset((string.ascii_letters + string.digits + "+/").encode())


@frozen
class Server:
    """
    One of them.

    :param address: as :func:`~gitaly_tx.client.dial.parse_target` takes it.
    :param token: the secret; empty for none.
    """

    address: str
    token: str = ""


def servers_of(call: Call) -> dict[str, Server]:
    """
    The servers that a call's metadata name, by storage.

    :raises GitalyError: with no code of its own: ``empty gitaly-servers metadata``, ``failed decoding base64: …``, ``failed
        unmarshalling json: …``.
    """
    values = call.metadata.get(KEY, ())
    if not values:
        raise GitalyError("empty gitaly-servers metadata")
    first = values[0]
    return decode_servers(first.encode() if isinstance(first, str) else first)


def server_of(call: Call, storage: str) -> Server:
    """
    The server that keeps a storage.

    :raises GitalyError: as :func:`servers_of`; ``storage name not found`` with no code of its own.
    """
    found = servers_of(call).get(storage)
    if found is None:
        raise GitalyError("storage name not found", facts={"storage": storage})
    return found


def decode_servers(text: bytes) -> dict[str, Server]:
    """
    :param text: standard base64 of JSON.
    :raises GitalyError: as :func:`servers_of`.
    """
    try:
        written = json.loads(_decoded(text).decode("utf-8", "replace"))
    except RecursionError:
        raise _unmarshalling("exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise _unmarshalling(_reason(error)) from error
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise _unmarshalling(f"json: cannot unmarshal {_kind(written)} into Go value of type storage.GitalyServers")
    return {storage: _server(entry) for storage, entry in written.items()}


def encode_servers(servers: Mapping[str, Server]) -> str:
    """
    The other way.
    """
    written = {storage: {"address": server.address, "token": server.token} for storage, server in servers.items()}
    return b64encode(json.dumps(written).encode()).decode("ascii")


def _decoded(text: bytes) -> bytes:
    bare = text.replace(b"\r", b"").replace(b"\n", b"")
    body = bare.rstrip(b"=")
    for at, byte in enumerate(body):
        if byte not in _ALPHABET:
            raise _decoding(at)
    if len(bare) - len(body) != -len(body) % 4:
        raise _decoding(len(body))
    try:
        return b64decode(bare, validate=True)
    except binascii.Error:
        raise _decoding(len(body)) from None


def _decoding(at: int) -> GitalyError:
    return GitalyError(f"failed decoding base64: illegal base64 data at input byte {at}")


def _unmarshalling(reason: str) -> GitalyError:
    return GitalyError(f"failed unmarshalling json: {reason}")


def _reason(error: json.JSONDecodeError) -> str:
    """
    Why it is no JSON, in the words that Go has for it.
    """
    rest = error.doc[error.pos :].lstrip()
    if not rest:
        return "unexpected end of JSON input"
    place = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
    return f"invalid character '{rest[0]}' {place}"


def _server(entry: object) -> Server:
    if entry is None:
        return Server("")
    if not isinstance(entry, dict):
        raise _unmarshalling(f"json: cannot unmarshal {_kind(entry)} into Go value of type storage.ServerInfo")
    given = {"address": "", "token": ""}
    for key, value in entry.items():
        # Go takes a key in any case.
        name = key.lower()
        if name not in given or value is None:
            continue
        if not isinstance(value, str):
            raise _unmarshalling(f"json: cannot unmarshal {_kind(value)} into Go struct field ServerInfo.{name} of type string")
        given[name] = value
    return Server(**given)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
