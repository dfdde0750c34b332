"""
An application with GitLab's internal API, for tests: it answers what it is told to and remembers what it was asked.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from attrs import define, field
from twisted.internet import reactor as installed
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

reactor: Any = installed

SECRET = b"shared"

GOOD: dict[str, Any] = {
    "allowed": {"status": True, "message": ""},
    "pre_receive": {"reference_counter_increased": True},
    "post_receive": {"reference_counter_decreased": True, "messages": []},
    "check": {"gitlab_version": "1.2", "gitlab_rev": "abc", "api_version": "v4", "redis": True},
}
"""What an application answers that has nothing against anything."""


@define
class Asking:
    """
    One request that the application got.

    :param claims: of the token that came with it, whose signature was right; ``None`` for a wrong or missing one.
    """

    method: str
    uri: str
    headers: dict[str, str]
    body: Any
    claims: dict[str, Any] | None


def claims_of(token: str) -> dict[str, Any] | None:
    """
    What a JSON Web Token says, if it is signed with :data:`SECRET`.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    head, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
    right = hmac.digest(SECRET, ".".join(parts[:2]).encode(), "sha256")
    if not hmac.compare_digest(signature, right) or json.loads(head) != {"alg": "HS256", "typ": "JWT"}:
        return None
    found: dict[str, Any] = json.loads(claims)
    return found


@define(eq=False)
class Application:
    """
    Listens on the loopback interface, or on a Unix socket.

    :ivar answers: by the last component of the path: status, content type, body; :data:`GOOD` says the rest.
    :ivar asked: all requests, in their order.
    :ivar silent: requests are taken and not answered; they are in ``held``.
    :ivar cut: answers break off one byte before their end.
    """

    answers: dict[str, tuple[int, str | None, bytes]] = field(factory=dict)
    asked: list[Asking] = field(factory=list)
    silent: bool = False
    cut: bool = False
    held: list[Request] = field(factory=list)
    location: str | None = None
    _ports: list[Any] = field(factory=list)

    def listen(self, *, certificate: tuple[str, str] | None = None) -> str:
        """
        :param certificate: the paths of certificate and key, for HTTPS.
        :returns: its URL.
        """
        site = Site(_Pages(self))
        site.noisy = False
        if certificate is not None:
            context = DefaultOpenSSLContextFactory(certificate[1], certificate[0])
            self._ports.append(reactor.listenSSL(0, site, context, interface="127.0.0.1"))
        else:
            self._ports.append(reactor.listenTCP(0, site, interface="127.0.0.1"))
        scheme = "http" if certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self._ports[-1].getHost().port}"

    def listen_at(self, path: str) -> None:
        """
        Listen on a Unix socket.
        """
        site = Site(_Pages(self))
        site.noisy = False
        self._ports.append(reactor.listenUNIX(path, site))

    async def stop(self) -> None:
        """
        Hang up on those who wait, and listen no more.
        """
        for request in self.held:
            if request.channel is not None:
                request.channel.loseConnection()
        for port in self._ports:
            await port.stopListening()

    def says(self, name: str, body: Any, status: int = 200) -> None:
        """
        From now on answer this, as JSON.
        """
        self.answers[name] = (status, "application/json; charset=utf-8", json.dumps(body).encode())

    def bodies(self, name: str) -> list[Any]:
        """
        What came to one endpoint.
        """
        return [asking.body for asking in self.asked if asking.uri.partition("?")[0].endswith(f"/{name}")]


class _Pages(Resource):
    isLeaf = True

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application = application

    def render(self, request: Request) -> Any:
        application = self._application
        headers = {name.decode().lower(): values[0].decode() for name, values in request.requestHeaders.getAllRawHeaders()}
        content: Any = request.content
        body = content.read()
        uri = request.uri.decode()
        application.asked.append(
            Asking(
                request.method.decode(),
                uri,
                headers,
                json.loads(body) if body else None,
                claims_of(headers.get("gitlab-shell-api-request", "")),
            )
        )
        if application.silent:
            application.held.append(request)
            return NOT_DONE_YET
        name = uri.partition("?")[0].rsplit("/", 1)[-1]
        status, media_type, answer = application.answers.get(name) or (
            200,
            "application/json",
            json.dumps(GOOD.get(name)).encode(),
        )
        request.setResponseCode(status)
        if media_type is not None:
            request.setHeader("content-type", media_type)
        else:
            request.defaultContentType = None
        if application.location is not None:
            request.setHeader("location", application.location)
        if application.cut:
            request.setHeader("content-length", str(len(answer) + 1))
            request.write(answer)
            channel: Any = request.channel
            channel.loseConnection()
            return NOT_DONE_YET
        return answer
