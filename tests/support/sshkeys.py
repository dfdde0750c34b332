"""
SSH keys for tests, made at run time.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


def ed25519_key(comment: str = "", seed: int = 1) -> str:
    """
    A public key as one line; the same for the same seed.
    """
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big"))
    return _line(private, comment)


def rsa_key(bits: int = 2048, comment: str = "") -> str:
    """
    An RSA key, new each time.
    """
    return _line(rsa.generate_private_key(65537, bits), comment)


def ecdsa_key(comment: str = "") -> str:
    """
    A key on NIST's curve P-256, new each time.
    """
    return _line(ec.generate_private_key(ec.SECP256R1()), comment)


def blob(line: str) -> bytes:
    """
    The key of a line as it is sent on the wire.
    """
    return base64.b64decode(line.split()[1])


def _line(private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, comment: str) -> str:
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{public.decode()} {comment}".strip()
