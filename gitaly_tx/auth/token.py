"""
The token that gRPC clients show: Gitaly's version 2.

``v2.<hex HMAC-SHA256(secret, message)>.<message>``, where the message is the time of issue in Unix seconds. The secret itself
never travels, and a token that is overheard is good for a minute.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..errors import Code, GitalyError

VALIDITY: Final = 30
"""Seconds that the caller's clock may differ from ours, in either direction, bounds included."""

_SECONDS = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


class TokenRefused(GitalyError):
    """
    There is no token, or it is no good. ``facts`` says which of the checks failed; the caller does not learn it.
    """


@frozen
class Shown:
    """
    A good token.

    :param issued: when it was made, in Unix seconds.
    :param secret: which of the secrets it was made with, from 0.
    """

    issued: int
    secret: int


def issue_token(secret: bytes, now: float) -> str:
    """
    :param now: Unix seconds.
    :returns: what to send as ``authorization`` after ``Bearer ``.
    """
    message = str(int(now))
    return f"v2.{hmac.digest(secret, message.encode('ascii'), 'sha256').hex()}.{message}"


def check_authorization(authorization: str, secret: bytes, now: float) -> int:
    """
    :func:`check_any` for one secret.

    :returns: when the token was issued.
    """
    return check_any(authorization, (secret,), now).issued


def check_any(authorization: str, secrets: Sequence[bytes], now: float) -> Shown:
    """
    Check an ``authorization`` header, in Gitaly's order. All secrets are tried, however soon one fits, so that the time it takes
    does not tell which.

    :param authorization: ``Bearer v2.…``; an empty string if there was none.
    :param secrets: any of them will do.
    :param now: Unix seconds.
    :raises TokenRefused: UNAUTHENTICATED for what is no token at all, PERMISSION_DENIED for one that is wrong or out of date.
    """
    scheme, space, token = authorization.partition(" ")
    if not space or scheme.lower() != "bearer":
        raise _unauthenticated("no bearer token")
    parts = token.split(".", 2)
    if len(parts) != 3:
        raise _unauthenticated("not three parts")
    version, signature, message = parts
    try:
        given = binascii.unhexlify(signature)
        signed = message.encode("utf-8")
    except ValueError:
        raise _unauthenticated("signature is not hexadecimal") from None
    if version != "v2":
        raise _denied("unsupported version")
    fits = [hmac.compare_digest(given, hmac.digest(secret, signed, "sha256")) for secret in secrets]
    if not any(fits):
        raise _denied("wrong signature")
    if _SECONDS.fullmatch(message) is None:
        raise _denied("time of issue is not a number")
    issued = int(message)
    if not in_time(issued, now):
        raise _denied("out of date")
    return Shown(issued, fits.index(True))


def in_time(issued: int, now: float) -> bool:
    """
    Whether a token is neither too old nor from the future.
    """
    return abs(int(now) - issued) <= VALIDITY


def _unauthenticated(why: str) -> TokenRefused:
    return TokenRefused("authentication required", Code.UNAUTHENTICATED, {"refused": why})


def _denied(why: str) -> TokenRefused:
    return TokenRefused("permission denied", Code.PERMISSION_DENIED, {"refused": why})
