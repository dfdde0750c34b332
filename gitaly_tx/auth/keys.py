"""
SSH public keys: whose is it?
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from attrs import frozen
from twisted.conch.ssh.keys import BadKeyError, Key


class KeyUnusable(ValueError):
    """
    A text is not a public key that can be used.
    """


@frozen
class PublicKey:
    """
    A key that somebody may log in with.

    :param blob: as it is sent on the wire (RFC 4253, section 6.6).
    :param kind: its type: ``ssh-ed25519``.
    :param comment: what stands behind it in the file, often ``name@machine``.
    """

    blob: bytes
    kind: str
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """
        The key's name for people: ``SHA256:…``.
        """
        return fingerprint(self.blob)


def parse_key(line: str) -> PublicKey:
    """
    :param line: one public key in OpenSSH's form.
    :raises KeyUnusable: if it is none, or a private one.
    """
    try:
        key = Key.fromString(line.encode(), type="public_openssh")
        blob = key.blob()
    except (BadKeyError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        raise KeyUnusable("the key's numbers are wrong") from error
    except Exception as error:  # cryptography has errors of its own for points that are on no curve
        raise KeyUnusable("the key cannot be used") from error
    parts = line.split(None, 2)
    return PublicKey(blob, key_kind(blob), parts[2].strip() if len(parts) > 2 else "")


def fingerprint(blob: bytes) -> str:
    """
    What ``ssh-keygen -l`` prints of a key.
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def key_kind(blob: bytes) -> str:
    """
    The type that a key on the wire says it is; for the log, so anything at all may be given.
    """
    length = int.from_bytes(blob[:4], "big")
    kind = blob[4 : 4 + length]
    if not 0 < length <= 64 or len(kind) < length:
        return "unknown"
    return kind.decode("ascii", "replace")


class KeyRing:
    """
    Public keys and their owners. Never changes; a reload makes a new one.

    :param keys: pairs of key and user name. A key that comes twice stays its first owner's.
    """

    def __init__(self, keys: Iterable[tuple[PublicKey, str]]) -> None:
        self._owners: dict[bytes, tuple[PublicKey, str]] = {}
        for key, user in keys:
            self._owners.setdefault(key.blob, (key, user))

    def __len__(self) -> int:
        return len(self._owners)

    def owner(self, blob: bytes) -> str | None:
        """
        :param blob: the key as the client offered it. That somebody offers it proves nothing yet: the signature does.
        :returns: whose it is; ``None`` for nobody's.
        """
        found = self._owners.get(blob)
        return None if found is None else found[1]

    def hint(self, blob: bytes) -> str:
        """
        What to write into the log when a key was refused, so that whoever reads it sees which key to add, or which of their keys
        the user should have taken: ``offered SHA256:… (ssh-ed25519), known to nobody; similar: alpha SHA256:… (laptop)``.

        Similar are the keys of the same type. None of this is told to the client.
        """
        kind = key_kind(blob)
        similar = [
            f"{user} {key.fingerprint}" + (f" ({key.comment})" if key.comment else "")
            for key, user in self._owners.values()
            if key.kind == kind
        ]
        shown = "; ".join(similar[:3]) + (f"; and {len(similar) - 3} more" if len(similar) > 3 else "")
        return f"offered {fingerprint(blob)} ({kind}), known to nobody; similar: {shown or 'none'}"


__all__ = ["KeyRing", "KeyUnusable", "PublicKey", "fingerprint", "key_kind", "parse_key"]
