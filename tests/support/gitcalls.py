"""
Calls of the git services, dispatched as the doors do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from google.protobuf.message import Message
from twisted.internet import defer, reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from gitaly_tx.git.children import Children
from gitaly_tx.rpc.call import Call, Door
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IExchange, IGitBody
from gitaly_tx.services.smarthttp.service import SmartHTTPService
from gitaly_tx.services.ssh.service import SSHService
from gitaly_tx.storage.interfaces import IRepository
from gitaly_tx.streams import IByteSink, IByteSource, StreamBroken
from gitaly_tx.transport.gittransport import GitTransport
from gitaly_tx.transport.inforefs import InfoRefs
from gitaly_tx.transport.interfaces import PushRequest
from gitaly_tx.transport.uploadarchive import UploadArchive
from gitaly_tx.transport.uploadpack import UploadPack
from protocols.gitaly.shared_pb2 import Repository

from .git import make_git, make_repository
from .reading import GivenRepositories, Reading
from .sidechannels import MemorySidechannels
from .streams import MemorySink, MemorySource

RELATIVE_PATH = "thing.git"

NEGOTIATION = 600.0

NAME = Repository(storage_name="default", relative_path=RELATIVE_PATH, gl_repository="project-1", gl_project_path="group/project")


@implementer(IGitBody)
@define
class Body:
    """
    The byte streams of a door.
    """

    source: MemorySource
    stdout: MemorySink = field(factory=MemorySink)
    stderr: MemorySink = field(factory=MemorySink)


class RecordedPushes:
    """
    Takes pushes, reads what comes, and does nothing.

    :ivar error: raised when everything was read.
    """

    def __init__(self) -> None:
        self.advertised: list[tuple[IRepository | None, PushRequest]] = []
        self.served: list[tuple[IRepository | None, PushRequest]] = []
        self.read = b""
        self.error: Exception | None = None

    async def advertise(self, repository: IRepository | None, request: PushRequest, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.advertise_receive`.
        """
        self.advertised.append((repository, request))
        await stdout.write(b"advertisement")

    async def serve(
        self,
        repository: IRepository | None,
        request: PushRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> None:
        """
        As :func:`ITransport.receive_pack`.
        """
        self.served.append((repository, request))
        while data := await source.read():
            self.read += data
        if self.error is not None:
            raise self.error
        await stdout.write(b"report")
        if stderr is not None:
            await stderr.write(b"words")


@implementer(IExchange)
class KeptExchange:
    """
    An exchange with its requests given, that keeps the replies.

    :param ends: whether the caller half-closes.
    """

    def __init__(self, requests: Sequence[Message], ends: bool) -> None:
        self._requests = list(requests)
        self._ends = ends
        self._broken = False
        self.replies: list[Any] = []

    def receive(self) -> Deferred[Message | None]:
        """
        The next request.
        """
        if self._requests:
            return defer.succeed(self._requests.pop(0))
        return defer.succeed(None) if self._ends else Deferred()

    def send(self, reply: Message) -> Deferred[None]:
        """
        Keep a reply.
        """
        if self._broken:
            return defer.fail(StreamBroken("gone"))
        self.replies.append(reply)
        return defer.succeed(None)

    def break_off(self) -> None:
        """
        The caller goes away.
        """
        self._broken = True


class GitCalls:
    """
    The two services, over one repository with three commits. Stop it after use.
    """

    def __init__(self, path: str) -> None:
        running: Any = reactor
        self.clock = Clock()
        self.children = Children(running, running)
        git = make_git(children=self.children)
        self.reading = Reading(git)
        self.directory = make_repository(path, commits=3)
        self.repository = self.reading.repository(self.directory)
        self.storage = GivenRepositories({RELATIVE_PATH: self.repository})
        self.pushes = RecordedPushes()
        self.transport = transport = GitTransport(
            InfoRefs(git, self.reading.threads),
            UploadPack(git, self.clock, NEGOTIATION),
            UploadArchive(git, self.clock, 60.0),
            self.pushes,
        )
        self.sidechannels = MemorySidechannels()
        services = [
            SmartHTTPService(self.storage, transport, self.sidechannels),
            SSHService(self.storage, transport, self.sidechannels),
        ]
        self.dispatcher = Dispatcher(services, [], self.clock)

    def stop(self) -> None:
        """
        End the threads.
        """
        self.reading.stop()

    def call(self, method: str, *requests: Message, body: Body | None = None, open: bool = False, **more: Any) -> Call:
        """
        A call that was not made yet.

        :param open: the caller does not half-close.
        """
        exchange = KeptExchange(requests, ends=not open)
        return Call(method=self.dispatcher.method(f"/gitaly.{method}"), exchange=exchange, door=Door.GRPC, body=body, **more)

    async def run(self, call: Call) -> list[Any]:
        """
        Make a call.

        :returns: the replies.
        """
        await self.dispatcher.dispatch(call)
        return list(call.exchange.replies)  # type: ignore[attr-defined]
