"""
Tests for :mod:`gitaly_tx.transport.lfsfiles`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.hooks.gitlabapi import APIError, NotThere
from gitaly_tx.transport.lfsfiles import ApplicationFiles
from gitaly_tx.transport.smudging import IBlobSource, NoContent


class FakeAPI:
    """
    Answers with pieces and errors.
    """

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.asked: list[tuple[str, str]] = []
        self.closed = 0

    async def lfs(self, gl_repository: str, oid: str) -> AsyncIterator[bytes]:
        """
        As the real one.
        """
        self.asked.append((gl_repository, oid))
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed += 1


class ApplicationFilesTests(SynchronousTestCase):
    """
    ``ApplicationFiles``
    """

    def read(self, api: Any) -> bytes:
        async def collect() -> bytes:
            return b"".join([piece async for piece in ApplicationFiles(api).content("project-1", "0" * 64)])

        found: bytes = self.successResultOf(Deferred.fromCoroutine(collect()))
        return found

    def test_content(self) -> None:
        """
        The application's pieces come as they are.
        """
        api: Any = FakeAPI(b"a", b"b")
        verifyObject(IBlobSource, ApplicationFiles(api))
        self.assertEqual(self.read(api), b"ab")
        self.assertEqual(api.asked, [("project-1", "0" * 64)])

    def test_errors(self) -> None:
        """
        What the application does not have is told from what cannot be found out.
        """
        for error, kind, code in (
            (NotThere("Internal API error (404)"), NoContent, Code.NOT_FOUND),
            (APIError("Internal API unreachable"), GitalyError, Code.UNAVAILABLE),
        ):

            async def collect(error: Exception = error) -> None:
                async for _ in ApplicationFiles(FakeAPI(error)).content("p", "0"):  # type: ignore[arg-type]
                    pass

            failure = self.failureResultOf(Deferred.fromCoroutine(collect()), kind)
            self.assertEqual(failure.value.code, code)

    def test_closed(self) -> None:
        """
        Whoever stops half-way ends the transfer.
        """
        api: Any = FakeAPI(b"a", b"b")

        async def stop() -> None:
            content: Any = ApplicationFiles(api).content("p", "0")
            await anext(content)
            await content.aclose()

        self.successResultOf(Deferred.fromCoroutine(stop()))
        self.assertEqual(api.closed, 1)
