"""
``git-upload-pack`` over SSH: a fetch.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from protocols.gitaly.ssh_pb2 import (
    SSHUploadPackRequest,
    SSHUploadPackResponse,
    SSHUploadPackWithSidechannelRequest,
    SSHUploadPackWithSidechannelResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import Ended
from ...git.quoting import quoted
from ...rpc.call import Call
from ...rpc.interfaces import ISidechannel, ISidechannels
from ...storage.interfaces import IStorageProvider
from ...streams import StreamBroken
from ...transport.bands import Bands
from ...transport.fetchconfig import settings
from ...transport.interfaces import FetchRequest, ITransport
from ...transport.negotiation import NotedSource, statistics_message
from ..sidechannel import while_there
from ..validate import given, opened
from .bodies import HUNG_UP, Streams, last_words


async def ssh_upload_pack(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Serve a fetch, as a conversation.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; as :func:`~gitaly_tx.services.validate.opened`;
        INVALID_ARGUMENT ``non-empty stdin in first request``; then, each after an exit status: CANCELLED ``running upload-pack:
        user canceled the request``, DEADLINE_EXCEEDED ``running upload-pack: waiting for negotiation: context canceled``,
        INTERNAL ``running upload-pack: cmd wait: exit status N, stderr: "…"``.
    """
    request = cast("SSHUploadPackRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    repository = await opened(storage, given(request))
    if request.stdin:
        raise GitalyError("non-empty stdin in first request", Code.INVALID_ARGUMENT)
    options = tuple(request.git_config_options)
    settings(options)
    streams = Streams(call, SSHUploadPackResponse)
    fetch = FetchRequest(request.git_protocol, options, address=call.address)
    try:
        ended = await _running(transport.upload_pack(repository, fetch, streams.source, streams.stdout, streams.stderr))
    except GitalyError as error:
        if error.code is not Code.CANCELLED:
            await streams.exit(0)
        raise
    if ended.status != 0:
        await streams.exit(ended.status)
        raise _failure(ended, repository.directory.path)


async def ssh_upload_pack_with_sidechannel(
    storage: IStorageProvider,
    transport: ITransport,
    sidechannels: ISidechannels,
    call: Call,
    request: SSHUploadPackWithSidechannelRequest,
) -> SSHUploadPackWithSidechannelResponse:
    """
    Serve a fetch, as a conversation over a sidechannel: both of git's streams come as packets of the side-band.

    :returns: what was said.
    :raises GitalyError: ABORTED ``opennig sidechannel: …`` (Gitaly's spelling), before anything else; then as
        :func:`ssh_upload_pack`, but that there is no exit status.
    """
    try:
        channel: ISidechannel = await sidechannels.open(call)
    except GitalyError as error:
        raise error.wrapped("opennig sidechannel", Code.ABORTED) from error
    try:
        repository = await opened(storage, given(request))
        options = tuple(request.git_config_options)
        settings(options)
        source = NotedSource(channel.source)
        bands = Bands(channel.sink)
        fetch = FetchRequest(request.git_protocol, options, address=call.address)

        async def serve() -> Ended:
            return await transport.upload_pack(repository, fetch, source, bands.data, bands.progress)

        ended = await _running(while_there(channel, serve()))
        if ended.status != 0:
            raise _failure(ended, repository.directory.path)
    finally:
        channel.close()
    return SSHUploadPackWithSidechannelResponse(packfile_negotiation_statistics=statistics_message(source.statistics))


async def _running(upload: Awaitable[Ended]) -> Ended:
    try:
        return await upload
    except StreamBroken as error:
        raise GitalyError("running upload-pack: user canceled the request", Code.CANCELLED) from error
    except GitalyError as error:
        raise error.wrapped("running upload-pack") from error


def _failure(ended: Ended, path: str) -> GitalyError:
    if ended.stderr == HUNG_UP:
        return GitalyError("running upload-pack: user canceled the request", Code.CANCELLED)
    words = last_words(ended, path)
    return GitalyError(f"running upload-pack: cmd wait: {ended}, stderr: {quoted(words)}", Code.INTERNAL)
