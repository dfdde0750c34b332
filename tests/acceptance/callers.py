"""
Clients that write by RPCs as fast as they can and remember what they were told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.client.stub import method_info
from gitaly_tx.git.commits import Ident, NewCommit
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.objectid import ObjectID
from protocols.gitaly import objectpool_pb2, operations_pb2, ref_pb2, repository_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository, User
from tests.support.history import History

from .pushers import ABSENT, EMPTY, GONE, TRUNK, Pusher
from .registers import Attempt, Outcome, Register

FORKED = "forked"
"""The value of a fork or a pool: there, with what it was made of."""

POOL = f"@pools/ab/cd/abcd{'0' * 60}.git"

ZERO = b"0" * 40

USER = User(gl_id="user-1", name=b"alpha", email=b"alpha@example.invalid", gl_username="alpha", timezone="UTC")

LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)
"""What a client is told if the server died."""


def named(path: str) -> Repository:
    """
    A repository of the one storage.
    """
    return Repository(storage_name="default", relative_path=path, gl_repository=path)


class Refused(Exception):
    """
    A call that leaves nothing to be told failed.
    """


class Caller(Pusher):
    """
    :param address: of the gRPC listener.
    """

    def __init__(self, *arguments: Any, address: str) -> None:
        super().__init__(*arguments)
        self.address = address

    def run(self) -> None:
        """
        Thread's body.
        """
        with grpc.insecure_channel(self.address) as channel:
            self.channel = channel
            super().run()

    def ask(self, method: str, *requests: Message) -> tuple[Outcome, str]:
        """
        Call a method with one reply.
        """
        info = method_info(method)
        call = self.channel.stream_unary(
            info.path, request_serializer=info.request.SerializeToString, response_deserializer=info.reply.FromString
        )
        servers = encode_servers({"default": Server(f"tcp://{self.address}")})
        try:
            call(iter(requests), timeout=60, metadata=((KEY, servers),))
        except grpc.RpcError as error:
            refused = error.code() not in LOST
            return Outcome.REFUSED if refused else Outcome.UNKNOWN, f"{method}: {error}"
        return Outcome.ACKNOWLEDGED, ""

    def attempt(self, register: Register, value: str | None, method: str, *requests: Message) -> bool:
        """
        Try to make something of a register.

        :returns: whether that was acknowledged.
        """
        attempt: Attempt = register.attempt(value)
        attempt.end(*self.ask(method, *requests))
        return attempt.outcome is Outcome.ACKNOWLEDGED

    def improve(self, method: str, *requests: Message) -> None:
        """
        Call a method that changes nothing that could be told.

        :raises Refused: if the server lives and does not do it.
        """
        outcome, words = self.ask(method, *requests)
        if outcome is Outcome.REFUSED:
            raise Refused(words)


def there(register: Register) -> Any:
    """
    What a register holds, if nothing went wrong.
    """
    return register.attempts[-1].value if register.attempts else register.value


class RepositoryPusher(Caller):
    """
    Makes repositories, by an RPC or by pushing to them, pushes to them, and removes them.

    :param registers: one for each repository, called like it; its value is :data:`ABSENT`, :data:`EMPTY` or where the branch is.
    """

    def __init__(self, *arguments: Any, address: str, registers: Sequence[Register]) -> None:
        super().__init__(*arguments, address=address)
        self.registers = registers

    def step(self) -> None:
        """
        The next thing that can be done with one of the repositories.
        """
        register = self.random.choice(list(self.registers))
        path = register.name
        value = there(register)
        if value == ABSENT and self.random.random() < 0.5:
            request = repository_pb2.CreateRepositoryRequest(repository=named(path))
            self.attempt(register, EMPTY, "RepositoryService/CreateRepository", request)
        elif value in (ABSENT, EMPTY) or self.random.random() < 0.4:
            new = self.source.next()
            if value == ABSENT:  # the push makes the repository first, in a write of its own
                register.made_on_the_way(EMPTY)
            attempt = register.attempt(new)
            self.tell(attempt, self.push(path, {TRUNK: new}).get(TRUNK))
        else:
            gone = repository_pb2.RemoveRepositoryRequest(repository=named(path))
            self.attempt(register, ABSENT, "RepositoryService/RemoveRepository", gone)


class Committer(Caller):
    """
    Commits files to branches and moves and deletes others, as an application does it for its users.

    :param path: the repository.
    :param own: branches that nobody else writes.
    :param scratch: a directory for what it takes to know the ids of commits beforehand.
    """

    def __init__(self, *arguments: Any, address: str, path: str, own: Sequence[Register], scratch: Path) -> None:
        super().__init__(*arguments, address=address)
        self.path = path
        self.own = own
        (scratch / "objects").mkdir(parents=True, exist_ok=True)
        self.history = History(GitDirectory(str(scratch)))
        self.second = 1_700_000_000

    def step(self) -> None:
        """
        A commit on the root, whatever the branch was; then maybe another branch follows, or one goes.
        """
        first, *others = self.random.sample(list(self.own), 3)
        new = self.commit(first)
        if new is not None and self.random.random() < 0.5:
            gone = [(others[1], GONE)] if there(others[1]) is not GONE else []
            self.move([(others[0], new), *gone])
        if self.random.random() < 0.2:
            name = first.name.removeprefix("refs/heads/").encode()
            request = operations_pb2.UserDeleteBranchRequest(repository=named(self.path), user=USER, branch_name=name)
            self.attempt(first, GONE, "OperationService/UserDeleteBranch", request)

    def commit(self, register: Register) -> str | None:
        """
        :returns: the commit, if it is acknowledged.
        """
        self.second += 1
        content = self.random.randbytes(self.random.choice((10, 1000, 100_000)))
        ident = Ident(USER.name, USER.email, self.second, b"+0000")
        tree = self.history.tree({"root": "root\n", "file": content})
        made = NewCommit(tree, (ObjectID(self.source.root.encode()),), ident, ident, b"m").content()
        new = str(self.history.write(b"commit", made))
        kind = operations_pb2.UserCommitFilesRequest
        header = operations_pb2.UserCommitFilesRequestHeader(
            repository=named(self.path),
            user=USER,
            branch_name=register.name.removeprefix("refs/heads/").encode(),
            commit_message=b"m",
            start_sha=self.source.root,
            force=True,
            timestamp=Timestamp(seconds=self.second),
        )
        file = operations_pb2.UserCommitFilesActionHeader(file_path=b"file")
        done = self.attempt(
            register,
            new,
            "OperationService/UserCommitFiles",
            kind(header=header),
            kind(action=operations_pb2.UserCommitFilesAction(header=file)),
            kind(action=operations_pb2.UserCommitFilesAction(content=content)),
        )
        return new if done else None

    def move(self, moves: Sequence[tuple[Register, str | None]]) -> None:
        """
        Branches moved and deleted together.
        """
        kind = ref_pb2.UpdateReferencesRequest
        updates = [
            kind.Update(
                reference=register.name.encode(),
                old_object_id=(there(register) or ZERO.decode()).encode(),
                new_object_id=(value or ZERO.decode()).encode(),
            )
            for register, value in moves
        ]
        attempts = [register.attempt(value) for register, value in moves]
        outcome = self.ask("RefService/UpdateReferences", kind(repository=named(self.path), updates=updates))
        for attempt in attempts:
            attempt.end(*outcome)


class Forker(Caller):
    """
    Makes a pool, and forks that borrow from it and go again; keeps them all small.

    :param path: what is forked.
    :param forks: a register for each fork, and the last for the pool; the value is :data:`ABSENT` or :data:`FORKED`.
    """

    def __init__(self, *arguments: Any, address: str, path: str, forks: Sequence[Register]) -> None:
        super().__init__(*arguments, address=address)
        self.path = path
        *self.forks, self.pool = forks

    def step(self) -> None:
        """
        One thing.
        """
        pool = ObjectPool(repository=named(POOL))
        if there(self.pool) == ABSENT:
            request = objectpool_pb2.CreateObjectPoolRequest(object_pool=pool, origin=named(self.path))
            self.attempt(self.pool, FORKED, "ObjectPoolService/CreateObjectPool", request)
            return
        register = self.random.choice(self.forks)
        fork = named(register.name)
        if there(register) == FORKED:
            gone = repository_pb2.RemoveRepositoryRequest(repository=fork)
            self.attempt(register, ABSENT, "RepositoryService/RemoveRepository", gone)
            return
        made = repository_pb2.CreateForkRequest(repository=fork, source_repository=named(self.path))
        if self.attempt(register, FORKED, "RepositoryService/CreateFork", made):
            link = objectpool_pb2.LinkRepositoryToObjectPoolRequest(object_pool=pool, repository=fork)
            self.improve("ObjectPoolService/LinkRepositoryToObjectPool", link)
        fetch = objectpool_pb2.FetchIntoObjectPoolRequest(object_pool=pool, origin=named(self.path))
        self.improve("ObjectPoolService/FetchIntoObjectPool", fetch)
        eager = repository_pb2.OptimizeRepositoryRequest.STRATEGY_EAGER
        for path in (self.path, POOL, register.name):
            if path != register.name or there(register) == FORKED:
                tidy = repository_pb2.OptimizeRepositoryRequest(repository=named(path), strategy=eager)
                self.improve("RepositoryService/OptimizeRepository", tidy)


__all__ = ["FORKED", "POOL", "Caller", "Committer", "Forker", "RepositoryPusher"]
