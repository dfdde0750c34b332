"""
The public half of the key that this server signs commits with.
"""

from __future__ import annotations

from protocols.gitaly.server_pb2 import ServerSignatureResponse

from ...signing.system import Signing
from ...wal.threads import InThread


async def server_signature(signing: Signing, in_thread: InThread) -> ServerSignatureResponse:
    """
    An armoured OpenPGP key, or a line for ``authorized_keys``; empty if nothing is signed. Earlier keys are not shown.
    """
    return ServerSignatureResponse(public_key=await in_thread(signing.public))
