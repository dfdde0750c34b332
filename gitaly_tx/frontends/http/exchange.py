"""
A visit becomes a call, and the call's outcome an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import frozen
from google.protobuf.message import Message
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from zope.interface import implementer

from protocols.git import smarthttp
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.smarthttp_pb2 import (
    InfoRefsRequest,
    PostReceivePackRequest,
    PostUploadPackRequest,
)

from ...auth.interfaces import Attempted, unobserved
from ...auth.users import IUsers
from ...errors import GitalyError
from ...rpc.call import Call, Door, Identity
from ...rpc.interfaces import IDispatcher, IExchange, IGitBody
from ...streams import IByteSink, IByteSource, StreamBroken
from . import errors
from .body import Inflated
from .channel import Visit
from .credentials import BadCredentials, identify
from .response import Response

INFLATED_LIMIT = 64 * 1024 * 1024
"""The most bytes that a gzip'd fetch request may become: some hundred thousand haves."""

Rejected = Callable[[str, str, str], None]
"""Told of every request that is turned away before it becomes a call: why, and the service and method that it asked for."""

_SERVICE = "gitaly.SmartHTTPService"
_METHODS = {
    (True, smarthttp.Service.UPLOAD_PACK): "InfoRefsUploadPack",
    (True, smarthttp.Service.RECEIVE_PACK): "InfoRefsReceivePack",
    (False, smarthttp.Service.UPLOAD_PACK): "PostUploadPack",
    (False, smarthttp.Service.RECEIVE_PACK): "PostReceivePack",
}
"""By whether it is the question what there is, and git's service."""

_log = Logger()


def unnoticed(reason: str, service: str, method: str) -> None:
    """
    For those who count nothing.
    """


class Resolve(Protocol):
    """
    Turns the path of a clone URL into a repository: :func:`gitaly_tx.storage.interfaces.IStorageProvider.resolve`.
    """

    def __call__(self, path: str) -> Awaitable[tuple[Repository, bool]]: ...


@implementer(IGitBody)
@frozen
class Streams:
    """
    A request's body and its answer, as a git command's standard streams.
    """

    source: IByteSource
    stdout: IByteSink
    stderr: IByteSink


@implementer(IByteSink)
class Nowhere:
    """
    HTTP has no place for what a command says aside.
    """

    async def write(self, data: bytes) -> None:
        """
        Drop it.
        """


@implementer(IExchange)
class HTTPExchange:
    """
    One request message, and the replies' bytes into the response.
    """

    def __init__(self, request: Message, response: Response) -> None:
        self._request: Message | None = request
        self._response = response

    async def receive(self) -> Message | None:
        """
        The request, once.
        """
        request, self._request = self._request, None
        return request

    async def send(self, reply: Message) -> None:
        """
        Pass the bytes of a reply on.
        """
        data = getattr(reply, "data", b"")
        if data:
            await self._response.write(data)


class Door80:
    """
    What happens to a visit: route, identity, repository, call, answer.

    :param resolve: finds the repository that a path names.
    :param attempted: told who proved what.
    :param rejected: told whom that kept out.
    """

    def __init__(
        self,
        dispatcher: IDispatcher,
        resolve: Resolve,
        users: IUsers,
        attempted: Attempted = unobserved,
        rejected: Rejected = unnoticed,
    ) -> None:
        self._dispatcher = dispatcher
        self._resolve = resolve
        self._users = users
        self._attempted = attempted
        self._rejected = rejected
        self._under_way: set[Deferred[None]] = set()

    def __call__(self, visit: Visit) -> None:
        """
        Take a visit.
        """
        answering = Deferred.fromCoroutine(self._answer(visit))
        self._under_way.add(answering)
        visit.on_gone.append(answering.cancel)

        def ended(result: object) -> None:
            self._under_way.discard(answering)

        answering.addErrback(lambda failure: _log.failure("answering a request failed", failure))
        answering.addBoth(ended)

    def drained(self) -> Deferred[None]:
        """
        Fires once all visits under way are answered.
        """
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> None:
        while self._under_way:
            await DeferredList(list(self._under_way))

    async def _answer(self, visit: Visit) -> None:
        try:
            await self._serve(visit)
        except smarthttp.HTTPRefused as refused:
            visit.response.prepare(refused.status, [(b"Content-Type", b"text/plain; charset=utf-8"), *refused.headers])
            visit.finish(refused.text.encode() + b"\n")
        except GitalyError as error:
            self._fail(visit, error)
        except StreamBroken:
            visit.response.abandon()
        except CancelledError:
            pass
        else:
            visit.finish(None)

    def _fail(self, visit: Visit, error: GitalyError) -> None:
        if visit.response.begun:
            visit.leave_off()
            return
        visit.response.prepare(errors.status(error), errors.headers(error))
        visit.finish(errors.page(error))

    async def _serve(self, visit: Visit) -> None:
        path, _, query = visit.target.partition(b"?")
        route = smarthttp.route(visit.method, path, query)
        if isinstance(route, smarthttp.KeptBundle):
            await self._bundle(visit, route)
            return
        if route.service is None:
            raise smarthttp.HTTPRefused(403, "only smart HTTP is served here: use git 1.6.6 or newer")
        asks = isinstance(route, smarthttp.InfoRefs)
        name = _METHODS[asks, route.service]
        identity = self._identify(visit, name)
        protocol = smarthttp.git_protocol(visit.header(b"git-protocol"))
        repository, _ = await self._resolve(route.path.decode())
        if asks:
            await self._info_refs(visit, route.service, name, repository, identity, protocol)
        else:
            await self._exchange(visit, route.service, name, repository, identity, protocol)

    async def _bundle(self, visit: Visit, route: smarthttp.KeptBundle) -> None:
        """
        The beginning of a clone, as a file: a fetch like any other for whoever counts, limits or refuses.
        """
        identity = self._identify(visit, "PostUploadPack")
        repository, _ = await self._resolve(route.path.decode())
        visit.response.prepare(200, [(b"Content-Type", b"application/x-git-bundle"), *smarthttp.NO_CACHE])
        request = PostUploadPackRequest(repository=repository)
        streams = Streams(visit.body, visit.response, Nowhere())
        await self._call(visit, "PostUploadPack", request, identity, streams, route.name)

    def _identify(self, visit: Visit, name: str) -> Identity:
        header = visit.header(b"authorization")
        try:
            identity = identify(header, self._users)
        except BadCredentials as error:
            self._attempted("token", False)
            self._rejected("unauthenticated", _SERVICE, name)
            _log.info("http: refused credentials of {peer}: {reason}", peer=visit.peer, reason=error.facts["reason"])
            raise
        self._attempted("anonymous" if header is None else "token", True)
        return identity

    async def _info_refs(
        self, visit: Visit, service: smarthttp.Service, name: str, repository: Repository, identity: Identity, protocol: str
    ) -> None:
        request = InfoRefsRequest(repository=repository, git_protocol=protocol)
        visit.response.prepare(200, [(b"Content-Type", smarthttp.advertisement_type(service)), *smarthttp.NO_CACHE])
        await self._call(visit, name, request, identity, None)

    async def _exchange(
        self, visit: Visit, service: smarthttp.Service, name: str, repository: Repository, identity: Identity, protocol: str
    ) -> None:
        if not smarthttp.content_type_matches(service, visit.header(b"content-type")):
            raise smarthttp.HTTPRefused(415, "unsupported media type")
        source = self._source(visit)
        request: Message
        if service is smarthttp.Service.RECEIVE_PACK:
            request = PostReceivePackRequest(
                repository=repository,
                gl_id=identity.gl_id,
                gl_username=identity.user or "",
                gl_repository=repository.gl_repository,
                git_protocol=protocol,
            )
        else:
            request = PostUploadPackRequest(repository=repository, git_protocol=protocol)
        visit.response.prepare(200, [(b"Content-Type", smarthttp.result_type(service)), *smarthttp.NO_CACHE])
        streams = Streams(source, visit.response, Nowhere())
        await self._call(visit, name, request, identity, streams)

    def _source(self, visit: Visit) -> IByteSource:
        encoding = (visit.header(b"content-encoding") or b"identity").lower().strip()
        if encoding in (b"gzip", b"x-gzip"):
            return Inflated(visit.body, INFLATED_LIMIT)
        if encoding != b"identity":
            raise smarthttp.HTTPRefused(415, "unsupported content encoding")
        return visit.body

    async def _call(
        self, visit: Visit, name: str, request: Message, identity: Identity, streams: Streams | None, bundle: str = ""
    ) -> None:
        method = self._dispatcher.method(f"/{_SERVICE}/{name}")
        metadata: dict[str, tuple[str | bytes, ...]] = {}
        correlation = visit.header(b"x-gitlab-correlation-id")
        if correlation:
            metadata["x-gitlab-correlation-id"] = (correlation.decode("ascii", "replace"),)
        agent = visit.header(b"user-agent")
        if agent:
            metadata["user-agent"] = (agent.decode("ascii", "replace"),)
        call = Call(
            method=method,
            exchange=HTTPExchange(request, visit.response),
            door=Door.HTTP,
            identity=identity,
            peer=visit.peer,
            metadata=metadata,
            body=streams,
            bundle=bundle,
        )
        call.received = visit.body.received
        visit.body.counted = call.count_received
        visit.response.counted = call.count_sent
        await self._dispatcher.dispatch(call)


__all__ = ["INFLATED_LIMIT", "Door80", "HTTPExchange", "Nowhere", "Rejected", "Resolve", "Streams"]
