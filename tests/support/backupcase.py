"""
Repositories that are backed up and put back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gitaly_tx.backup.backups import Backups
from gitaly_tx.backup.create import Creating, Measured
from gitaly_tx.backup.filesystem import DirectorySink
from gitaly_tx.backup.locator import Locator
from gitaly_tx.backup.restore import Restoring
from gitaly_tx.services.repository.service import RepositoryService
from gitaly_tx.storage.interfaces import IRepository
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository

from .git import git
from .writecase import NAME, WriteCase

UNUSED: Any = None
"""What no method here works with."""

VANITY = Repository(storage_name="elsewhere", relative_path="team/thing.git")

HOOK = "#!/bin/sh\nexit 0\n"


class Meddling:
    """
    A git that does something before it starts a child.

    :param real: starts children.
    :param name: of the command.
    :param before: what to do, once.
    """

    def __init__(self, real: Any, name: str, before: Callable[[], object]) -> None:
        self.real = real
        self.name = name
        self._before: list[Callable[[], object]] = [before]

    def spawn(self, command: Any, **more: Any) -> Any:
        """
        Start one.
        """
        while command.name == self.name and self._before:
            self._before.pop()()
        return self.real.spawn(command, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Stuck:
    """
    A child that does not end as long as nobody kills it.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self._waits = [Deferred(), self._real.wait]

    def wait(self) -> Any:
        """
        Wait for ever, the first time.
        """
        return self._waits.pop(0) if len(self._waits) == 2 else self._waits[0]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Sticking(Meddling):
    """
    A git whose children of one name get stuck; ``before`` is called once they are.
    """

    def spawn(self, command: Any, **more: Any) -> Any:
        """
        Start one.
        """
        child = self.real.spawn(command, **more)
        if command.name != self.name:
            return child
        running: Any = reactor
        running.callLater(0, self._before.pop())
        return Stuck(child)


class BackupCase(WriteCase):
    """
    A repository, and a directory for backups.

    :ivar sink_root: that directory.
    :ivar place: the same as a sink.
    :ivar phases: what was measured.
    :ivar bundles: the sizes of bundles.
    :ivar packed: the repositories that housekeeping is told of.
    """

    pointers = True

    def fill(self) -> None:
        self.sink_root = os.path.abspath(self.mktemp())
        self.phases: list[str] = []
        self.bundles: list[float] = []
        self.packed: list[IRepository] = []
        self.backups = self.make_backups(self.pointers)
        self.addCleanup(lambda: self.backups.stop())
        self.service = self.make_service(self.backups)

    def make_backups(self, pointers: bool) -> Backups:
        """
        As the server makes them.
        """
        running: Any = reactor
        git, threads = self.stack.git, self.stack.threads
        self.place = DirectorySink(self.sink_root, threads)
        self.locator = Locator(self.place, pointers)
        measured = Measured(lambda phase, seconds: self.phases.append(phase), self.bundles.append)
        creating = Creating(git, self.place, self.locator, threads, running, measured)
        restoring = Restoring(self.provider, git, self.place, self.locator, self.unasked, threads, self.packed.append)
        return Backups(self.place, creating, restoring)

    def make_service(self, backups: Backups | None) -> RepositoryService:
        """
        The service, with these backups or without any.
        """
        git, threads = self.stack.git, self.stack.threads
        return RepositoryService(self.provider, git, threads, self.unasked, UNUSED, UNUSED, UNUSED, UNUSED, backups=backups)

    def backup(self, backup_id: str = "a", incremental: bool = False, **fields: Any) -> Any:
        """
        ``BackupRepository``
        """
        fields = {"repository": NAME, "vanity_repository": VANITY, **fields}
        request = pb.BackupRepositoryRequest(backup_id=backup_id, incremental=incremental, **fields)
        return self.service.BackupRepository(UNUSED, request)

    def restore(self, backup_id: str = "", always_create: bool = False, **fields: Any) -> Any:
        """
        ``RestoreRepository``
        """
        fields = {"repository": NAME, "vanity_repository": VANITY, **fields}
        request = pb.RestoreRepositoryRequest(backup_id=backup_id, always_create=always_create, **fields)
        return self.service.RestoreRepository(UNUSED, request)

    def kept(self, start: str = "") -> list[str]:
        """
        The files that are there, but for what nobody finds.
        """
        found = []
        for directory, _, names in os.walk(os.path.join(self.sink_root, start)):
            found += [os.path.relpath(os.path.join(directory, name), self.sink_root) for name in names]
        return sorted(path for path in found if not path.startswith("+gitaly/"))

    def begun(self) -> list[str]:
        """
        Files that have no name yet.
        """
        area = os.path.join(self.sink_root, "+gitaly", "begun")
        return [name for _, _, names in os.walk(area) for name in names]

    def content(self, path: str) -> bytes:
        """
        What is in a file.
        """
        with open(os.path.join(self.sink_root, path), "rb") as file:
            return file.read()

    def put(self, path: str, content: bytes) -> None:
        """
        Write a file, as another program would.
        """
        target = os.path.join(self.sink_root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)

    def commit(self, branch: str = "main", parent: str = "main", text: str = "more") -> str:
        """
        A new commit on a branch.
        """
        oid = self.run_git("commit-tree", f"{parent}^{{tree}}", "-p", parent, stdin=text.encode())
        self.run_git("update-ref", f"refs/heads/{branch}", oid)
        return oid

    def hook(self, name: str = "pre-receive", content: str = HOOK) -> None:
        """
        A custom hook in the repository.
        """
        path = os.path.join(self.directory.path, "custom_hooks", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(content)
        os.chmod(path, 0o755)

    def state(self, path: str | None = None) -> dict[str, Any]:
        """
        What a reader can tell of a repository.
        """
        root = path or self.directory.path
        hooks: dict[str, Any] = {}
        for directory, _, names in os.walk(os.path.join(root, "custom_hooks")):
            for name in names:
                file = os.path.join(directory, name)
                with open(file, "rb") as opened:
                    hooks[os.path.relpath(file, root)] = (os.stat(file).st_mode & 0o777, opened.read())
        return {
            "refs": self.refs(root),
            "HEAD": git("--git-dir", root, "symbolic-ref", "HEAD", check=False).decode().strip(),
            "hooks": hooks,
            "format": self.run_git("rev-parse", "--show-object-format", path=root),
        }

    def show_refs(self) -> bytes:
        """
        What ``git show-ref`` says of the repository.
        """
        return git("--git-dir", self.directory.path, "show-ref", "--head", check=False)

    def meddle(self, name: str, before: Callable[[], object], kind: type[Meddling] = Meddling) -> None:
        """
        Do something before git is started with a command.
        """
        self.patch(self.stack, "git", kind(self.stack.git, name, before))
        self.service = self.make_service(self.make_backups(self.pointers))
        self.addCleanup(self.place.stop)

    def stuck_at(self, name: str) -> Deferred[None]:
        """
        Let git hang.

        :returns: fires when it does.
        """
        stuck: Deferred[None] = Deferred()
        self.meddle(name, lambda: stuck.callback(None), Sticking)
        return stuck


__all__ = ["HOOK", "NAME", "VANITY", "BackupCase"]
