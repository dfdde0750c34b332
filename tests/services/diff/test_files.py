"""
Tests for :mod:`gitaly_tx.services.diff.files` with output that no git writes.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.services.diff.files import DiffReader
from tests.support.streams import MemorySource

ENTRY = b":100644 100644 1 2 M\0a\0"

PATCH = b"diff --git a/a b/a\n@@ -1 +1 @@\n-x\n+y\n"


class Printed:
    """
    A child that prints something and ends.
    """

    def __init__(self, printed: bytes, status: int) -> None:
        self.stdout = MemorySource([printed] if printed else [])
        self.status = status
        self.killed = False

    async def wait(self) -> Ended:
        """
        It has ended.
        """
        return Ended(self.status)

    def kill(self) -> None:
        """
        Remembers it.
        """
        self.killed = True


class DiffReaderTests(TestCase):
    """
    ``DiffReader``
    """

    async def read(self, printed: bytes, status: int = 0) -> tuple[list[bytes], GitalyError | None]:
        """
        The paths that were read, and the error at the end.
        """
        child: Any = Printed(printed, status)
        found: list[bytes] = []
        in_thread: Any = maybeDeferred
        reader = DiffReader(in_thread)
        try:
            async with aclosing(reader.files(child)) as files:
                async for file in files:
                    found.append(file.change.path)
                    await file.drop()
        except GitalyError as error:
            return found, error
        return found, None

    async def test_whole(self):
        """
        Files with and without a patch are read.
        """
        self.assertEqual(await self.read(ENTRY + b"\0" + PATCH), ([b"a"], None))
        self.assertEqual(await self.read(ENTRY + ENTRY.replace(b"a", b"b") + b"\0" + PATCH), ([b"a", b"b"], None))
        self.assertEqual(await self.read(b""), ([], None))

    async def test_failed(self):
        """
        If git fails, a file whose patch may not be whole is not told.
        """
        found, error = await self.read(ENTRY + b"\0" + PATCH, 128)
        assert error is not None
        self.assertEqual((found, error.code, error.message), ([], Code.FAILED_PRECONDITION, "exit status 128"))

    async def test_broken(self):
        """
        What cannot be understood is an error.
        """
        for printed in (
            ENTRY + b"\0" + PATCH.replace(b"a/a", b"a/b"),
            ENTRY + b"\0" + PATCH + PATCH,
            ENTRY[:-3],
            ENTRY[:-1],
            b"junk\0" + ENTRY,
            ENTRY + b"\0junk\n",
            b"\0" + PATCH,
        ):
            _, error = await self.read(printed)
            assert error is not None, printed
            self.assertEqual(error.code, Code.INTERNAL)
            self.assertTrue(error.message.startswith("parse failure: "), error.message)
