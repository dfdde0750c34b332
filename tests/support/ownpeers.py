"""
Other Gitalys, for services that call some: all of them are this process's own services, without a wire between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from google.protobuf.message import Message
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from gitaly_tx.client.interfaces import IConversation, IPeer, IPeers, PeerError
from gitaly_tx.client.servers import server_of
from gitaly_tx.client.stub import method_info
from gitaly_tx.errors import GitalyError
from gitaly_tx.git.revisions import find
from gitaly_tx.rpc.call import Call, Door
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IExchange, IMethods
from gitaly_tx.services.ssh.upload_pack import ssh_upload_pack
from gitaly_tx.services.validate import opened
from gitaly_tx.services.wire import commit_message
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport.gittransport import GitTransport
from gitaly_tx.transport.inforefs import InfoRefs
from gitaly_tx.transport.uploadarchive import UploadArchive
from gitaly_tx.transport.uploadpack import UploadPack
from protocols.git import sideband
from protocols.gitaly.commit_pb2 import FindCommitRequest, FindCommitResponse
from protocols.gitaly.repository_pb2 import HasLocalBranchesRequest, HasLocalBranchesResponse
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest

from .calls import Service
from .gitcalls import RecordedPushes
from .stack import Stack


def own_services(stack: Stack, clock: IReactorTime) -> list[IMethods]:
    """
    What is asked of a Gitaly that keeps a repository which another one reads.
    """
    transport = GitTransport(
        InfoRefs(stack.git, stack.threads),
        UploadPack(stack.git, clock, 600.0),
        UploadArchive(stack.git, clock, 60.0),
        RecordedPushes(),
    )

    async def find_commit(call: Call, request: FindCommitRequest) -> FindCommitResponse:
        found = await find(stack.git, await opened(stack.provider, request.repository), request.revision, b"commit")
        return FindCommitResponse(commit=None if found is None else commit_message(found))

    async def has_branches(call: Call, request: HasLocalBranchesRequest) -> HasLocalBranchesResponse:
        repository = await opened(stack.provider, request.repository)
        return HasLocalBranchesResponse(value=bool(await repository.refs((b"refs/heads/",))))

    async def upload_pack(call: Call, requests: object) -> None:
        await ssh_upload_pack(stack.provider, transport, call)

    return [
        Service("CommitService", FindCommit=find_commit),
        Service("RepositoryService", HasLocalBranches=has_branches),
        Service("SSHService", SSHUploadPack=upload_pack),
    ]


@implementer(IPeers)
class OwnPeers:
    """
    Whatever address a caller names, these services are there.

    :param aside: serves what goes through sidechannels.
    :ivar called: the methods that were called.
    """

    def __init__(self, clock: IReactorTime, *services: IMethods, aside: Sequence[IMethods] = ()) -> None:
        self.dispatcher = Dispatcher(services, [], clock)
        self.aside = Dispatcher(aside, [], clock)
        self.called: list[str] = []

    def named(self, call: Call, storage: str) -> IPeer:
        """
        As :func:`IPeers.named`.
        """
        return self.at(server_of(call, storage).address)

    def at(self, address: str, token: str = "", call: Call | None = None) -> IPeer:
        """
        As :func:`IPeers.at`.
        """
        return OwnPeer(self, address, token)

    def close(self) -> Deferred[None]:
        """
        Not needed.
        """
        raise NotImplementedError


@implementer(IPeer)
class OwnPeer:
    """
    One of them.
    """

    def __init__(self, peers: OwnPeers, address: str = "", token: str = "") -> None:
        self._peers = peers
        self.address = address
        self.token = token

    async def unary(self, method: str, request: Message) -> Any:
        """
        As :func:`IPeer.unary`.
        """
        return await self.upload(method, [request])

    async def replies(self, method: str, request: Message) -> AsyncIterator[Any]:
        """
        As :func:`IPeer.replies`.
        """
        conversation = self.converse(method)
        await conversation.send(request)
        await conversation.finish()
        while (reply := await conversation.receive()) is not None:
            yield reply

    async def upload(self, method: str, requests: AsyncIterator[Message] | Iterable[Message]) -> Any:
        """
        As :func:`IPeer.upload`.
        """
        assert not isinstance(requests, AsyncIterator)
        conversation = self.converse(method)
        for request in requests:
            await conversation.send(request)
        await conversation.finish()
        return await conversation.receive()

    def converse(self, method: str) -> OwnConversation:
        """
        As :func:`IPeer.converse`.
        """
        self._peers.called.append(method)
        return OwnConversation(self._peers.dispatcher, method)

    async def talk(self, method: str, request: Message, talk: Any) -> Any:
        """
        As :func:`IPeer.talk`: a method without ``WithSidechannel`` in its name serves the bytes. What it says comes in bands.
        """
        self._peers.called.append(method)
        first = SSHUploadPackRequest()
        first.repository.CopyFrom(request.repository)  # type: ignore[attr-defined]
        first.git_protocol = request.git_protocol  # type: ignore[attr-defined]
        conversation = OwnConversation(self._peers.aside, method.removesuffix("WithSidechannel"))
        await conversation.send(first)
        await talk(_Channel(conversation))
        conversation.cancel()


class _Channel:
    """
    A sidechannel.
    """

    def __init__(self, conversation: OwnConversation) -> None:
        self._conversation = conversation

    async def read(self) -> bytes:
        reply = await self._conversation.receive()
        if reply is None:
            return b""
        bands = [*sideband.encode(sideband.BAND_PROGRESS, b"aside"), *sideband.encode(sideband.BAND_DATA, reply.stdout)]
        return b"".join(bands)

    async def write(self, data: bytes) -> None:
        await self._conversation.send(SSHUploadPackRequest(stdin=data))

    async def finish(self) -> None:
        await self._conversation.finish()


@implementer(IConversation)
class OwnConversation:
    """
    A call of one of the services.
    """

    def __init__(self, dispatcher: Dispatcher, method: str) -> None:
        self._exchange = _Queues()
        call = Call(method=dispatcher.method(method_info(method).path), exchange=self._exchange, door=Door.GRPC)
        self._running = dispatcher.dispatch(call)
        self._running.addBoth(self._ended)

    async def send(self, request: Message) -> None:
        """
        As :func:`IConversation.send`.
        """
        self._exchange.requests.put(request)

    async def finish(self) -> None:
        """
        As :func:`IConversation.finish`.
        """
        self._exchange.requests.put(None)

    async def receive(self) -> Any:
        """
        As :func:`IConversation.receive`.
        """
        reply = await self._exchange.replies.get()
        if isinstance(reply, GitalyError):
            raise PeerError(reply.message, reply.code, details=reply.details)
        return reply

    def cancel(self) -> None:
        """
        As :func:`IConversation.cancel`.
        """
        self._exchange.broken = True
        self._running.cancel()

    def _ended(self, result: object) -> None:
        self._exchange.replies.put(result.value if isinstance(result, Failure) else None)


@implementer(IExchange)
class _Queues:
    def __init__(self) -> None:
        self.requests: DeferredQueue[Message | None] = DeferredQueue()
        self.replies: DeferredQueue[Any] = DeferredQueue()
        self.broken = False

    async def receive(self) -> Message | None:
        request = await self.requests.get()
        if request is None:
            self.requests.put(None)
        return request

    async def send(self, reply: Message) -> None:
        if self.broken:
            raise StreamBroken("gone")
        self.replies.put(reply)
