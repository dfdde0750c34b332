"""
Repositories that users write to, with all that a write needs: the real log, real git, real hooks.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.hooks.chain import Hooks
from gitaly_tx.hooks.custom import CustomHooks
from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import AccessDenied, AfterFailed, IApplication, Push, Tell, Unanswered
from gitaly_tx.hooks.updateref import RefUpdater
from gitaly_tx.services.operations.ports import OperationPorts
from gitaly_tx.services.operations.service import OperationService
from gitaly_tx.signing.system import UNSIGNED
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support.calls import make_call
from tests.support.git import git
from tests.support.hearing import make_unasked
from tests.support.leaks import children
from tests.support.ownpeers import OwnPeers, own_services
from tests.support.stack import Stack

USER = User(gl_id="user-1", name=b"Alpha", email=b"alpha@example.org", gl_username="alpha", timezone="Asia/Kolkata")

NAME = Repository(storage_name="default", relative_path="team/thing.git", gl_repository="project-1", gl_project_path="team/thing")

NOW = 1700000000


@implementer(IApplication)
class Application:
    """
    Lets everything pass, unless it is told to refuse.

    :ivar denies: its words.
    :ivar unasked: why it cannot be asked.
    :ivar complains: what it has to say after a write.
    :ivar asked: the pushes that it was asked about.
    """

    def __init__(self) -> None:
        self.denies: str | None = None
        self.unasked: str | None = None
        self.complains: str | None = None
        self.asked: list[Push] = []

    async def allowed(self, push: Push) -> None:
        """
        As told.
        """
        self.asked.append(push)
        if self.unasked is not None:
            raise Unanswered(self.unasked)
        if self.denies is not None:
            raise AccessDenied(self.denies)

    async def accepting(self, push: Push) -> None:
        """
        Always.
        """

    async def accepted(self, push: Push, updates: Sequence[RefUpdate], tell_out: Tell) -> None:
        """
        As told.
        """
        if self.complains is not None:
            raise AfterFailed(self.complains)


class OperationCase(TestCase):
    """
    :cvar object_format: of the repository.
    :ivar signing: the server's keys; set before the call of :meth:`setUp`.
    :ivar flags: feature flags that callers send.
    :ivar path: the repository's directory.
    """

    object_format = "sha1"
    signing = UNSIGNED
    flags: dict[str, bool] = {}
    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(os.path.abspath(self.mktemp()))
        await self.stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stack.stop()))
        before = children()
        self.addCleanup(lambda: self.assertEqual(children() - before, set(), "children are left"))
        self.repository = await self.stack.provider.create(NAME, object_format=ObjectFormat(self.object_format))
        self.path = self.repository.directory.path
        self.zero = ObjectFormat(self.object_format).zero
        self.application = Application()
        running: Any = reactor
        custom = CustomHooks(self.stack.git, running, self.stack.threads, {"PATH": os.environ["PATH"]})
        self.updater = RefUpdater(
            Hooks((), custom, Announcer(()), self.application), self.stack.git, make_unasked(self.stack.git)
        )
        self.peers = OwnPeers(running, *own_services(self.stack, running))
        self.ports = OperationPorts(
            self.stack.git, self.stack.provider, self.peers, self.updater, self.stack.threads, self.signing, lambda: NOW + 0.5
        )
        self.service = OperationService(self.ports)
        self.fill()

    def fill(self) -> None:
        """
        Put something into the repository.
        """

    # ------------------------------------------------------------------------------------------------ calling

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method; without a ``repository`` and a ``user``, with these.
        """
        fields.setdefault("repository", NAME)
        fields.setdefault("user", USER)
        request = getattr(pb, f"{method}Request")(**{name: value for name, value in fields.items() if value is not None})
        return getattr(self.service, method)(self.make_call(method), request)

    def stream(self, method: str, *requests: Any) -> Any:
        """
        Call a method with several requests.
        """
        return getattr(self.service, method)(self.make_call(method), _each(requests))

    def make_call(self, method: str) -> Any:
        """
        What a method is told of its call.
        """
        return make_call(
            f"OperationService/{method}", correlation_id="abc", metadata=getattr(self, "metadata", {}), flags=self.flags
        )

    async def error(self, called: Any) -> GitalyError:
        """
        What a method raises.
        """
        try:
            if isinstance(called, AsyncIterator):
                async for _ in called:
                    pass
            else:
                await called
        except GitalyError as error:
            return error
        raise AssertionError("not refused")

    async def refused(self, called: Any, code: Code, message: str, *details: Any) -> None:
        """
        Check how a method refuses.
        """
        error = await self.error(called)
        self.assertEqual((error.code, error.message), (code, message))
        self.assertEqual(list(error.details), list(details))

    # ------------------------------------------------------------------------------------------------ the repository

    def run_git(self, *words: str, stdin: bytes = b"", **more: Any) -> str:
        """
        Run git in the repository.

        :returns: its output, without the last newline.
        """
        return git("-C", self.path, *words, stdin=stdin, **more).decode("utf-8", "surrogateescape").removesuffix("\n")

    def commit(self, files: dict[str, str | bytes], branch: str = "main", message: str = "change", base: bool = True) -> str:
        """
        Commit files to a branch, behind the server's back.

        :param files: contents by path; a mode may stand before it, as in ``100755 bin/run``.
        :param base: on top of what is there.
        :returns: the commit's id.
        """
        ref = f"refs/heads/{branch}"
        stream = f"commit {ref}\ncommitter C <c@example.org> 1700000000 +0000\ndata {len(message)}\n{message}\n".encode()
        if base and self.run_git("for-each-ref", ref):
            stream += f"from {ref}^0\n".encode()
        for path, content in files.items():
            mode, space, name = path.partition(" ")
            if not space or not mode.isdigit():
                mode, name = "100644", path
            raw = content.encode() if isinstance(content, str) else content
            if mode == "160000":
                stream += f"M {mode} {raw.decode()} {name}\n".encode()
            else:
                stream += b"M %b inline %b\ndata %d\n%b\n" % (mode.encode(), os.fsencode(name), len(raw), raw)
        self.run_git("fast-import", "--quiet", "--force", stdin=stream)
        return self.run_git("rev-parse", ref)

    def refs(self) -> dict[str, str]:
        """
        All refs.
        """
        lines = self.run_git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def tree(self, revision: str) -> dict[str, tuple[str, str]]:
        """
        The files of a revision: mode and content.
        """
        found = {}
        for line in self.run_git("ls-tree", "-r", "-z", revision).split("\0")[:-1]:
            fields, path = line.split("\t")
            mode, kind, oid = fields.split(" ")
            content = git("-C", self.path, "cat-file", "blob", oid).decode("latin-1") if kind == "blob" else oid
            found[path] = (mode, content)
        return found

    def oid(self, revision: str) -> ObjectID:
        """
        What a revision stands for.
        """
        return ObjectID(self.run_git("rev-parse", revision))

    def hook(self, name: str, *lines: str) -> str:
        """
        A hook of the repository, as a shell script.

        :returns: where it lies.
        """
        path = os.path.join(self.path, "custom_hooks", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("\n".join(["#!/bin/sh", *lines, ""]))
        os.chmod(path, 0o755)
        return path

    def nothing_staged(self) -> None:
        """
        No staging directory is left, and the repository has all objects that its refs lead to.
        """
        self.assertEqual(self.stack.alive, 0)
        self.run_git("fsck", "--connectivity-only", "--no-dangling")


def at(seconds: int) -> Timestamp:
    """
    A time.
    """
    return Timestamp(seconds=seconds)


async def _each(messages: Iterable[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message
