"""
``git-receive-pack`` over SSH: a push.
"""

from __future__ import annotations

from typing import cast

from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHReceivePackResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call, Door
from ...storage.interfaces import IStorageProvider
from ...transport.fetchconfig import settings
from ...transport.interfaces import ITransport, PushBroken, PushRequest
from ..validate import given, opened
from .bodies import HUNG_UP, Streams


async def ssh_receive_pack(storage: IStorageProvider, transport: ITransport, call: Call) -> None:
    """
    Take a push. A refusal is told in git's protocol, and is no error; without an error there is no exit status either.

    :raises GitalyError: INTERNAL ``EOF`` without a first request; INVALID_ARGUMENT ``empty GlId``, ``non-empty data in first
        request``; as :func:`~gitaly_tx.services.validate.opened`, unless the caller may create the repository; then, each after
        an exit status: CANCELLED ``user canceled the push``, INTERNAL ``cmd wait: exit status 128``.
    """
    request = cast("SSHReceivePackRequest | None", await call.exchange.receive())
    if request is None:
        raise GitalyError("EOF", Code.INTERNAL)
    if not request.gl_id:
        raise GitalyError("empty GlId", Code.INVALID_ARGUMENT)
    if request.stdin:
        raise GitalyError("non-empty data in first request", Code.INVALID_ARGUMENT)
    message = given(request)
    missing = call.may_create and not await storage.exists(message)
    repository = None if missing else await opened(storage, message)
    options = tuple(request.git_config_options)
    settings(options)
    streams = Streams(call, SSHReceivePackResponse)
    push = PushRequest(
        gl_id=request.gl_id,
        user=call.identity.user,
        gl_username=request.gl_username,
        gl_repository=request.repository.gl_repository,
        project_path=request.repository.gl_project_path,
        wire="ssh",
        protocol=request.git_protocol,
        config=options,
        correlation_id=call.correlation_id,
        create=(lambda: storage.create(message)) if missing else None,
        retract=storage.retract,
        own=call.door is not Door.GRPC,
    )
    try:
        await transport.receive_pack(repository, push, streams.source, streams.stdout, streams.stderr)
    except PushBroken as error:
        await streams.exit(error.ended.status)
        if error.ended.stderr == HUNG_UP:
            raise GitalyError("user canceled the push", Code.CANCELLED, error.facts) from error
        raise GitalyError(f"cmd wait: {error.ended}", Code.INTERNAL, error.facts) from error
