"""
What applications and doors say of a push, for the receive-pack.
"""

from __future__ import annotations

from protocols.gitaly.smarthttp_pb2 import PostReceivePackRequest
from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest

from ..rpc.call import Call, Door
from ..storage.interfaces import IRepository, IStorageProvider
from ..transport.fetchconfig import settings
from ..transport.interfaces import PushRequest
from .validate import given, opened


async def asked_for(
    storage: IStorageProvider,
    call: Call,
    request: PostReceivePackRequest | SSHReceivePackRequest,
    wire: str,
    *,
    stateless: bool = False,
) -> tuple[IRepository | None, PushRequest]:
    """
    The push that a request begins.

    :param wire: ``http`` or ``ssh``.
    :returns: with its repository; ``None`` if there is none and the push may create it.
    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`, unless the caller may create the repository; as
        :func:`~gitaly_tx.transport.fetchconfig.settings` for settings that cannot be.
    """
    message = given(request)
    missing = call.may_create and not await storage.exists(message)
    repository = None if missing else await opened(storage, message)
    options = tuple(request.git_config_options)
    settings(options)
    return repository, PushRequest(
        gl_id=request.gl_id,
        user=call.identity.user,
        gl_username=request.gl_username,
        gl_repository=request.repository.gl_repository,
        project_path=request.repository.gl_project_path,
        wire=wire,
        protocol=request.git_protocol,
        config=options,
        stateless=stateless,
        correlation_id=call.correlation_id,
        create=(lambda: storage.create(message)) if missing else None,
        retract=storage.retract,
        own=call.door is not Door.GRPC,
    )
