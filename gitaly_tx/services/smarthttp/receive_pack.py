"""
``POST git-receive-pack``: a push.
"""

from __future__ import annotations

from typing import cast

from protocols.gitaly.smarthttp_pb2 import PostReceivePackRequest, PostReceivePackResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...storage.interfaces import IStorageProvider
from ...transport.interfaces import ITransport, PushBroken
from ..pushes import asked_for
from .bodies import aside, sink, source


async def post_receive_pack(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Take a push. A refusal is told in git's protocol, and is no error.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; INVALID_ARGUMENT ``empty GlId``, ``non-empty Data``; as
        :func:`~gitaly_tx.services.validate.opened`, unless the caller may create the repository; FAILED_PRECONDITION ``waiting
        for receive-pack: exit status 128`` for what is not git's protocol.
    """
    request = cast("PostReceivePackRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    if not request.gl_id:
        raise GitalyError("empty GlId", Code.INVALID_ARGUMENT)
    if request.data:
        raise GitalyError("non-empty Data", Code.INVALID_ARGUMENT)
    repository, push = await asked_for(storage, call, request, "http", stateless=True)
    try:
        await transport.receive_pack(repository, push, source(call), sink(call, _reply), aside(call))
    except PushBroken as error:
        raise GitalyError(f"waiting for receive-pack: {error.ended}", Code.FAILED_PRECONDITION, error.facts) from error


def _reply(data: bytes) -> PostReceivePackResponse:
    return PostReceivePackResponse(data=data)
