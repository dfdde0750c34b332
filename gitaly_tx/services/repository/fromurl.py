"""
A repository that is a clone of one elsewhere.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import CreateRepositoryFromURLRequest, CreateRepositoryFromURLResponse

from ...errors import Code, GitalyError
from ...git.remotehosts import remote_host
from ...storage.interfaces import IStorageProvider
from ...transport.clones import Wish
from ...transport.remotes import RemoteAddress, RemoteFailed
from ..validate import given
from .frombundle import CREATING
from .outward import Outward


async def create_repository_from_url(
    storage: IStorageProvider, outward: Outward, request: CreateRepositoryFromURLRequest
) -> CreateRepositoryFromURLResponse:
    """
    Clone branches and tags, or with ``mirror`` all refs. A path of this machine is none of the URLs that are used.

    :raises GitalyError: ALREADY_EXISTS; INVALID_ARGUMENT for a URL that is not used; INTERNAL ``creating repository: cloning
        repository: …`` if git fails.
    """
    repository = given(request)
    if not request.url:
        await storage.exists(repository)
        raise GitalyError("empty Url", Code.INVALID_ARGUMENT)
    address = RemoteAddress(request.url, request.resolved_address, request.http_authorization_header)
    staging = await outward.clones.begin(repository, CREATING)
    try:
        try:
            outward.remotes.check(address)
            remote_host(request.url)
        except GitalyError as error:
            raise error.wrapped("starting clone") from error
        async with outward.remotes.connected(address) as connection:
            made = await outward.clones.clone(staging, Wish(connection.url, connection.environment, mirror=request.mirror))
        await outward.clones.create(repository, staging, made, await outward.clones.contents(made))
    except RemoteFailed as error:
        raise error.wrapped(f"{CREATING}: cloning repository") from error
    except GitalyError as error:
        raise error.wrapped(CREATING) from error
    finally:
        await staging.discard()
    return CreateRepositoryFromURLResponse()
