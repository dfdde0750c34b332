"""
What a hook is told by the git command that it runs for: the variable ``GITALY_HOOKS_PAYLOAD``. Pure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen
from google.protobuf.json_format import Parse, ParseError

from protocols.gitaly.shared_pb2 import Repository

from ...hooks.gojson import fields, first_value

VARIABLE: Final = "GITALY_HOOKS_PAYLOAD"

_STRUCT: Final = "git.jsonHooksPayload"

_ILLEGAL = re.compile(rb"[^A-Za-z0-9+/=]")


class PayloadUnusable(Exception):
    """
    There is no payload, or it cannot be understood.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"extracting hooks payload: {why}")


@frozen
class Vote:
    """
    The transaction over several servers that the command takes part in.

    :param backchannel: the connection back to whoever leads it.
    :param primary: whether this server is the one that runs hooks.
    """

    backchannel: int
    primary: bool


@frozen
class Pusher:
    """
    Who pushes, and how.
    """

    username: str
    gl_id: str
    protocol: str


@frozen
class Payload:
    """
    :param repository: as the command's caller named it.
    :param object_format: ``sha1`` or ``sha256``.
    :param vote: ``None`` if no other server takes part.
    :param pusher: ``None`` if it is no push.
    :param transaction: of the storage's own log; 0 for none.
    """

    repository: Repository = field(eq=repr)
    object_format: str
    vote: Vote | None
    pusher: Pusher | None
    transaction: int

    @property
    def primary(self) -> bool:
        """
        Whether hooks run here.
        """
        return self.vote is None or self.vote.primary


def variables(environment: Iterable[str]) -> dict[str, str]:
    """
    Variables as ``NAME=VALUE``; the first of a name counts, and what is no such pair does not.
    """
    found: dict[str, str] = {}
    for entry in environment:
        name, equals, value = entry.partition("=")
        if equals:
            found.setdefault(name, value)
    return found


def read_payload(environment: Mapping[str, str]) -> Payload:
    """
    :raises PayloadUnusable: in Go's words, as far as they can be known.
    """
    encoded = environment.get(VARIABLE)
    if encoded is None:
        raise PayloadUnusable("no hooks payload found in environment")
    try:
        value = first_value(_decoded(encoded), *["unexpected end of JSON input"] * 2)
        kinds = {"object_format": (str, ""), "repository": (str, ""), "transaction_id": (int, "storage.TransactionID")}
        found = fields(_STRUCT, value, kinds)
        vote = _part(value, "transaction", {"backchannel_id": (int, "backchannel.ID"), "primary": (bool, "")})
        pusher = _part(value, "user_details", dict.fromkeys(("username", "userid", "protocol"), (str, "")))
    except ValueError as error:
        raise PayloadUnusable(str(error)) from error
    return Payload(
        repository=_repository(found["repository"]),
        object_format=found["object_format"],
        vote=None if vote is None else Vote(vote["backchannel_id"], vote["primary"]),
        pusher=None if pusher is None else Pusher(pusher["username"], pusher["userid"], pusher["protocol"]),
        transaction=found["transaction_id"],
    )


def _part(value: Any, name: str, kinds: Mapping[str, tuple[type, str]]) -> dict[str, Any] | None:
    given = value.get(name) if isinstance(value, dict) else None
    return None if given is None else fields(f"{_STRUCT}.{name}", given, kinds)


def _decoded(encoded: str) -> bytes:
    raw = encoded.encode("utf-8", "surrogateescape").replace(b"\n", b"").replace(b"\r", b"")
    illegal = _ILLEGAL.search(raw)
    try:
        if illegal is None:
            return base64.b64decode(raw, validate=True)
    except binascii.Error:
        pass
    at = len(raw) // 4 * 4 if illegal is None else illegal.start()
    raise ValueError(f"illegal base64 data at input byte {at}")


def _repository(text: str) -> Repository:
    try:
        return Parse(text, Repository())
    except ParseError as error:
        raise PayloadUnusable("proto: syntax error") from error
