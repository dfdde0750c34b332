"""
OpenPGP signatures, by Sequoia.
"""

from __future__ import annotations

from attrs import field, frozen
from pysequoia import Cert, Sig, SignatureMode, Tsk, sign, verify
from zope.interface import implementer

from .interfaces import ISigningKey, UnusableKey


@implementer(ISigningKey)
@frozen(eq=False)
class OpenPGPKey:
    """
    A transferable secret key, armoured or not.
    """

    _key: Tsk = field(repr=False)
    _certificate: Cert

    @classmethod
    def load(cls, content: bytes) -> OpenPGPKey:
        """
        :raises UnusableKey: if it is none, cannot sign, or has a passphrase.
        """
        try:
            key = Tsk.from_bytes(content)
            found = cls(key, key.extract_certificate())
            found.sign(b"")
        except (RuntimeError, ValueError, TypeError) as error:
            raise UnusableKey(f"not an OpenPGP key that signs without a passphrase: {_first_line(error)}") from None
        return found

    def sign(self, data: bytes) -> bytes:
        """
        A detached signature.
        """
        return bytes(sign(self._key.signer(), data, mode=SignatureMode.DETACHED))

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """
        Whether it is this key's.
        """
        try:
            checked = verify(data, store=lambda ids: [self._certificate], signature=Sig.from_bytes(signature))
        except (RuntimeError, ValueError, TypeError):
            return False
        return bool(checked.valid_sigs)

    def public(self) -> bytes:
        """
        The certificate, armoured.
        """
        return str(self._certificate).encode("utf-8")


def _first_line(error: Exception) -> str:
    """
    Without the library's own backtrace.
    """
    return str(error).partition("\n")[0]
