"""
Who a request says it is from.
"""

from __future__ import annotations

import base64
import binascii

from ...auth.users import IUsers
from ...errors import Code, GitalyError
from ...rpc.call import Identity

LONGEST = 8 * 1024
"""The longest ``Authorization`` header that is looked at, in bytes."""


class BadCredentials(GitalyError):
    """
    Credentials were given, and they are wrong. Not the same as none: nobody becomes anonymous by mistyping a token.
    """

    def __init__(self, why: str) -> None:
        super().__init__("authentication failed", Code.UNAUTHENTICATED, {"reason": why})


def identify(header: bytes | None, users: IUsers) -> Identity:
    """
    :param header: the ``Authorization`` header: ``Basic`` with user name and token (or the token as the user name), or
        ``Bearer`` with the token.
    :returns: who it is; the anonymous identity without a header.
    :raises BadCredentials: if it is not somebody's.
    """
    if header is None:
        return Identity()
    if len(header) > LONGEST:
        raise BadCredentials("authorization header too long")
    scheme, _, value = header.partition(b" ")
    if scheme.lower() == b"bearer":
        return _known(users, _text(value.strip()), None)
    if scheme.lower() != b"basic":
        raise BadCredentials("unknown scheme")
    try:
        decoded = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadCredentials("malformed basic credentials") from None
    user, colon, token = decoded.partition(b":")
    if not colon:
        raise BadCredentials("malformed basic credentials")
    if not token:
        # git asks for a user name first; people paste their token there.
        return _known(users, _text(user), None)
    return _known(users, _text(token), _text(user))


def _known(users: IUsers, token: str, name: str | None) -> Identity:
    recognised = users.by_token(token, name)
    if recognised is None:
        raise BadCredentials("unknown token")
    return Identity(recognised.user, recognised.proof)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadCredentials("credentials are not UTF-8") from None
