"""
git's commands as the first requests of ``SSHService``'s methods.
"""

from __future__ import annotations

from google.protobuf.message import Message

from protocols.git.service import Service
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHUploadArchiveRequest, SSHUploadPackRequest

from ...rpc.call import Identity


def first(service: Service, repository: Repository, identity: Identity, protocol: str) -> tuple[str, Message]:
    """
    :param protocol: the value of ``GIT_PROTOCOL``.
    :returns: the method's name and its first request.
    """
    if service is Service.RECEIVE_PACK:
        return "SSHReceivePack", SSHReceivePackRequest(
            repository=repository,
            gl_id=identity.gl_id,
            gl_username=identity.user or "",
            gl_repository=repository.gl_repository,
            git_protocol=protocol,
        )
    if service is Service.UPLOAD_PACK:
        return "SSHUploadPack", SSHUploadPackRequest(repository=repository, git_protocol=protocol)
    return "SSHUploadArchive", SSHUploadArchiveRequest(repository=repository)
