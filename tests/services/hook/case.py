"""
Hooks of a push, asked for as Gitaly's helper does it.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.hooks.gitlab import Gitlab
from gitaly_tx.hooks.gitlabapi import GitlabAPI
from gitaly_tx.hooks.gitlabhttp import GitlabHTTP, agent_for, base_url
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.hook.payload import VARIABLE
from gitaly_tx.services.hook.ports import HookPorts
from gitaly_tx.services.hook.service import HookService
from gitaly_tx.transport.hooksocket import HookSockets
from gitaly_tx.transport.packobjects import PackObjects
from protocols.gitaly.shared_pb2 import Repository
from tests.support import hookcase
from tests.support.application import SECRET, Application
from tests.support.calls import make_call
from tests.support.reading import GivenRepositories

reactor: Any = installed

NAME = Repository(storage_name="default", relative_path="thing.git", gl_repository="project-1", gl_project_path="team/thing")

PUSHER = {"username": "alpha", "userid": "user-1", "protocol": "ssh"}

ON_SECONDARY = {"backchannel_id": 7, "id": 1, "node": "default", "primary": False}


def encoded(value: Any) -> str:
    """
    A payload as it stands in the environment.
    """
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return f"{VARIABLE}={base64.b64encode(text).decode()}"


def payload(**changes: Any) -> str:
    """
    The payload of a push.
    """
    named = '{"storageName":"default","relativePath":"thing.git","glRepository":"project-1","glProjectPath":"team/thing"}'
    usual: dict[str, Any] = {
        "requested_hooks": 15,
        "repository": named,
        "object_format": "sha1",
        "transaction": None,
        "user_details": PUSHER,
    }
    return encoded(usual | changes)


class Provider(GivenRepositories):
    """
    Remembers what was asked for.
    """

    def __init__(self, repositories: Any) -> None:
        super().__init__(repositories)
        self.asked: list[Repository] = []

    async def repository(self, message: Repository | None) -> Any:
        """
        As :func:`gitaly_tx.storage.interfaces.IStorageProvider.repository`.
        """
        if message is not None:
            self.asked.append(message)
        return await super().repository(message)


class HookServiceCase(hookcase.HookCase):
    """
    One repository, an application that has nothing against anything, and the service.
    """

    def setUp(self) -> None:
        super().setUp()
        self.application = Application()
        self.addCleanup(self.application.stop)
        self.storage = Provider({"thing.git": self.repository})
        url = self.application.listen()
        http = GitlabHTTP(agent_for(reactor, url, []), reactor, base_url(url, ""), SECRET, lambda: 1.0, "gitaly/1")
        self.use(Gitlab(GitlabAPI(http, reactor)))

    def use(self, gitlab: Gitlab | None) -> None:
        """
        From now on have this application.
        """
        packs, sockets = PackObjects(self.git), HookSockets(reactor)
        service = HookService(HookPorts(self.git, self.storage, self.make_hooks(), packs, sockets, gitlab))
        verifyObject(IMethods, service)
        self.dispatcher = Dispatcher([service], [], Clock())

    async def run_hook(self, method: str, *requests: Any) -> tuple[bytes, bytes, int]:
        """
        Call a method.

        :returns: what came as standard output and standard error, and the exit status, which comes last.
        """
        call = make_call(f"HookService/{method}", requests, correlation_id="abc")
        await self.dispatcher.dispatch(call)
        replies = call.exchange.replies
        self.assertEqual([reply.HasField("exit_status") for reply in replies], [False] * (len(replies) - 1) + [True])
        stdout, stderr = (b"".join(getattr(reply, name) for reply in replies) for name in ("stdout", "stderr"))
        return stdout, stderr, replies[-1].exit_status.value

    async def refusal(self, method: str, *requests: Any) -> tuple[Code, str]:
        """
        How a call fails.
        """
        with self.assertRaises(GitalyError) as caught:
            await self.dispatcher.dispatch(make_call(f"HookService/{method}", requests))
        return caught.exception.code, caught.exception.message

    def read(self, name: str) -> str:
        """
        A file that a hook left in the test's directory.
        """
        with open(os.path.join(self.root, name)) as file:
            return file.read()
