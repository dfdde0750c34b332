"""
A repository's config file, and its attributes file.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import (
    GetConfigRequest,
    GetConfigResponse,
    GetInfoAttributesRequest,
    GetInfoAttributesResponse,
)

from ...errors import Code, GitalyError
from ...rpc.chunks import CHUNK
from ...storage.errors import described
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..turns import in_turns
from ..validate import given, opened


async def get_config(
    storage: IStorageProvider, in_thread: InThread, request: GetConfigRequest
) -> AsyncGenerator[GetConfigResponse, None]:
    """
    The bytes of ``config``.

    :raises GitalyError: NOT_FOUND ``opening gitconfig: …`` if there is none.
    """
    repository = await opened(storage, given(request))
    path = os.path.join(repository.directory.path, "config")
    try:
        async with aclosing(in_turns(in_thread, _content(path))) as chunks:
            async for data in chunks:
                yield GetConfigResponse(data=data)
    except OSError as error:
        code = Code.NOT_FOUND if isinstance(error, FileNotFoundError) else Code.INTERNAL
        raise GitalyError(f"opening gitconfig: open {path}: {described(error)}", code, {"path": path}) from error


async def get_info_attributes(
    storage: IStorageProvider, in_thread: InThread, request: GetInfoAttributesRequest
) -> AsyncGenerator[GetInfoAttributesResponse, None]:
    """
    The bytes of ``info/attributes``; one empty reply if there is no such file.
    """
    repository = await opened(storage, given(request))
    path = os.path.join(repository.directory.path, "info", "attributes")
    try:
        async with aclosing(in_turns(in_thread, _content(path))) as chunks:
            async for data in chunks:
                yield GetInfoAttributesResponse(attributes=data)
    except FileNotFoundError:
        yield GetInfoAttributesResponse()
    except OSError as error:
        text = f"failure to read info attributes: {described(error)}"
        raise GitalyError(text, Code.INTERNAL, {"path": path}) from error


def _content(path: str) -> Generator[bytes, None, None]:
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            yield data
