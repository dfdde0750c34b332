"""
The server as it is composed, in this process, and a client of it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from google.protobuf.message import Message
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.client.stub import Client
from gitaly_tx.config.load import parse
from gitaly_tx.server.assembly import Assembly
from gitaly_tx.server.composition import assemble
from gitaly_tx.server.surroundings import Surroundings

from .git import program

reactor: Any = installed


class WholeServer:
    """
    Listens on a Unix socket; needs the asyncio reactor.

    :param root: a directory; its storages are directories in it, and so are its backups.
    :param names: the storages.
    """

    def __init__(self, root: str, names: Sequence[str] = ("default",)) -> None:
        self.root = root = os.path.abspath(root)
        self.sockets = tempfile.mkdtemp(prefix="gitaly-tx-whole-")
        self._names = names
        for name in names:
            os.makedirs(self.path(name), exist_ok=True)
        storages = "".join(f'[[storage]]\nname = "{name}"\npath = "{self.path(name)}"\n' for name in names)
        text = f'socket_path = "{self.sockets}/s"\nruntime_dir = "{self.sockets}"\ndata_dir = "{self.sockets}"\n'
        text += f'[backup]\ngo_cloud_url = "{root}/backups"\n'
        text += f'[http]\nlisten_addr = ""\n[ssh]\nlisten_addr = ""\n[remotes]\nprivate_addresses = true\n{storages}'
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        self.assembly: Assembly = assemble(
            reactor, parse(text, None), Surroundings(environ, False, "", (None, None, False)), program()
        )

    def path(self, name: str) -> str:
        """
        A storage's directory.
        """
        return os.path.join(self.root, name)

    async def start(self) -> None:
        """
        Serve.
        """
        self.assembly.take_storages()
        await self.assembly.start()
        self._client = Client.dial(f"unix:{self.sockets}/s")
        self._headers = [(KEY, encode_servers(dict.fromkeys(self._names, Server(f"unix:{self.sockets}/s"))))]

    async def stop(self) -> None:
        """
        Go down in order.
        """
        await _asyncio(self._client.close())
        await self.assembly.stop()
        shutil.rmtree(self.sockets)

    async def call(self, method: str, *requests: Message) -> list[Any]:
        """
        Call a method of any kind.

        :returns: its replies.
        :raises PeerError: if it fails.
        """
        replies: list[Any] = await _asyncio(self._call(method, requests))
        return replies

    async def _call(self, method: str, requests: Iterable[Message]) -> list[Any]:
        conversation = self._client.converse(method, self._headers, timeout=60)
        try:
            for request in requests:
                await conversation.send(request)
            await conversation.finish()
            replies = []
            while (reply := await conversation.receive()) is not None:
                replies.append(reply)
            return replies
        finally:
            conversation.cancel()

    async def settle(self) -> None:
        """
        Let what goes on after an answer come to its end, with a checkpoint of each log.
        """
        await self.assembly.pushes.settle()
        await self.assembly.updater.settle()
        await self.assembly.unasked.settle()
        for store in self.assembly.stores.values():
            for _ in range(2):  # the first may be one that began before the last write
                store.checkpoint_soon()
                if store._checkpoint is not None:
                    await store._checkpoint


def _asyncio(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    return Deferred.fromFuture(asyncio.ensure_future(coroutine))


__all__ = ["WholeServer"]
