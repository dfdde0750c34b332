"""
Tests for WriteRef.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.services.repository.service import RepositoryService
from protocols.gitaly.repository_pb2 import WriteRefRequest
from tests.support.writecase import NAME, WriteCase

ZERO = b"0" * 40

UNUSED: Any = None
"""What this method does without."""


class WriteRefTests(WriteCase):
    """
    ``WriteRef``
    """

    def fill(self) -> None:
        self.service = RepositoryService(
            self.provider, self.stack.git, self.stack.threads, self.unasked, UNUSED, UNUSED, UNUSED, UNUSED
        )
        self.first, self.second = self.rev("main~1"), self.rev("main")

    def call(self, ref: bytes, revision: bytes | str, old: bytes | str = b"") -> Any:
        revision, old = (text.encode() if isinstance(text, str) else text for text in (revision, old))
        request = WriteRefRequest(repository=NAME, ref=ref, revision=revision, old_revision=old)
        return self.service.WriteRef(None, request)  # type: ignore[arg-type]

    async def test_written(self) -> None:
        """
        A ref is created, moved and deleted; what it shall be and what it is may be any revisions.
        """
        await self.call(b"refs/heads/x", "main~1", ZERO)
        self.assertEqual(self.rev("x"), self.first)
        await self.call(b"refs/heads/x", self.second, "x")
        self.assertEqual(self.rev("x"), self.second)
        await self.call(b"refs/notes/tree", "main^{tree}")
        self.assertEqual(self.rev("refs/notes/tree"), self.rev("main^{tree}"))
        await self.call(b"refs/heads/x", ZERO)
        await self.call(b"refs/notes/tree", ZERO, "main^{tree}")
        self.assertEqual(self.refs(), {"refs/heads/main": self.second})
        self.assertEqual(self.left(), [])
        tree, zero = self.rev("main^{tree}"), ZERO.decode()
        values = (
            ("heads/x", self.first),
            ("heads/x", self.second),
            ("notes/tree", tree),
            ("heads/x", zero),
            ("notes/tree", zero),
        )
        self.assertEqual(self.sink.heard, [{f"refs/{name}": value} for name, value in values])

    async def test_head(self) -> None:
        """
        HEAD becomes a name for a branch, which need not exist; the old revision does not matter.
        """
        await self.call(b"HEAD", "refs/heads/none", "whatever")
        self.assertEqual(self.run_git("symbolic-ref", "HEAD"), "refs/heads/none")
        self.assertEqual(self.sink.heard, [{"HEAD": "refs/heads/none"}])
        for bad in ("main", "refs/heads/a..b", "refs/heads/.a"):
            expected = (Code.INTERNAL, f'setting default branch: "{bad}" is a malformed refname')
            self.assertEqual(await self.refusal(self.call(b"HEAD", bad)), expected)
        self.assertEqual(self.run_git("symbolic-ref", "HEAD"), "refs/heads/none")

    async def test_head_locked(self) -> None:
        """
        HEAD stays as it is while somebody else has its lock, and so does the lock.
        """
        lock = os.path.join(self.directory.path, "HEAD.lock")
        with open(lock, "xb"):
            pass
        text = "setting default branch: committing temporary HEAD: locking file: file already locked"
        self.assertEqual(await self.refusal(self.call(b"HEAD", "refs/heads/none")), (Code.INTERNAL, text))
        self.assertEqual(self.run_git("symbolic-ref", "HEAD"), "refs/heads/main")
        self.assertTrue(os.path.exists(lock))
        self.assertEqual(self.sink.heard, [])

    async def test_refused(self) -> None:
        """
        A ref that cannot be written stays, and the caller is told why.
        """
        failed = "error when running update-ref command: "
        for ref, revision, old, text in (
            (b"refs/heads/x", "none", "", "resolving new revision: reference not found"),
            (b"refs/heads/x", "1" * 40, "", "resolving new revision: reference not found"),
            (b"refs/heads/x", "main", "none", "resolving old revision: reference not found"),
            (b"refs/heads/main", "main", "main~1", f"{failed}reference does not point to expected object"),
            (b"refs/heads/main", "main", ZERO, f"{failed}reference already exists"),
            (b"refs/heads/main/x", "main", "", f"{failed}file directory conflict"),
            (b"refs/heads/x", "main^{tree}", "", f"{failed}target object not a commit"),
            (b"refs/heads/a..b", "main", "", f"{failed}invalid reference format"),
        ):
            self.assertEqual(await self.refusal(self.call(ref, revision, old)), (Code.INTERNAL, text))
        with open(os.path.join(self.directory.path, "refs/heads/main.lock"), "xb"):
            pass
        self.assertEqual(
            await self.refusal(self.call(b"refs/heads/main", "main~1")), (Code.ABORTED, "reference is locked already")
        )
        self.assertEqual(self.refs(), {"refs/heads/main": self.second})

    async def test_invalid(self) -> None:
        """
        What git could take for something else is refused, field by field.
        """
        for ref, revision, old, text in (
            (b"", "main", "", "invalid ref: empty revision"),
            (b"-d", "main", "", "invalid ref: revision can't start with '-'"),
            (b"refs/heads/x\0y", "main", "", "invalid ref: revision can't contain NUL"),
            (b"refs/heads/x y", "main", "", "invalid ref: revision can't contain whitespace"),
            (b"refs/heads/x", "", "", "invalid revision: empty revision"),
            (b"refs/heads/x", "--all", "", "invalid revision: revision can't start with '-'"),
            (b"refs/heads/x", "main:a", "", "invalid revision: revision can't contain ':'"),
            (b"refs/heads/x", "main", "-x", "invalid OldRevision: revision can't start with '-'"),
            (b"refs/heads/x", "main", "a\\b", "invalid OldRevision: revision can't contain '\\'"),
            (b"main", "main", "", "ref has to be a full reference"),
            (b"HEAD2", "main", "", "ref has to be a full reference"),
        ):
            self.assertEqual(await self.refusal(self.call(ref, revision, old)), (Code.INVALID_ARGUMENT, text))
        self.assertEqual(self.refs(), {"refs/heads/main": self.second})
