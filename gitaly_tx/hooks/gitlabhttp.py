"""
HTTP requests to the application's internal API.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any, Final, TypeVar, cast
from urllib.parse import unquote

from attrs import define, field, frozen
from OpenSSL import SSL
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, OpenSSLDefaultPaths, optionsForClientTLS
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..observability.context import current_correlation_id
from ..rpc.incoming import Incoming
from ..streams import StreamBroken
from .patience import within

T = TypeVar("T")

API: Final = "/api/v4/internal"
"""Where the API is, below the application's URL."""

SOCKET: Final = "http+unix://"
"""What the URL of an application begins with that listens on a Unix socket; the socket's path follows, URL-encoded."""

SECONDS: Final = 300.0
"""How long an answer may take, unless the configuration says otherwise."""

CONNECT_SECONDS: Final = 30.0
"""How long a connection may take to be made."""

MAXIMUM: Final = 4 << 20
"""The longest answer that is read whole, in bytes."""

HIGH_WATER: Final = 256 * 1024
"""With this many bytes of an answer unread, the application is made to wait."""

VALID_SECONDS: Final = 60
"""How long the proof of a request is good for."""

UNREACHABLE: Final = "Internal API unreachable"

_PEM = b"-----BEGIN CERTIFICATE-----"


class Unreachable(Exception):
    """
    There was no answer that could be understood.
    """

    def __init__(self, why: str) -> None:
        super().__init__(UNREACHABLE)
        self.why = why


class Body(Protocol):
    """
    An answer's body. As much is taken from the connection as somebody reads, and a little more.

    :ivar content: the bytes.
    """

    def __init__(self) -> None:
        self._paused = False
        self.content = Incoming(self._taken)

    def dataReceived(self, data: bytes) -> None:
        self.content.data_received(data)
        if self.content.waiting > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # An answer without a length ends with its connection.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.content.end_received()
        else:
            self.content.broken_off()

    def abandon(self) -> None:
        """
        The rest is not wanted.
        """
        if not self.content.complete:
            self._transport.stopProducing()

    @property
    def _transport(self) -> Any:
        return self.transport

    def _taken(self, left: int) -> None:
        if self._paused and left <= HIGH_WATER:
            self._paused = False
            self._transport.resumeProducing()


@frozen
class Answer:
    """
    :param media_type: the content type without parameters, in lower case; empty if there is none.
    :param body: whoever gets the answer reads it to its end or abandons it.
    """

    status: int
    media_type: str
    body: Body

    async def whole(self) -> bytes:
        """
        :raises Unreachable: if it breaks off or is too long.
        """
        try:
            found = b""
            while piece := await self.body.content.read():
                found += piece
                if len(found) > MAXIMUM:
                    raise Unreachable(f"the answer is longer than {MAXIMUM} bytes")
            return found
        except StreamBroken as error:
            raise Unreachable("the answer broke off") from error
        finally:
            self.body.abandon()


def signed(secret: bytes, now: float) -> str:
    """
    What proves to the application that it is this server that asks: a JSON Web Token (RFC 7519) with HMAC-SHA256.

    :param secret: shared with the application.
    :param now: Unix seconds.
    """
    claims = {"iss": "gitlab-shell", "iat": int(now), "exp": int(now) + VALID_SECONDS}
    message = b".".join(_part(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (message + b"." + _part(hmac.digest(secret, message, "sha256"))).decode("ascii")


def _part(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=")


@frozen
class Login:
    """
    User and password of HTTP Basic, for a proxy before the application.
    """

    user: str
    password: str = field(repr=False)

    def header(self) -> str:
        """
        The value of ``Authorization``.
        """
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


@define(eq=False)
class GitlabHTTP:
    """
    Sends requests, each over a connection of its own; follows no redirects and repeats nothing.

    :param base: the URL of the API; of a socket, with any host.
    :param secret: shared with the application; :meth:`renew` replaces it.
    :param now: the time of day in Unix seconds.
    :param program: what this server calls itself.
    :param seconds: how long one answer may take, body included.
    """

    _agent: IAgent
    _clock: IReactorTime
    _base: str
    _secret: bytes = field(repr=False)
    _now: Callable[[], float]
    _program: str
    _login: Login | None = None
    _seconds: float = SECONDS
    _log: Logger = field(factory=Logger)

    def renew(self, secret: bytes) -> bool:
        """
        From now on prove knowledge of this secret.

        :returns: whether it is another one.
        """
        before, self._secret = self._secret, secret
        return before != secret

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """
        :param path: below the API's URL, quoted: ``/allowed``.
        :param body: sent as JSON.
        :returns: the answer as soon as its head is there.
        :raises Unreachable: if it does not come in time; the log has why.
        """
        try:
            return await self._in_time(self._request(method, path, body))
        except Unreachable as error:
            raise self._told(path, error) from error

    async def read(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Answer, bytes]:
        """
        :func:`send`, with the whole answer.

        :raises Unreachable: as :func:`send`, and if the answer breaks off or is too long.
        """

        async def exchange() -> tuple[Answer, bytes]:
            answer = await self._request(method, path, body)
            return answer, await answer.whole()

        try:
            return await self._in_time(exchange())
        except Unreachable as error:
            raise self._told(path, error) from error

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._program,
            "Gitlab-Shell-Api-Request": signed(self._secret, self._now()),
        }
        if self._login is not None:
            headers["Authorization"] = self._login.header()
        if correlation_id := current_correlation_id():
            headers["X-Request-Id"] = correlation_id
        content = None if body is None else FileBodyProducer(BytesIO(json.dumps(body).encode()))
        try:
            response = await self._agent.request(
                method.encode("ascii"),
                f"{self._base}{path}".encode("ascii"),
                Headers({name: [value] for name, value in headers.items()}),
                cast(Any, content),
            )
        except Exception as error:
            raise _understood(error) from error
        received = Body()
        response.deliverBody(received)
        return Answer(int(response.code), _media_type(response), received)

    async def _in_time(self, asked: Awaitable[T]) -> T:
        try:
            return await within(self._seconds, self._clock, asked, "a request to the application")
        except TimeoutError:
            raise Unreachable(f"no complete answer in {self._seconds:g} s") from None

    def _told(self, path: str, error: Unreachable) -> Unreachable:
        self._log.error("application's {path} cannot be reached: {why}", path=path.partition("?")[0], why=error.why)
        return error


def _understood(error: Exception) -> Exception:
    """
    What a failed request means: nobody waits for it any more, or there is no answer.
    """
    for reason in getattr(error, "reasons", ()):
        error = reason.value
    return error if isinstance(error, CancelledError) else Unreachable(str(error) or type(error).__name__)


def _media_type(response: IResponse) -> str:
    headers: Headers = response.headers
    values = headers.getRawHeaders("content-type") or [""]
    return values[0].partition(";")[0].strip().lower()


# ------------------------------------------------------------------------------------------------------- how it is connected


@implementer(IAgentEndpointFactory)
@frozen
class SocketEndpoints:
    """
    Whatever the URL says, the way leads to one Unix socket.
    """

    _reactor: Any
    _path: str

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """
        As :class:`~twisted.web.iweb.IAgentEndpointFactory` says.
        """
        return UNIXClientEndpoint(self._reactor, self._path, timeout=int(CONNECT_SECONDS))


class Authorities(OpenSSLDefaultPaths):
    """
    The system's certificate authorities, and some more.
    """

    def __init__(self, certificates: list[Certificate]) -> None:
        self._certificates = certificates

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        context.set_default_verify_paths()
        store = context.get_cert_store()
        if store is not None:
            for certificate in self._certificates:
                store.add_cert(certificate.original)


@implementer(IPolicyForHTTPS)
@frozen
class Trust:
    """
    The application's certificate must be for its host, and signed by one of :class:`Authorities`.
    """

    _authorities: Authorities

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """
        As :class:`~twisted.web.iweb.IPolicyForHTTPS` says.
        """
        return optionsForClientTLS(hostname.decode("ascii"), trustRoot=cast(Any, self._authorities))


def agent_for(reactor: Any, url: str, authorities: list[Certificate]) -> IAgent:
    """
    What connects to an application.

    :param url: ``http://…``, ``https://…`` or ``http+unix://…``.
    :param authorities: trusted beside the system's.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)
    made: Any
    if url.startswith(SOCKET):
        made = Agent.usingEndpointFactory(reactor, SocketEndpoints(reactor, socket_path(url)), pool)
    else:
        made = Agent(reactor, Trust(Authorities(authorities)), CONNECT_SECONDS, None, pool)
    return cast(IAgent, made)


def base_url(url: str, relative_root: str) -> str:
    """
    Where the API is. The relative root counts for a socket, whose URL has no path of its own.
    """
    if url.startswith(SOCKET):
        root = relative_root.strip("/")
        return "http://unix" + (f"/{root}" if root else "") + API
    return url.rstrip("/") + API


def socket_path(url: str) -> str:
    """
    The path of the socket that a URL names.
    """
    return unquote(url.removeprefix(SOCKET))


def read_authorities(content: bytes) -> list[Certificate]:
    """
    The certificates of a PEM file.

    :raises GitalyError: FAILED_PRECONDITION if there is none, or one cannot be used.
    """
    try:
        found = [Certificate.loadPEM(_PEM + part) for part in content.split(_PEM)[1:]]
    except Exception as error:
        raise GitalyError("a certificate cannot be used", Code.FAILED_PRECONDITION, {"error": str(error)}) from error
    if not found:
        raise GitalyError("there is no certificate", Code.FAILED_PRECONDITION)
    return found
