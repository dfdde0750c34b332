"""
Tests for DeleteRefs.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.services.ref.service import RefService
from protocols.gitaly import errors_pb2 as errors
from protocols.gitaly.ref_pb2 import DeleteRefsError, DeleteRefsRequest
from tests.support.writecase import NAME, WriteCase


class DeleteRefsTests(WriteCase):
    """
    ``DeleteRefs``
    """

    def fill(self) -> None:
        self.service = RefService(self.stack.git, self.provider, Mailmaps(), self.unasked)
        for name in ("refs/heads/a", "refs/heads/b", "refs/keep/a", "refs/keep-around/x", "refs/tags/t"):
            self.run_git("update-ref", name, "main")

    def call(self, refs: list[bytes] | None = None, kept: list[bytes] | None = None) -> Any:
        request = DeleteRefsRequest(repository=NAME, refs=refs or [], except_with_prefix=kept or [])
        return self.service.DeleteRefs(None, request)  # type: ignore[arg-type]

    async def test_named(self) -> None:
        """
        The refs that are named go, packed or not; those that were not there are no obstacle.
        """
        self.run_git("pack-refs", "--all")
        self.run_git("update-ref", "refs/heads/b", "main~1")
        await self.call([b"refs/heads/a", b"refs/heads/b", b"refs/heads/none", b"refs/keep-around/x"])
        self.assertEqual(sorted(self.refs()), ["refs/heads/main", "refs/keep/a", "refs/tags/t"])
        self.assertEqual(self.left(), [])
        names = ("refs/heads/a", "refs/heads/b", "refs/heads/none", "refs/keep-around/x")
        self.assertEqual(self.sink.heard, [dict.fromkeys(names, "0" * 40)])

    async def test_all_but(self) -> None:
        """
        All go but those that begin with one of the prefixes, which need not end at a slash.
        """
        await self.call(kept=[b"refs/keep", b"refs/heads/m"])
        self.assertEqual(sorted(self.refs()), ["refs/heads/main", "refs/keep-around/x", "refs/keep/a"])

    async def test_all_but_all(self) -> None:
        """
        There may be nothing to delete.
        """
        await self.call(kept=[b"refs/"])
        self.assertEqual(len(self.refs()), 6)

    async def test_symbolic(self) -> None:
        """
        A symbolic ref is deleted itself, together with what it is a name for or without it, and also if it leads nowhere.
        """
        for name, target in (("alone", "main"), ("both", "a"), ("nowhere", "none")):
            self.run_git("symbolic-ref", f"refs/heads/{name}", f"refs/heads/{target}")
        await self.call([b"refs/heads/alone", b"refs/heads/both", b"refs/heads/a", b"refs/heads/nowhere"])
        self.assertEqual(
            sorted(self.refs()), ["refs/heads/b", "refs/heads/main", "refs/keep-around/x", "refs/keep/a", "refs/tags/t"]
        )
        self.assertEqual(sorted(os.listdir(os.path.join(self.directory.path, "refs/heads"))), ["b", "main"])

    async def test_locked(self) -> None:
        """
        If one ref cannot be locked all stay.
        """
        with open(os.path.join(self.directory.path, "refs/heads/b.lock"), "xb"):
            pass
        error = await self.error(self.call([b"refs/heads/a", b"refs/heads/b"]))
        self.assertEqual((error.code, error.message), (Code.ABORTED, "cannot lock references"))
        locked = DeleteRefsError(references_locked=errors.ReferencesLockedError(refs=[b"refs/heads/b"]))
        self.assertEqual(error.details, (locked,))
        self.assertEqual(len(self.refs()), 6)

    async def test_bad_requests(self) -> None:
        """
        What names nothing, both, or something that no ref is called, is refused, and nothing is deleted.
        """
        invalid = Code.INVALID_ARGUMENT
        for refs, kept, code, text in (
            ([b"refs/heads/a"], [b"refs/"], invalid, "ExceptWithPrefix and Refs are mutually exclusive"),
            ([], [], invalid, "empty ExceptWithPrefix and Refs"),
            ([], [b"refs/heads", b""], invalid, "empty prefix for exclusion"),
            ([b"refs/heads/a", b""], [], invalid, "empty ref"),
            ([b"refs/heads/a", b"HEAD"], [], Code.INTERNAL, "unable to prepare: invalid reference format"),
            ([b"refs/heads/a", b"refs/heads/a..b"], [], Code.INTERNAL, "unable to prepare: invalid reference format"),
            ([b"../../etc/passwd"], [], Code.INTERNAL, "unable to prepare: invalid reference format"),
            (
                [b"refs/heads/a", b"refs/heads/a"],
                [],
                Code.INTERNAL,
                "unable to prepare: reference has been updated multiple times within a transaction",
            ),
        ):
            self.assertEqual(await self.refusal(self.call(refs, kept)), (code, text))
        bad = [b"-d", b"refs/heads/a b", b"refs/heads/a\0", b"a:b", b"a\\b"]
        error = await self.error(self.call([b"refs/heads/a", *bad]))
        self.assertEqual((error.code, error.message), (invalid, "invalid references"))
        self.assertEqual(error.details, (DeleteRefsError(invalid_format=errors.InvalidRefFormatError(refs=bad)),))
        self.assertEqual(len(self.refs()), 6)
