"""
HTTP tokens: made, hashed, looked up.

A token is 160 random bits, made by this program and chosen by nobody. Slow hashes (bcrypt, scrypt) exist because people choose
guessable passwords; 2^160 tokens cannot be tried, however fast the hash is, so one SHA-256 is enough, and the server pays
microseconds for it and not a tenth of a second on every request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable

PREFIX = "gtx_"
"""What tokens begin with, so that secret scanners (and people) recognise one."""

RANDOM_BYTES = 20


def new_token(random: Callable[[int], bytes] = os.urandom) -> str:
    """
    A new token, to be shown once and kept by its owner: ``gtx_`` and 32 letters and digits.

    :param random: gives that many random bytes.
    """
    return PREFIX + base64.b32encode(random(RANDOM_BYTES)).decode().lower()


def hash_token(token: str) -> str:
    """
    What the configuration keeps of a token: ``sha256:`` and 64 hexadecimal digits.
    """
    return "sha256:" + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class TokenTable:
    """
    Hashed tokens and their owners. Never changes; a reload makes a new one.

    :param tokens: pairs of hash, as :func:`hash_token` gives it, and user name. A token that comes twice stays its first owner's.
    """

    def __init__(self, tokens: Iterable[tuple[str, str]]) -> None:
        self._owners: dict[str, tuple[str, str]] = {}
        for hashed, user in tokens:
            self._owners.setdefault(hashed, (hashed, user))

    def __len__(self) -> int:
        return len(self._owners)

    def owner(self, token: str) -> str | None:
        """
        Whose token it is; ``None`` for nobody's.

        What is looked up is the token's hash. Nobody can choose tokens so that their hashes come nearer and nearer to a known
        one, so how long the look-up takes says nothing about any token; the comparison takes the same time for all.
        """
        hashed = hash_token(token)
        known, user = self._owners.get(hashed, ("", ""))
        return user if hmac.compare_digest(known, hashed) else None


__all__ = ["PREFIX", "TokenTable", "hash_token", "new_token"]
