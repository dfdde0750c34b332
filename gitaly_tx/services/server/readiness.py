"""
Whether the server works.
"""

from __future__ import annotations

from protocols.gitaly.server_pb2 import ReadinessCheckResponse


def readiness_check() -> ReadinessCheckResponse:
    """
    Yes: a server that answers is ready. A server that does not work yet does not listen, and a storage that cannot be written to
    is told by ServerInfo. The request's timeout is for servers that have to ask others.
    """
    return ReadinessCheckResponse(ok_response=ReadinessCheckResponse.Ok())
