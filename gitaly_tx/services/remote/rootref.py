"""
The default branch of a repository elsewhere.
"""

from __future__ import annotations

from protocols.gitaly.remote_pb2 import FindRemoteRootRefRequest, FindRemoteRootRefResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...storage.interfaces import IRepository, IStorageProvider
from ...transport.remotes import NAME, RemoteAddress, Remotes
from ..validate import given, opened

_LINE = b"HEAD branch: "
_BRANCHES = b"refs/heads/"


async def find_remote_root_ref(
    storage: IStorageProvider, git: IGit, remotes: Remotes, request: FindRemoteRootRefRequest
) -> FindRemoteRootRefResponse:
    """
    The branch that HEAD is a name for there, by its short name. A ``file:`` URL of a repository in one of this server's storages
    is answered without git; no other path of this machine is looked at.

    :raises GitalyError: INVALID_ARGUMENT for URLs and addresses that are not usable; NOT_FOUND if HEAD is a name for nothing;
        INTERNAL if the remote cannot be asked.
    """
    if not request.remote_url:
        raise GitalyError("missing remote URL", Code.INVALID_ARGUMENT)
    repository = await opened(storage, given(request))
    address = RemoteAddress(request.remote_url, request.resolved_address, request.http_authorization_header)
    remotes.check(address)
    local = await remotes.own(request.remote_url)
    if local is not None:
        return FindRemoteRootRefResponse(ref=await _head_of(local))
    async with remotes.connected(address) as connection:
        settings = connection.with_settings([(f"remote.{NAME}.url", connection.url)])
        command = Command("remote", arguments=[NAME], action="show", directory=repository.directory)
        output, ended = await git.run(command, check=False, environment=settings.environment)
    if ended.status != 0:
        raise GitalyError(str(ended), Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
    return FindRemoteRootRefResponse(ref=_branch(output))


def _branch(output: bytes) -> str:
    for line in output.splitlines():
        line = line.strip()
        if line.startswith(_LINE):
            name = line.removeprefix(_LINE)
            if name == b"(unknown)":
                raise GitalyError("no remote HEAD found", Code.NOT_FOUND)
            return name.decode("utf-8", "replace")
    raise GitalyError("couldn't query the remote HEAD", Code.NOT_FOUND)


async def _head_of(repository: IRepository) -> str:
    """
    A HEAD that is a commit stands for the branch that is there, too, if it is only one: so git guesses.
    """
    head = await repository.head()
    if head is None and (detached := await repository.ref(b"HEAD")) is not None:
        found = [ref.name for ref in await repository.refs((_BRANCHES,)) if ref.target == detached.target]
        if len(found) > 1:
            raise GitalyError("couldn't query the remote HEAD", Code.NOT_FOUND)
        head = found[0] if found else None
    if head is None or not head.startswith(_BRANCHES) or await repository.ref(head) is None:
        raise GitalyError("no remote HEAD found", Code.NOT_FOUND)
    return head.removeprefix(_BRANCHES).decode("utf-8", "replace")
