"""
Is there a repository elsewhere?
"""

from __future__ import annotations

import re

from protocols.gitaly.remote_pb2 import FindRemoteRepositoryRequest, FindRemoteRepositoryResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.options import positional
from ...git.remotehosts import RemoteRefused
from ...transport.remotes import NAME, RemoteAddress, RemoteFailed, Remotes

_HEAD = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})\tHEAD\n\Z")


async def find_remote_repository(
    git: IGit, remotes: Remotes, request: FindRemoteRepositoryRequest
) -> FindRemoteRepositoryResponse:
    """
    Whether ``git ls-remote`` shows a HEAD. Whatever goes wrong, a network error too, is a no; so is a repository without commits,
    and whatever is on this machine but repositories in this server's storages.

    :raises GitalyError: INVALID_ARGUMENT for an empty remote; INTERNAL for one that git could take for an option.
    """
    if not request.remote:
        raise GitalyError("empty remote can't be checked.", Code.INVALID_ARGUMENT)
    try:
        positional(request.remote)
    except GitalyError as error:
        raise error.wrapped("error executing git command", Code.INTERNAL) from error
    command = Command("ls-remote", arguments=[NAME, "HEAD"])
    try:
        local = await remotes.own(request.remote)
        if local is not None:
            return FindRemoteRepositoryResponse(exists=await local.ref(b"HEAD") is not None)
        async with remotes.connected(RemoteAddress(request.remote)) as connection:
            settings = connection.with_settings([(f"remote.{NAME}.url", connection.url)])
            output, ended = await git.run(command, check=False, environment=settings.environment)
    except (RemoteRefused, RemoteFailed):
        return FindRemoteRepositoryResponse(exists=False)
    return FindRemoteRepositoryResponse(exists=ended.status == 0 and _HEAD.match(output) is not None)
