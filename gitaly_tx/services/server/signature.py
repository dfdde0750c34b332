"""
The public half of the key that this server signs commits with.
"""

from __future__ import annotations

from protocols.gitaly.server_pb2 import ServerSignatureResponse

from ...errors import Code, GitalyError


def server_signature(signing_key: str | None) -> ServerSignatureResponse:
    """
    :param signing_key: the private key's file; without one there is nothing to show, and the answer is empty.
    :raises GitalyError: UNIMPLEMENTED with a key: this server does not sign yet, and an empty answer would say that it has none.
    """
    if signing_key is not None:
        raise GitalyError("method ServerSignature not implemented", Code.UNIMPLEMENTED)
    return ServerSignatureResponse()
