"""
The keys that the server signs with, or once did.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..errors import Code, GitalyError
from .interfaces import ISigningKey, UnusableKey
from .ssh import MARK, SSHKey

_LARGEST: Final = 1 << 20
"""Bytes of a key file."""


@frozen
class Signing:
    """
    :param key: signs; ``None`` if nothing is signed.
    :param rotated: signed earlier; their signatures still count as the server's.
    :param committer: name and address that take the place of a user's in commits that are signed.
    """

    key: ISigningKey | None = None
    rotated: Sequence[ISigningKey] = ()
    committer: tuple[bytes, bytes] | None = None

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """
        Whether a signature is one of the server's. For work that has a thread.
        """
        keys = ([] if self.key is None else [self.key]) + [*self.rotated]
        return any(key.verifies(signature, data) for key in keys)

    def public(self) -> bytes:
        """
        The public key that users are shown; empty if there is none. For work that has a thread.
        """
        return b"" if self.key is None else self.key.public()


UNSIGNED: Final = Signing()
"""Nothing is signed, and nothing ever was."""


def load(path: str, rotated: Sequence[str] = (), name: str = "", email: str = "") -> Signing:
    """
    Read the keys. Blocks for some milliseconds: for start-up.

    :param path: of the key that signs; empty for none.
    :param rotated: paths of earlier ones.
    :param name: of the committer; it counts only together with ``email``.
    :raises GitalyError: FAILED_PRECONDITION, with the file's name and what is wrong with it.
    """
    key = _loaded("signing_key", path) if path else None
    committer = (name.encode("utf-8"), email.encode("utf-8")) if name and email else None
    return Signing(key, tuple(_loaded("rotated_signing_keys", each) for each in rotated), committer)


def parse(content: bytes) -> ISigningKey:
    """
    :param content: of a key file of either kind.
    :raises UnusableKey: if there is no key in it that signs.
    """
    if content.lstrip().startswith(MARK):
        return SSHKey.load(content)
    from .openpgp import OpenPGPKey  # a large library, which most servers never need

    return OpenPGPKey.load(content)


def _loaded(setting: str, path: str) -> ISigningKey:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise UnusableKey("too large")
            return parse(file.read())
    except OSError as error:
        raise _unusable(setting, path, error.strerror or "cannot be read") from error
    except UnusableKey as error:
        raise _unusable(setting, path, error.why) from error


def _unusable(setting: str, path: str, why: str) -> GitalyError:
    return GitalyError(f"[git] {setting}: {path}: {why}", Code.FAILED_PRECONDITION)


__all__ = ["UNSIGNED", "Signing", "load", "parse"]
