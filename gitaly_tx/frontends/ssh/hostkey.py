"""
The key by which clients know this server again.
"""

from __future__ import annotations

import os
from typing import cast

from cryptography.hazmat.primitives.asymmetric import ed25519
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, FingerprintFormats, Key

from ...errors import Code, GitalyError


def host_key(path: str) -> Key:
    """
    The key in a file; if there is none, a new Ed25519 key is made and kept there, for its owner's eyes only.

    The file appears whole or not at all, and is durable before it is used: a key that clients have seen must not change.

    :raises GitalyError: FAILED_PRECONDITION if the file is no private key, or cannot be read or written.
    """
    try:
        if not os.path.exists(path):
            _make(path)
        with open(path, "rb") as stream:
            return cast(Key, Key.fromString(stream.read()))
    except (BadKeyError, EncryptedKeyError) as error:
        raise GitalyError(
            "the SSH host key is not a private key without passphrase", Code.FAILED_PRECONDITION, {"path": path}
        ) from error
    except OSError as error:
        raise GitalyError(
            "the SSH host key cannot be read or made", Code.FAILED_PRECONDITION, {"path": path, "error": str(error)}
        ) from error


def fingerprint(key: Key) -> str:
    """
    A key's fingerprint as OpenSSH prints it: ``SHA256:…``.
    """
    return "SHA256:" + str(key.fingerprint(FingerprintFormats.SHA256_BASE64)).rstrip("=")


def _make(path: str) -> None:
    key = Key(ed25519.Ed25519PrivateKey.generate())
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(key.toString("OPENSSH"))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another server was first, and its key counts
    finally:
        os.unlink(temporary)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
