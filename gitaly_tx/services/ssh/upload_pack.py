"""
``git-upload-pack`` over SSH: a fetch.
"""

from __future__ import annotations

from typing import cast

from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest, SSHUploadPackResponse

from ...errors import Code, GitalyError
from ...git.quoting import quoted
from ...rpc.call import Call
from ...storage.interfaces import IStorageProvider
from ...streams import StreamBroken
from ...transport.fetchconfig import settings
from ...transport.interfaces import FetchRequest, ITransport
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
    fetch = FetchRequest(request.git_protocol, options)
    try:
        ended = await transport.upload_pack(repository, fetch, streams.source, streams.stdout, streams.stderr)
    except StreamBroken as error:
        raise GitalyError("running upload-pack: user canceled the request", Code.CANCELLED) from error
    except GitalyError as error:
        await streams.exit(0)
        raise error.wrapped("running upload-pack") from error
    if ended.status == 0:
        return
    await streams.exit(ended.status)
    if ended.stderr == HUNG_UP:
        raise GitalyError("running upload-pack: user canceled the request", Code.CANCELLED)
    words = last_words(ended, repository.directory.path)
    raise GitalyError(f"running upload-pack: cmd wait: {ended}, stderr: {quoted(words)}", Code.INTERNAL)
