"""
What a session runs: git's commands as calls, and a few words about who you are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from protocols.git import sshcommand
from protocols.git.errors import SSHCommandRefused
from protocols.gitaly.shared_pb2 import Repository

from ...auth.interfaces import IAccess
from ...errors import Code, GitalyError
from ...rpc.call import Call, Door, Identity
from ...rpc.incoming import Incoming
from ...rpc.interfaces import IDispatcher, IExchange, IGitBody
from ...streams import IByteSink, StreamBroken
from . import errors, requests

_log = Logger()


class Resolve(Protocol):
    """
    As in :class:`gitaly_tx.frontends.http.exchange.Resolve`.
    """

    def __call__(self, path: str) -> Awaitable[tuple[Repository, bool]]: ...


class Channel(Protocol):
    """
    What carries a command's streams: :class:`~gitaly_tx.frontends.ssh.session.GitSession`.
    """

    gone: bool

    def write(self, data: bytes) -> None:
        """
        Send standard output.
        """

    def writeExtended(self, dataType: int, data: bytes) -> None:
        """
        Send something else.
        """

    def drained(self) -> Deferred[None]:
        """
        Fires as soon as more can be sent.
        """

    def taken(self, waiting: int) -> None:
        """
        Some of what the client sent was taken.
        """


@implementer(IByteSink)
class Outgoing:
    """
    Standard output, or standard error.

    :param kind: 0 for standard output, 1 for SSH's extended data of that type.
    """

    def __init__(self, channel: Channel, kind: int) -> None:
        self._channel = channel
        self._kind = kind
        self.counted: Callable[[int], None] | None = None

    def write(self, data: bytes) -> Deferred[None]:
        """
        As :class:`~gitaly_tx.streams.IByteSink` says.
        """
        channel = self._channel
        if channel.gone:
            raise StreamBroken("client went away")
        if self.counted is not None:
            self.counted(len(data))
        if self._kind:
            channel.writeExtended(self._kind, data)
        else:
            channel.write(data)
        return channel.drained()


@implementer(IGitBody)
class Streams:
    """
    A channel as a git command's standard streams.
    """

    def __init__(self, channel: Channel) -> None:
        self.source = Incoming(channel.taken)
        self.stdout = Outgoing(channel, 0)
        self.stderr = Outgoing(channel, 1)


@implementer(IExchange)
class SSHExchange:
    """
    The one request, and of the replies the exit status: the bytes have streams of their own.
    """

    def __init__(self, request: Message) -> None:
        self._request: Message | None = request
        self.status: int | None = None

    async def receive(self) -> Message | None:
        """
        The request, once.
        """
        request, self._request = self._request, None
        return request

    async def send(self, reply: Message) -> None:
        """
        Note the exit status.
        """
        if reply.HasField("exit_status"):
            self.status = reply.exit_status.value  # type: ignore[attr-defined]


class Commands:
    """
    What a session may do.

    :param resolve: finds the repository that a path names.
    :param access: what is asked when somebody wants to know what they may reach.
    """

    def __init__(self, dispatcher: IDispatcher, resolve: Resolve, access: IAccess) -> None:
        self._dispatcher = dispatcher
        self._resolve = resolve
        self._access = access

    async def run(self, command: bytes, streams: Streams, identity: Identity, peer: str, protocol: str) -> int:
        """
        Run one of git's commands.

        :returns: its exit status.
        """
        try:
            parsed = sshcommand.parse(command)
            path = _text(parsed.path)
            repository, _ = await self._resolve(path)
            name, request = requests.first(parsed.service, repository, identity, protocol)
            exchange = SSHExchange(request)
            call = Call(
                method=self._dispatcher.method(f"/gitaly.SSHService/{name}"),
                exchange=exchange,
                door=Door.SSH,
                identity=identity,
                peer=peer,
                body=streams,
            )
            call.received = streams.source.received
            streams.source.counted = call.count_received
            streams.stdout.counted = call.count_sent
            await self._dispatcher.dispatch(call)
        except SSHCommandRefused as refused:
            _log.info("ssh: refused a command of {peer}: {why}", peer=peer, why=str(refused))
            await streams.stderr.write(f"{refused}\n".encode())
            return errors.NOT_A_COMMAND
        except GitalyError as error:
            await streams.stderr.write(errors.text(error))
            return errors.status(error, None)
        return exchange.status or 0

    async def greet(self, streams: Streams, identity: Identity) -> int:
        """
        Say who somebody is and what they may reach.
        """
        name = identity.user or "somebody this server does not know"
        lines = [f"Hello! You are {name}. There is no shell here, only git."]
        reach = await self._access.reach(identity.user)
        if reach:
            lines.append("You may reach:")
            lines += [f"  {verb.name.lower():7} {pattern}" for pattern, verb in reach]
        else:
            lines.append("There is no repository that you may reach.")
        await streams.stderr.write(("\n".join(lines) + "\n").encode())
        return 0 if reach else 1


def _text(path: bytes) -> str:
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        raise GitalyError("repository path is not UTF-8", Code.INVALID_ARGUMENT) from None
