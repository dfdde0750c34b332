"""
SSH public keys as people write them into a configuration: the text itself, or the path of a file that holds it.

Only the outer form is looked at here, so that a mistake has its line and its cure before anything starts; the arithmetic is done
where keys are used, in :mod:`gitaly_tx.auth.keys`.
"""

from __future__ import annotations

import base64
import binascii
import os.path

from .kinds import Wrong

KINDS = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}
"""The types of keys that somebody can log in with, and the number of strings that each consists of on the wire."""

LEAST_RSA = 2048
"""Bits that an RSA key has at least."""

MOST = 64 * 1024
"""Bytes of a key file that are read at most."""

_CURE = "write one line as in id_ed25519.pub: ssh-ed25519 AAAA… comment"


def read_keys(written: str, base: str) -> list[str]:
    """
    :param written: a public key, or the path of a file with one on each line, as ``.pub`` and ``authorized_keys`` files are.
    :param base: the directory that a relative path starts from.
    :returns: the keys, one line each.
    :raises Wrong: if it is neither, or the file cannot be read.
    """
    text = written.strip()
    if "PRIVATE KEY" in text:
        raise Wrong("this is a private key", "remove it, make a new key, and write the .pub file's text here")
    first = text.split(None, 1)[0] if text else ""
    if not text:
        raise Wrong("a key cannot be empty", _CURE)
    if " " in text and not first.startswith(("/", "~", ".")):
        return [checked_key(text)]
    return _from_file(os.path.normpath(os.path.join(base, os.path.expanduser(text))))


def _from_file(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST + 1).decode("utf-8", "replace")
    except OSError as error:
        raise Wrong(
            f"{path}: {(error.strerror or 'cannot be read').lower()}", "write the path of a .pub file, or the key itself"
        ) from None
    if len(content) > MOST or "PRIVATE KEY" in content:
        raise Wrong(f"{path} is not a file of public keys", f"name {path}.pub instead, or write the key itself")
    lines = [line.strip() for line in content.splitlines()]
    found = [checked_key(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise Wrong(f"{path} holds no key", "name a .pub file, or write the key itself")
    return found


def checked_key(line: str) -> str:
    """
    :param line: one public key in OpenSSH's form.
    :returns: the same.
    :raises Wrong: if it is not one that can be used.
    """
    kind, _, rest = line.partition(" ")
    if "-cert-v01@" in kind:
        raise Wrong("certificates are not known here", "write the plain public key")
    if kind == "ssh-dss":
        raise Wrong("DSA keys are broken", "make a new key: ssh-keygen -t ed25519")
    if kind not in KINDS:
        if any(word in KINDS for word in rest.split()):
            raise Wrong("options in front of a key have no meaning here", "leave out what is before the key's type")
        raise Wrong(f"{kind[:40]!r} is not a type of key", _CURE)
    try:
        blob = base64.b64decode(rest.split(None, 1)[0] if rest.strip() else "", validate=True)
        parts = _strings(blob)
    except (binascii.Error, ValueError):
        raise Wrong("the key is cut off or garbled", _CURE) from None
    if parts[0] != kind.encode():
        raise Wrong(f"the key says that it is {parts[0].decode('ascii', 'replace')[:40]!r}, not {kind!r}", _CURE)
    if len(parts) != KINDS[kind]:
        raise Wrong("the key is cut off or garbled", _CURE)
    bits = int.from_bytes(parts[-1], "big").bit_length()
    if kind == "ssh-rsa" and bits < LEAST_RSA:
        raise Wrong(f"an RSA key of {bits} bits is too weak", "make a new key: ssh-keygen -t ed25519")
    return line


def _strings(blob: bytes) -> list[bytes]:
    """
    The strings of SSH's wire format (RFC 4251, section 5) that a key consists of.
    """
    found: list[bytes] = []
    while blob or not found:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length or length == 0:
            raise ValueError("cut off")
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found


__all__ = ["KINDS", "LEAST_RSA", "checked_key", "read_keys"]
