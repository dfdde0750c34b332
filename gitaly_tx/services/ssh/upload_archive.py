"""
``git-upload-archive`` over SSH: ``git archive --remote``.
"""

from __future__ import annotations

from typing import cast

from protocols.gitaly.ssh_pb2 import SSHUploadArchiveRequest, SSHUploadArchiveResponse

from ...errors import Code, GitalyError
from ...git.quoting import quoted
from ...rpc.call import Call
from ...storage.interfaces import IStorageProvider
from ...streams import StreamBroken
from ...transport.interfaces import ITransport
from ..validate import given, opened
from .bodies import Streams, last_words


async def ssh_upload_archive(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Serve an archive. The exit status is told in any case.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; as :func:`~gitaly_tx.services.validate.opened`;
        INVALID_ARGUMENT ``non-empty stdin in first request``; DEADLINE_EXCEEDED ``running upload-archive: waiting for
        negotiation: context canceled``; INTERNAL ``send: cmd wait: exit status N, stderr: "…"``.
    """
    request = cast("SSHUploadArchiveRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    repository = await opened(storage, given(request))
    if request.stdin:
        raise GitalyError("non-empty stdin in first request", Code.INVALID_ARGUMENT)
    streams = Streams(call, SSHUploadArchiveResponse)
    try:
        ended = await transport.upload_archive(repository, streams.source, streams.stdout, streams.stderr)
    except StreamBroken as error:
        raise GitalyError("running upload-archive: user canceled the request", Code.CANCELLED) from error
    except GitalyError as error:
        raise error.wrapped("running upload-archive") from error
    await streams.exit(ended.status)
    if ended.status != 0:
        words = last_words(ended, repository.directory.path)
        raise GitalyError(f"send: cmd wait: {ended}, stderr: {quoted(words)}", Code.INTERNAL)
