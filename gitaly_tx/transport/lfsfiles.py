"""
The application as the one who keeps the files that Git LFS pointers stand for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from attrs import frozen
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..hooks.gitlabapi import APIError, GitlabAPI, NotThere
from .smudging import IBlobSource, NoContent


@implementer(IBlobSource)
@frozen
class ApplicationFiles:
    """
    Asks for each file when it is needed.
    """

    _api: GitlabAPI

    async def content(self, gl_repository: str, oid: str) -> AsyncIterator[bytes]:
        """
        As :func:`IBlobSource.content`.
        """
        try:
            async with aclosing(self._api.lfs(gl_repository, oid)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
        except NotThere as error:
            raise NoContent(error.text, Code.NOT_FOUND, {"oid": oid}) from error
        except APIError as error:
            raise GitalyError(f"error loading LFS object: {error.text}", Code.UNAVAILABLE, {"oid": oid}) from error
