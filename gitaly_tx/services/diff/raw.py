"""
Diffs as git prints them.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

from protocols.gitaly.diff_pb2 import RawDiffRequest, RawDiffResponse, RawPatchRequest, RawPatchResponse

from ...errors import Code
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.options import ValueFlag
from ...rpc.chunks import ChunkSink
from ...rpc.interfaces import IExchange
from ...storage.interfaces import IStorageProvider
from ..running import Failed, running
from .commands import PLAIN, command
from .sides import opened_with_sides


async def raw_diff(git: IGit, storage: IStorageProvider, exchange: IExchange, request: RawDiffRequest) -> None:
    """
    Send what ``git diff`` prints of two commits.

    :raises GitalyError: as :func:`~gitaly_tx.services.diff.sides.opened_with_sides`; INTERNAL ``exit status 128`` for unknown
        commits.
    """
    repository = await opened_with_sides(storage, request)
    sides = [request.left_commit_id, request.right_commit_id]
    diff = command("diff", ["--full-index", *PLAIN], sides, repository)
    await send_output(git, diff, exchange, lambda data: RawDiffResponse(data=data))


async def raw_patch(git: IGit, storage: IStorageProvider, exchange: IExchange, request: RawPatchRequest) -> None:
    """
    Send a mail for each commit that the right side has and the left one has not, merges aside, the oldest first.

    :raises GitalyError: as :func:`raw_diff`.
    """
    repository = await opened_with_sides(storage, request)
    commits = f"{request.left_commit_id}..{request.right_commit_id}"
    patches = command("format-patch", ["--stdout", ValueFlag("--signature", "GitLab"), *PLAIN], [commits], repository)
    await send_output(git, patches, exchange, lambda data: RawPatchResponse(data=data))


async def send_output(git: IGit, command: Command, exchange: IExchange, wrap: Callable[[bytes], Message]) -> None:
    """
    Send what a git prints, as it comes.

    :param wrap: makes a reply of a part of it.
    :raises Failed: INTERNAL ``exit status N`` if it fails.
    """
    with running(git, command) as child:
        await child.send_stdout_to(ChunkSink(exchange, wrap))
        ended = await child.wait()
    if ended.status:
        raise Failed(ended, Code.INTERNAL)
