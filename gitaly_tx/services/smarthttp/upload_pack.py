"""
``POST git-upload-pack``: one request of a fetch, and its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from protocols.git.fetch import NegotiationStatistics
from protocols.gitaly.smarthttp_pb2 import (
    PostUploadPackRequest,
    PostUploadPackResponse,
    PostUploadPackWithSidechannelRequest,
    PostUploadPackWithSidechannelResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import Ended
from ...rpc.call import Call, Door
from ...rpc.interfaces import ISidechannel, ISidechannels
from ...storage.interfaces import IStorageProvider
from ...streams import StreamBroken
from ...transport.fetchconfig import settings
from ...transport.interfaces import FetchRequest, ITransport
from ...transport.negotiation import NotedSource, statistics_message
from ..sidechannel import while_there
from ..validate import given, opened
from .bodies import aside, sink, source


async def post_upload_pack(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Answer one request of a fetch, or send the bundle that it begins with.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; INVALID_ARGUMENT ``non-empty Data``, or for a config option
        that is none; as :func:`~gitaly_tx.services.validate.opened`; NOT_FOUND for a bundle that is not there;
        FAILED_PRECONDITION ``running upload-pack: waiting for upload-pack: exit status N``, unless the client asked for its
        history to be cut: git then fails though all is well.
    """
    request = cast("PostUploadPackRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    if request.data:
        raise GitalyError("non-empty Data", Code.INVALID_ARGUMENT)
    repository = await opened(storage, given(request))
    if call.bundle:
        call.fields["bundle"] = call.bundle
        await transport.send_bundle(repository, call.bundle, sink(call, _reply))
        return
    fetch = _fetch(call, request)
    noted = NotedSource(source(call))
    await _served(transport.upload_pack(repository, fetch, noted, sink(call, _reply), aside(call)), noted.statistics)


async def post_upload_pack_with_sidechannel(
    storage: IStorageProvider,
    transport: ITransport,
    sidechannels: ISidechannels,
    call: Call,
    request: PostUploadPackWithSidechannelRequest,
) -> PostUploadPackWithSidechannelResponse:
    """
    The same over a sidechannel.

    :returns: what was said; nothing of it if it is not a request for a pack.
    :raises GitalyError: as :func:`post_upload_pack`; INTERNAL ``open sidechannel: …``.
    """
    repository = await opened(storage, given(request))
    fetch = _fetch(call, request)
    try:
        channel: ISidechannel = await sidechannels.open(call)
    except GitalyError as error:
        raise error.wrapped("open sidechannel", Code.INTERNAL) from error
    try:
        noted = NotedSource(channel.source)

        async def serve() -> Ended:
            return await transport.upload_pack(repository, fetch, noted, channel.sink, None)

        await _served(while_there(channel, serve()), noted.statistics)
    finally:
        channel.close()
    reply = PostUploadPackWithSidechannelResponse()
    reply.packfile_negotiation_statistics.SetInParent()
    if noted.statistics.wants and not noted.statistics.broken:
        reply.packfile_negotiation_statistics.CopyFrom(statistics_message(noted.statistics))
    return reply


def _fetch(call: Call, request: PostUploadPackRequest | PostUploadPackWithSidechannelRequest) -> FetchRequest:
    options = tuple(request.git_config_options)
    try:
        settings(options)
    except GitalyError as error:
        raise GitalyError(error.message, Code.INVALID_ARGUMENT) from error
    bundles = call.door is Door.HTTP
    return FetchRequest(request.git_protocol, options, stateless=True, address=call.address, bundles=bundles)


async def _served(upload: Awaitable[Ended], statistics: NegotiationStatistics) -> None:
    try:
        ended = await upload
    except StreamBroken as error:
        raise GitalyError("running upload-pack: user canceled the request", Code.CANCELLED) from error
    except GitalyError as error:
        raise error.wrapped("spawning upload-pack") from error
    if ended.status != 0 and not statistics.saw_deepen:
        raise GitalyError(
            f"running upload-pack: waiting for upload-pack: {ended}",
            Code.FAILED_PRECONDITION,
            {"stderr": ended.stderr.decode("utf-8", "replace")},
        )


def _reply(data: bytes) -> PostUploadPackResponse:
    return PostUploadPackResponse(data=data)
