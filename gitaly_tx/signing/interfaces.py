"""
What keys can do. All of it takes some CPU time, up to some milliseconds: for work that has a thread.
"""

from __future__ import annotations

from zope.interface import Interface


class ISigningKey(Interface):
    """
    A private key, of whatever kind.
    """

    def sign(data: bytes) -> bytes:
        """
        :returns: the signature in its armour, lines with newlines, as it stands in a commit.
        """

    def verifies(signature: bytes, data: bytes) -> bool:
        """
        Whether a signature is this key's, and about ``data``. Anything may be in it.
        """

    def public() -> bytes:
        """
        The public key, as users are shown it.
        """


class UnusableKey(Exception):
    """
    A key that cannot sign.

    :param why: in words, without anything of the key.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
