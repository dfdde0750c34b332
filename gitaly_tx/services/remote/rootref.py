"""
The default branch of a repository elsewhere.
"""

from __future__ import annotations

from posixpath import normpath
from urllib.parse import urlsplit

from protocols.gitaly.remote_pb2 import FindRemoteRootRefRequest, FindRemoteRootRefResponse
from protocols.gitaly.shared_pb2 import Repository

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.remoteurl import authorization, check_remote_url, config_environment, resolved_remote
from ...storage.interfaces import IRepository, IStorageProvider
from ...storage.naming import is_inside
from ..validate import given, opened

_REMOTE = "inmemory"
_LINE = b"HEAD branch: "
_BRANCHES = b"refs/heads/"


async def find_remote_root_ref(
    storage: IStorageProvider, git: IGit, request: FindRemoteRootRefRequest
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
    local = await _ours(storage, request.remote_url)
    if local is not None:
        return FindRemoteRootRefResponse(ref=await _head_of(local))
    remote = resolved_remote(request.remote_url, request.resolved_address)
    check_remote_url(remote.url)
    settings = (
        (f"remote.{_REMOTE}.url", remote.url),
        *remote.settings,
        *authorization(request.remote_url, request.http_authorization_header),
    )
    command = Command("remote", arguments=[_REMOTE], action="show", directory=repository.directory)
    output, ended = await git.run(command, check=False, environment=config_environment(settings))
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


async def _ours(storage: IStorageProvider, url: str) -> IRepository | None:
    """
    :returns: ``None`` if the URL does not lead into a storage.
    """
    if not url.startswith("file:///"):
        return None
    path = normpath(urlsplit(url).path)
    for name, info in storage.storages.items():
        if is_inside(path, normpath(info.path)):
            relative = path[len(normpath(info.path)) + 1 :]
            return await opened(storage, Repository(storage_name=name, relative_path=relative))
    return None


async def _head_of(repository: IRepository) -> str:
    head = await repository.head()
    if head is None or not head.startswith(_BRANCHES) or await repository.ref(head) is None:
        raise GitalyError("no remote HEAD found", Code.NOT_FOUND)
    return head.removeprefix(_BRANCHES).decode("utf-8", "replace")
