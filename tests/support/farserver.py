"""
A web server with a repository, as other people have one: plain files behind HTTP.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IListeningPort
from twisted.web.http import UNAUTHORIZED
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import File

from .git import git


class FarServer(Resource):
    """
    Serves repositories by git's plain HTTP protocol.

    :ivar authorization: what a client must show; ``None`` for nothing.
    :ivar asked: the path of every request, and what was shown.
    """

    isLeaf = True

    def __init__(self, root: str) -> None:
        super().__init__()
        self._files = File(root)
        self._root = root
        self.authorization: str | None = None
        self.asked: list[tuple[str, str | None]] = []
        running: Any = reactor
        self._port: IListeningPort = running.listenTCP(0, Site(self), interface="127.0.0.1")

    @property
    def url(self) -> str:
        """
        Where it is.
        """
        host: Any = self._port.getHost()
        return f"http://127.0.0.1:{host.port}"

    def render(self, request: Any) -> Any:
        """
        Answer with a file.
        """
        shown = request.getHeader("authorization")
        self.asked.append((request.path.decode(), shown))
        if self.authorization is not None and shown != self.authorization:
            request.setResponseCode(UNAUTHORIZED)
            return b""
        found: Any = self._files
        for name in request.postpath:
            found = found.getChild(name.decode(), request)
        return found.render(request)

    def publish(self, path: str) -> None:
        """
        Make a repository's files tell what is in it.
        """
        git("--git-dir", path, "update-server-info")

    async def stop(self) -> None:
        """
        Listen no more.
        """
        await self._port.stopListening()  # type: ignore[misc]
