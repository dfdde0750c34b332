"""
A repository as a stream for ``git fast-import``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import FastExportRequest, FastExportResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.records import pieces
from ...storage.interfaces import IStorageProvider
from ..chunked import chunked
from ..validate import given, opened


async def fast_export(
    storage: IStorageProvider, git: IGit, request: FastExportRequest
) -> AsyncGenerator[FastExportResponse, None]:
    """
    ``git fast-export --all``. Tags of what cannot be exported are left out, and signatures and messages in other encodings stay
    as they are, so that one odd object does not end the export.

    :raises GitalyError: INTERNAL if git fails, perhaps after some data.
    """
    repository = await opened(storage, given(request))
    options = ["--all", "--signed-tags=verbatim", "--tag-of-filtered-object=drop", "--reencode=no"]
    child = git.spawn(Command("fast-export", options, directory=repository.directory), stdin=False)
    async with aclosing(pieces(child)) as output:
        async for data in output:
            for chunk in chunked(data):
                yield FastExportResponse(data=chunk)
    ended = await child.wait()
    if ended.status != 0:
        raise GitalyError(f"fast-export: {ended}", Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
