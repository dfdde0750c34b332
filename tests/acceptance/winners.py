"""
Several clients move one ref at the same time, from the value that they saw: ``python -m tests.acceptance.winners``.

In each round one of them must win and all others must be told that the ref is not what they believed; the ref is then what the
winner made it. A round with two winners is a lost update, one with none a ref that nobody can move.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence

from gitaly_tx.client.interfaces import PeerError
from gitaly_tx.client.stub import Client
from gitaly_tx.errors import Code
from protocols.gitaly.ref_pb2 import FindBranchRequest, UpdateReferencesRequest
from protocols.gitaly.shared_pb2 import Repository
from tests.support.gitclient import GitClient
from tests.support.server import Server
from tests.support.uncovered import UNCOVERED

CLIENTS = 8
BRANCH = b"refs/heads/contended"


class NotOneWinner(AssertionError):
    """
    A round went wrong.
    """


async def compete(address: str, repository: Repository, values: Sequence[bytes], rounds: int) -> Counter[int]:
    """
    Let clients compete.

    :param values: commits of the repository, one more than there are clients; the branch is the first of them.
    :returns: how often each client won.
    :raises NotOneWinner: as soon as something is wrong.
    """
    clients = [Client.dial(f"tcp://{address}") for _ in range(len(values) - 1)]
    won: Counter[int] = Counter()
    now = values[0]
    try:
        for number in range(rounds):
            wanted = [value for value in values if value != now]
            told = await asyncio.gather(
                *(_move(client, repository, now, value) for client, value in zip(clients, wanted, strict=True))
            )
            winners = [index for index, outcome in enumerate(told) if outcome is None]
            if len(winners) != 1 or any(outcome not in (None, Code.ABORTED) for outcome in told):
                raise NotOneWinner(f"round {number}: {told}")
            now = wanted[winners[0]]
            won[winners[0]] += 1
            found = await clients[0].unary(
                "RefService/FindBranch", FindBranchRequest(repository=repository, name=BRANCH.removeprefix(b"refs/heads/"))
            )
            if found.branch.target_commit.id.encode() != now:
                raise NotOneWinner(f"round {number}: the branch is {found.branch.target_commit.id}, not {now.decode()}")
    finally:
        for client in clients:
            await client.close()
    return won


async def _move(client: Client, repository: Repository, old: bytes, new: bytes) -> Code | None:
    update = UpdateReferencesRequest.Update(reference=BRANCH, old_object_id=old, new_object_id=new)
    request = UpdateReferencesRequest(repository=repository, updates=[update])
    try:
        await client.upload("RefService/UpdateReferences", [request])
    except PeerError as error:
        return error.code
    return None


def prepared(server: Server, path: str, git: GitClient, clients: int = CLIENTS) -> list[bytes]:
    """
    Push commits for the clients to move the branch to.
    """
    work = git.repository("work")
    tips = [git.commit(work, str(number)) for number in range(clients + 1)]
    git.run("push", "-q", server.http + path, "main", f"{tips[0]}:{BRANCH.decode()}", cwd=work)
    return [tip.encode() for tip in tips]


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if there was one winner in each round.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance.winners", description=(__doc__ or "").strip().split("\n\n")[1]
    )
    parser.add_argument("--rounds", type=int, default=1000, help="how many (%(default)s)")
    options = parser.parse_args(argv)
    server = Server(environment=UNCOVERED)
    try:
        server.start()
        values = prepared(server, "contended", GitClient(server.folder / "client"))
        won = asyncio.run(
            compete(server.grpc, Repository(storage_name="default", relative_path="contended.git"), values, options.rounds)
        )
        server.stop()
    finally:
        server.dispose()
    print(f"{options.rounds} rounds, one winner in each; how often each client won: {sorted(won.items())}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
