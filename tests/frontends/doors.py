"""
What stands behind the doors in their tests: a dispatcher that plays a scripted service, and users that are made up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from gitaly_tx.auth.interfaces import Decision, IAccess, Verb
from gitaly_tx.auth.users import IUsers, Recognised
from gitaly_tx.errors import GitalyError
from gitaly_tx.rpc.call import Call
from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.interfaces import IDispatcher
from gitaly_tx.rpc.method import MethodInfo
from protocols.gitaly.shared_pb2 import Repository

Play = Callable[[Call], Awaitable[None]]


@implementer(IDispatcher)
class Scripted:
    """
    Runs whatever a test wants a method to do, and remembers the calls.
    """

    def __init__(self, play: Play) -> None:
        self.play = play
        self.calls: list[Call] = []
        self._methods = {info.path: info for info in gitaly_methods()}

    def dispatch(self, call: Call) -> Deferred[None]:
        self.calls.append(call)
        return Deferred.fromCoroutine(self._dispatch(call))

    async def _dispatch(self, call: Call) -> None:
        await self.play(call)

    def method(self, path: str) -> MethodInfo:
        return self._methods[path]


@implementer(IUsers)
class KnownUsers:
    """
    One user, ``deploy``, with the token ``secret`` and one key.
    """

    names = frozenset({"deploy"})

    def __init__(self, key: bytes = b"") -> None:
        self.key = key
        self.hinted: list[bytes] = []

    def by_key(self, blob: bytes) -> Recognised | None:
        return Recognised("deploy", False, "key SHA256:x") if blob == self.key else None

    def by_token(self, token: str, username: str | None = None) -> Recognised | None:
        if token == "secret" and username in (None, "", "deploy", "git"):
            return Recognised("deploy", False, "token 0")
        return None

    def hint(self, blob: bytes) -> str:
        self.hinted.append(blob)
        return "SHA256:unknown"

    def is_admin(self, user: str | None) -> bool:
        return False


@implementer(IAccess)
class Reach:
    """
    Everybody known may read ``team/*``.
    """

    async def decide(self, user: str | None, verb: Verb, storage: str, path: str) -> Decision:
        return Decision(user is not None, "a test")

    async def reach(self, user: str | None) -> list[tuple[str, Verb]]:
        return [("team/*", Verb.READ)] if user else []


async def resolve(path: str) -> tuple[Repository, bool]:
    """
    Every path names a repository.
    """
    return Repository(storage_name="default", relative_path=path), True


def refuse(error: GitalyError) -> Play:
    """
    A method that always fails in the same way.
    """

    async def play(call: Call) -> None:
        raise error

    return play
