"""
git's ``GIT_SSH`` over plain gRPC: what runs as ``ssh`` when a test clones or pushes through ``SSHService``.

``GITALY_TX_ADDRESS`` names the server, ``GITALY_TX_TOKEN`` its token if it wants one. git calls this with options, a host and a
command line such as ``git-upload-pack 'team/thing.git'``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import grpc

from protocols.git import sshcommand
from protocols.gitaly import ssh_pb2
from protocols.gitaly.shared_pb2 import Repository

PIECE = 64 * 1024


def metadata() -> list[tuple[str, str]]:
    """
    What goes with the call: the token.
    """
    secret = os.environ.get("GITALY_TX_TOKEN")
    if not secret:
        return []
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), now.encode(), hashlib.sha256).hexdigest()
    return [("authorization", f"Bearer v2.{digest}.{now}")]


def stdin(request: type[Any]) -> Iterator[Any]:
    """
    What git writes, as requests.
    """
    while data := os.read(0, PIECE):
        yield request(stdin=data)


def main(argv: list[str]) -> int:
    """
    :returns: the remote command's exit status.
    """
    if "-G" in argv:  # git asks which kind of ssh this is
        return 1
    command = sshcommand.parse(argv[-1].encode())
    name_of = os.environ.get("GITALY_TX_GL_REPOSITORY", "")
    repository = Repository(storage_name="default", relative_path=command.path.decode(), gl_repository=name_of)
    protocol = os.environ.get("GIT_PROTOCOL", "")
    request: Any
    reply: Any
    if command.service is sshcommand.Service.RECEIVE_PACK:
        request, name = ssh_pb2.SSHReceivePackRequest, "SSHReceivePack"
        first = request(repository=repository, gl_id="user-1", gl_username="deploy", git_protocol=protocol)
        reply = ssh_pb2.SSHReceivePackResponse
    elif command.service is sshcommand.Service.UPLOAD_PACK:
        request, name = ssh_pb2.SSHUploadPackRequest, "SSHUploadPack"
        first = request(repository=repository, git_protocol=protocol)
        reply = ssh_pb2.SSHUploadPackResponse
    else:
        request, name = ssh_pb2.SSHUploadArchiveRequest, "SSHUploadArchive"
        first = request(repository=repository)
        reply = ssh_pb2.SSHUploadArchiveResponse

    def requests() -> Iterator[Any]:
        yield first
        yield from stdin(request)

    channel = grpc.insecure_channel(os.environ["GITALY_TX_ADDRESS"], options=[("grpc.max_receive_message_length", -1)])
    call = channel.stream_stream(
        f"/gitaly.SSHService/{name}", request_serializer=request.SerializeToString, response_deserializer=reply.FromString
    )(requests(), metadata=metadata())
    status = 0
    try:
        for message in call:
            for fd, data in ((1, message.stdout), (2, message.stderr)):
                while data:
                    data = data[os.write(fd, data) :]
            if message.HasField("exit_status"):
                status = message.exit_status.value
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        os._exit(status or 1)
    sys.stdout.flush()
    os._exit(status)  # the thread that reads standard input may still wait for it


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
