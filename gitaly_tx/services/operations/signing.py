"""
Which commits are signed, and who commits them then.
"""

from __future__ import annotations

from typing import Protocol

from attrs import evolve, frozen

from ...git.commits import Ident
from ...rpc.call import Call
from ...signing.interfaces import ISigningKey
from ...wal.threads import InThread
from .ports import OperationPorts

FLAG = "gpg_signing"
"""Gitaly's flag for it, off by default."""


class Signable(Protocol):
    """
    A request whose commit may be signed.
    """

    @property
    def sign(self) -> bool:
        """
        Whether the caller wants it signed.
        """


@frozen
class CommitSigner:
    """
    Signs a commit with the server's key. It is a :data:`~gitaly_tx.git.commits.Signer`.
    """

    _key: ISigningKey
    _committer: tuple[bytes, bytes] | None
    _in_thread: InThread

    async def __call__(self, content: bytes) -> bytes:
        return await self._in_thread(self._key.sign, content)

    def sign(self, content: bytes) -> bytes:
        """
        The same for work that has a thread.
        """
        return self._key.sign(content)

    def committer(self, user: Ident) -> Ident:
        """
        Who commits, if a user is behind it: whom the configuration names, or the user.
        """
        if self._committer is None:
            return user
        name, email = self._committer
        return evolve(user, name=name, email=email)


def signer_of(ports: OperationPorts, call: Call, request: Signable) -> CommitSigner | None:
    """
    What signs a call's commit: if there is a key, and the caller asks for it in the request or by the flag.
    """
    key = ports.signing.key
    if key is None or not (request.sign or call.flags.get(FLAG, False)):
        return None
    return CommitSigner(key, ports.signing.committer, ports.in_thread)


def committed_by(signer: CommitSigner | None, user: Ident) -> Ident:
    """
    Who is named as the committer.
    """
    return user if signer is None else signer.committer(user)
