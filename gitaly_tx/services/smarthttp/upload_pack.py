"""
``POST git-upload-pack``: one request of a fetch, and its answer.
"""

from __future__ import annotations

from typing import cast

from zope.interface import implementer

from protocols.git.fetch import NegotiationStatistics
from protocols.gitaly.smarthttp_pb2 import PostUploadPackRequest, PostUploadPackResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...storage.interfaces import IStorageProvider
from ...streams import IByteSource, StreamBroken
from ...transport.fetchconfig import settings
from ...transport.interfaces import FetchRequest, ITransport
from ..validate import given, opened
from .bodies import aside, sink, source


async def post_upload_pack(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Answer one request of a fetch.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; INVALID_ARGUMENT ``non-empty Data``, or for a config option
        that is none; as :func:`~gitaly_tx.services.validate.opened`; FAILED_PRECONDITION ``running upload-pack: waiting for
        upload-pack: exit status N``, unless the client asked for its history to be cut: git then fails though all is well.
    """
    request = cast("PostUploadPackRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    if request.data:
        raise GitalyError("non-empty Data", Code.INVALID_ARGUMENT)
    repository = await opened(storage, given(request))
    options = tuple(request.git_config_options)
    try:
        settings(options)
    except GitalyError as error:
        raise GitalyError(error.message, Code.INVALID_ARGUMENT) from error
    noted = _NotedSource(source(call))
    fetch = FetchRequest(request.git_protocol, options, stateless=True)
    try:
        ended = await transport.upload_pack(repository, fetch, noted, sink(call, _reply), aside(call))
    except StreamBroken as error:
        raise GitalyError("running upload-pack: user canceled the request", Code.CANCELLED) from error
    except GitalyError as error:
        raise error.wrapped("spawning upload-pack") from error
    if ended.status != 0 and not noted.statistics.saw_deepen:
        raise GitalyError(
            f"running upload-pack: waiting for upload-pack: {ended}",
            Code.FAILED_PRECONDITION,
            {"stderr": ended.stderr.decode("utf-8", "replace")},
        )


@implementer(IByteSource)
class _NotedSource:
    """
    Counts what the client says on the way.
    """

    def __init__(self, inner: IByteSource) -> None:
        self._inner = inner
        self.statistics = NegotiationStatistics()

    async def read(self) -> bytes:
        """
        As the inner source.
        """
        data = await self._inner.read()
        self.statistics.receive(data)
        return data


def _reply(data: bytes) -> PostUploadPackResponse:
    return PostUploadPackResponse(data=data)
