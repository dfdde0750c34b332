"""
git's ``GIT_SSH`` as GitLab Shell does it: fetches go through a sidechannel, pushes through the messages of a call, and both over
a multiplexed connection.

``GITALY_TX_ADDRESS`` names the server. ``GITALY_TX_YAMUX`` names the program that is the client's end of the connection
(``tests/acceptance/yamuxclient``); without it that is :mod:`gitaly_tx.client`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.multiplexed import ForAsyncio, Multiplexed
from protocols.git import sshcommand
from protocols.git.sideband import BAND_DATA, BandData, SidebandDecoder
from protocols.gitaly import ssh_pb2
from protocols.gitaly.shared_pb2 import Repository
from tests.support import grpc_ssh

FETCH = "SSHService/SSHUploadPackWithSidechannel"
PUSH = "SSHService/SSHReceivePack"


def write(data: bytes, fd: int = 1) -> None:
    """
    Write all of it.
    """
    while data:
        data = data[os.write(fd, data) :]


def show(decoder: SidebandDecoder, data: bytes) -> None:
    """
    Tell git what came.
    """
    for event in decoder.receive(data):
        if isinstance(event, BandData):
            write(event.data, 1 if event.band == BAND_DATA else 2)


async def talk(channel: ForAsyncio) -> None:
    """
    Let git and the server talk.
    """
    loop = asyncio.get_running_loop()

    async def hear() -> None:
        while data := await loop.run_in_executor(None, os.read, 0, grpc_ssh.PIECE):
            await channel.write(data)
        await channel.finish()

    hearing = asyncio.ensure_future(hear())
    decoder = SidebandDecoder()
    while data := await channel.read():
        show(decoder, data)
    hearing.cancel()


async def own(fetch: Any, push: Any) -> None:
    """
    Use our own client.
    """
    connected = await Multiplexed.dial(f"tcp://{os.environ['GITALY_TX_ADDRESS']}", os.environ.get("GITALY_TX_TOKEN", ""))
    try:
        if fetch is not None:
            await connected.call(FETCH, fetch, talk)
        else:
            await give(connected, push)
    finally:
        await connected.close()


async def give(connected: Multiplexed, first: Any) -> None:
    """
    Push.
    """
    loop = asyncio.get_running_loop()
    conversation = connected.client.converse(PUSH)

    async def hear() -> None:
        await conversation.send(first)
        while data := await loop.run_in_executor(None, os.read, 0, grpc_ssh.PIECE):
            await conversation.send(ssh_pb2.SSHReceivePackRequest(stdin=data))
        await conversation.finish()

    hearing = asyncio.ensure_future(hear())
    while (reply := await conversation.receive()) is not None:
        write(reply.stdout)
        write(reply.stderr, 2)
    hearing.cancel()


@contextmanager
def foreign(program: str, speaks: bool) -> Iterator[tuple[str, int]]:
    """
    Have another's end of the connection.

    :param speaks: it is the one that reads our standard input.
    :returns: the gRPC target, and the descriptor from which comes what the sidechannel brings.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [program, "tcp", os.environ["GITALY_TX_ADDRESS"], f"{folder}/calls"],
            stdin=None if speaks else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running,
    ):
        assert running.stdout is not None and running.stderr is not None
        running.stderr.readline()
        try:
            yield f"unix:{folder}/calls", running.stdout.fileno()
        finally:
            running.kill()


def fetch_with(program: str, request: Any) -> None:
    """
    Fetch with another's end of the connection.
    """
    with foreign(program, True) as (target, output):
        channel = grpc.insecure_channel(target)
        reply = ssh_pb2.SSHUploadPackWithSidechannelResponse
        method = channel.unary_unary(f"/gitaly.{FETCH}", type(request).SerializeToString, reply.FromString)
        call = method.future(request, metadata=(("gitaly-sidechannel-id", "0"), *grpc_ssh.metadata()))
        decoder = SidebandDecoder()
        while data := os.read(output, grpc_ssh.PIECE):
            show(decoder, data)
        call.result()


def main(argv: list[str]) -> int:
    """
    :returns: the remote command's exit status.
    """
    if "-G" in argv:  # git asks which kind of ssh this is
        return 1
    command = sshcommand.parse(argv[-1].encode())
    repository = Repository(storage_name="default", relative_path=command.path.decode())
    protocol = os.environ.get("GIT_PROTOCOL", "")
    program = os.environ.get("GITALY_TX_YAMUX", "")
    fetch = push = None
    if command.service is sshcommand.Service.UPLOAD_PACK:
        fetch = ssh_pb2.SSHUploadPackWithSidechannelRequest(repository=repository, git_protocol=protocol)
    else:
        push = ssh_pb2.SSHReceivePackRequest(repository=repository, gl_id="user-1", gl_username="deploy", git_protocol=protocol)
    try:
        if not program:
            # Not asyncio.run, which would wait for the thread that reads standard input.
            asyncio.new_event_loop().run_until_complete(own(fetch, push))
        elif fetch is not None:
            fetch_with(program, fetch)
        else:
            with foreign(program, False) as (target, _):
                os.environ["GITALY_TX_ADDRESS"] = target
                return grpc_ssh.main(argv)
    except PeerError as error:
        print(f"{error.code.name}: {error.message}", file=sys.stderr)
        os._exit(1)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # the thread that reads standard input may still wait for it


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
