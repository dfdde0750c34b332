"""
Tests for :mod:`gitaly_tx.git.conversions`.
"""

from __future__ import annotations

import os

from gitaly_tx.git.conversions import conversion_of
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.textconversion import Conversion, Ends
from tests.support.history import History
from tests.support.readcase import ReadCase


class ConversionOfTests(ReadCase):
    """
    ``conversion_of``.
    """

    async def of(self, path: bytes, head: ObjectID | None) -> Conversion:
        return await self.repository.look(lambda objects: conversion_of(path, objects, self.directory, ObjectFormat.SHA1, head))

    async def test_commit(self) -> None:
        """
        The files of the commit count, and before them those of the repository.
        """
        head = History(self.directory).commit({".gitattributes": "*.bin -text\n*.txt text ident\n"})
        self.assertEqual(await self.of(b"a.bin", head), Conversion(Ends.NONE))
        self.assertEqual(await self.of(b"a.txt", head), Conversion(Ends.PAIRED, True))
        self.assertEqual(await self.of(b"a.bin", None), Conversion(Ends.GUESSED))
        os.makedirs(os.path.join(self.directory.path, "info"), exist_ok=True)
        with open(os.path.join(self.directory.path, "info", "attributes"), "w") as file:
            file.write("*.bin text\n")
        self.assertEqual(await self.of(b"a.bin", head), Conversion(Ends.PAIRED))
        self.assertEqual(await self.of(b"a.bin", None), Conversion(Ends.PAIRED))
