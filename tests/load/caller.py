"""
Calls a method again and again, in a process of its own::

    python -m tests.load.caller ADDRESS METHOD KIND REQUEST SECONDS CLIENTS

Prints how many calls there were; fails with the first that does. Calls carry a token made with the secret in the environment
variable ``GITALY_TX_LOAD_SECRET``, if there is one: a new one each second.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence

import grpc

from gitaly_tx.auth.token import issue_token

SECRET = "GITALY_TX_LOAD_SECRET"


class Tokens:
    """
    What calls show of a secret.

    :param secret: none if it is empty.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._second = 0
        self._shown: tuple[tuple[str, str], ...] = ()

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """
        The metadata of a call that is made now.
        """
        second = int(time.time())
        if self._secret and second != self._second:
            self._second, self._shown = second, (("authorization", f"Bearer {issue_token(self._secret, second)}"),)
        return self._shown


async def call(address: str, method: str, streams: bool, request: bytes, seconds: float, clients: int) -> int:
    """
    :param streams: whether the method answers with a stream.
    :param request: serialized.
    :returns: how many calls there were.
    :raises grpc.RpcError: if one fails.
    """
    options = [("grpc.max_receive_message_length", 1 << 28)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub = channel.unary_stream(method) if streams else channel.unary_unary(method)
        end = time.monotonic() + seconds
        tokens = Tokens(os.environ.get(SECRET, ""))

        async def one() -> int:
            count = 0
            while time.monotonic() < end:
                if streams:
                    async for _ in stub(request, metadata=tokens.metadata()):
                        pass
                else:
                    await stub(request, metadata=tokens.metadata())
                count += 1
            return count

        return sum(await asyncio.gather(*(one() for _ in range(clients))))


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0.
    """
    address, method, kind, request, seconds, clients = argv
    print(asyncio.run(call(address, method, kind == "stream", bytes.fromhex(request), float(seconds), int(clients))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
