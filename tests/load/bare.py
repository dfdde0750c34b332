"""
The least that a call costs in Python: a gRPC server that parses a request, and answers. ``python -m tests.load.bare ADDRESS``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import grpc

from protocols.gitaly.repository_pb2 import RepositoryExistsRequest, RepositoryExistsResponse


class Bare(grpc.GenericRpcHandler):  # type: ignore[misc]
    """
    Every repository exists.
    """

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """
        The one handler that there is.
        """
        return grpc.unary_unary_rpc_method_handler(self._answer)

    async def _answer(self, data: bytes, context: Any) -> bytes:
        RepositoryExistsRequest.FromString(data)
        return RepositoryExistsResponse(exists=True).SerializeToString()


async def serve(address: str) -> None:
    """
    Until somebody ends the process.
    """
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Bare()])
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0.
    """
    asyncio.run(serve(*argv))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
