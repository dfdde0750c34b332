"""
``git-receive-pack`` over SSH: a push.
"""

from __future__ import annotations

from typing import cast

from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHReceivePackResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...storage.interfaces import IStorageProvider
from ...transport.interfaces import ITransport, PushBroken
from ..pushes import asked_for
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
    repository, push = await asked_for(storage, call, request, "ssh")
    streams = Streams(call, SSHReceivePackResponse)
    try:
        await transport.receive_pack(repository, push, streams.source, streams.stdout, streams.stderr)
    except PushBroken as error:
        await streams.exit(error.ended.status)
        if error.ended.stderr == HUNG_UP:
            raise GitalyError("user canceled the push", Code.CANCELLED, error.facts) from error
        raise GitalyError(f"cmd wait: {error.ended}", Code.INTERNAL, error.facts) from error
