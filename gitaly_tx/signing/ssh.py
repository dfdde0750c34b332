"""
SSH signatures, as ``ssh-keygen -Y sign -n git`` makes them (OpenSSH's PROTOCOL.sshsig).
"""

from __future__ import annotations

import binascii
import hashlib
import re
import struct
from collections.abc import Callable
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from zope.interface import implementer

from .interfaces import ISigningKey, UnusableKey

MARK: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"

_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
_END: Final = b"-----END SSH SIGNATURE-----"
_ARMOUR: Final = re.compile(_BEGIN + rb"\n([A-Za-z0-9+/=\n]*)" + _END + rb"\n?\Z")

_MAGIC: Final = b"SSHSIG"
_NAMESPACE: Final = b"git"
_DIGESTS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"sha256": lambda data: hashlib.sha256(data).digest(),
    b"sha512": lambda data: hashlib.sha512(data).digest(),
}
_WIDTH: Final = 70

_CURVES: Final = {
    "secp256r1": (b"ecdsa-sha2-nistp256", hashes.SHA256()),
    "secp384r1": (b"ecdsa-sha2-nistp384", hashes.SHA384()),
    "secp521r1": (b"ecdsa-sha2-nistp521", hashes.SHA512()),
}
_RSA: Final = {b"rsa-sha2-512": hashes.SHA512(), b"rsa-sha2-256": hashes.SHA256()}

Private = Ed25519PrivateKey | RSAPrivateKey | EllipticCurvePrivateKey


@implementer(ISigningKey)
@frozen(eq=False)
class SSHKey:
    """
    An Ed25519, RSA or ECDSA key.
    """

    _key: Private = field(repr=False)
    _line: bytes

    @classmethod
    def load(cls, content: bytes) -> SSHKey:
        """
        :param content: of a private key file of OpenSSH's.
        :raises UnusableKey: if it is none, is of another kind, or has a passphrase.
        """
        try:
            key = load_ssh_private_key(content, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UnusableKey("not an OpenSSH private key without a passphrase") from error
        if not isinstance(key, Private) or (isinstance(key, EllipticCurvePrivateKey) and key.curve.name not in _CURVES):
            raise UnusableKey("not an Ed25519, RSA or ECDSA key")
        return cls(key, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))

    def sign(self, data: bytes) -> bytes:
        """
        Sign for git.
        """
        algorithm, signature = self._signed(_message(b"sha512", data))
        blob = b"%b%b%b" % (
            _MAGIC,
            struct.pack(">I", 1),
            b"".join(map(_string, (self._blob, _NAMESPACE, b"", b"sha512", _string(algorithm) + _string(signature)))),
        )
        text = binascii.b2a_base64(blob, newline=False)
        lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
        return b"\n".join((_BEGIN, *lines, _END, b""))

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """
        Whether it is this key's.
        """
        found = _ARMOUR.match(signature)
        if found is None:
            return False
        try:
            blob = binascii.a2b_base64(found[1])
            if blob[:10] != _MAGIC + struct.pack(">I", 1):
                return False
            public, namespace, _, digest, inner = _strings(blob[10:])
            algorithm, raw = _strings(inner)
            if (public, namespace) != (self._blob, _NAMESPACE) or digest not in _DIGESTS:
                return False
            self._check(algorithm, raw, _message(digest, data))
        except (ValueError, InvalidSignature):
            return False
        return True

    def public(self) -> bytes:
        """
        The line for ``authorized_keys``.
        """
        return self._line + b"\n"

    @property
    def _blob(self) -> bytes:
        return binascii.a2b_base64(self._line.split(b" ")[1])

    def _signed(self, message: bytes) -> tuple[bytes, bytes]:
        key = self._key
        if isinstance(key, Ed25519PrivateKey):
            return b"ssh-ed25519", key.sign(message)
        if isinstance(key, RSAPrivateKey):
            return b"rsa-sha2-512", key.sign(message, padding.PKCS1v15(), hashes.SHA512())
        name, digest = _CURVES[key.curve.name]
        r, s = decode_dss_signature(key.sign(message, ECDSA(digest)))
        return name, _string(_mpint(r)) + _string(_mpint(s))

    def _check(self, algorithm: bytes, signature: bytes, message: bytes) -> None:
        """
        :raises InvalidSignature: or ValueError, if it is not this key's.
        """
        key = self._key
        if isinstance(key, Ed25519PrivateKey):
            if algorithm != b"ssh-ed25519":
                raise ValueError("algorithm of another key")
            key.public_key().verify(signature, message)
        elif isinstance(key, RSAPrivateKey):
            if algorithm not in _RSA:
                raise ValueError("algorithm of another key")
            key.public_key().verify(signature, message, padding.PKCS1v15(), _RSA[algorithm])
        else:
            name, digest = _CURVES[key.curve.name]
            if algorithm != name:
                raise ValueError("algorithm of another key")
            r, s = (int.from_bytes(part, "big") for part in _strings(signature))
            key.public_key().verify(encode_dss_signature(r, s), message, ECDSA(digest))


def _message(digest: bytes, data: bytes) -> bytes:
    """
    What is signed in place of the data.
    """
    return _MAGIC + b"".join(map(_string, (_NAMESPACE, b"", digest, _DIGESTS[digest](data))))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _strings(data: bytes) -> list[bytes]:
    """
    :raises ValueError: if that is no row of strings.
    """
    found = []
    while data:
        if len(data) < 4 or len(data) < 4 + (size := int.from_bytes(data[:4], "big")):
            raise ValueError("string cut short")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


__all__ = ["MARK", "SSHKey"]
