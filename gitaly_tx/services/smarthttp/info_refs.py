"""
The answers to ``GET info/refs``.
"""

from __future__ import annotations

from protocols.gitaly.smarthttp_pb2 import InfoRefsRequest, InfoRefsResponse

from ...rpc.call import Call, Door
from ...storage.interfaces import IStorageProvider
from ...transport.interfaces import FetchRequest, ITransport, PushRequest
from ..validate import given, opened
from .bodies import sink


async def info_refs_upload_pack(storage: IStorageProvider, transport: ITransport, call: Call, request: InfoRefsRequest) -> None:
    """
    What a client needs to know before it fetches.

    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`; INTERNAL ``wait: exit status 128``, or for an option that
        is none.
    """
    repository = await opened(storage, given(request))
    fetch = FetchRequest(request.git_protocol, tuple(request.git_config_options), stateless=True, bundles=call.door is Door.HTTP)
    await transport.advertise_upload(repository, fetch, sink(call, _reply))


async def info_refs_receive_pack(storage: IStorageProvider, transport: ITransport, call: Call, request: InfoRefsRequest) -> None:
    """
    What a client needs to know before it pushes. Where the push may create the repository, a missing one looks empty.

    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`.
    """
    message = given(request)
    missing = call.may_create and not await storage.exists(message)
    repository = None if missing else await opened(storage, message)
    push = PushRequest(
        gl_id="",
        user=call.identity.user,
        wire="http",
        protocol=request.git_protocol,
        config=tuple(request.git_config_options),
        stateless=True,
        correlation_id=call.correlation_id,
    )
    await transport.advertise_receive(repository, push, sink(call, _reply))


def _reply(data: bytes) -> InfoRefsResponse:
    return InfoRefsResponse(data=data)
