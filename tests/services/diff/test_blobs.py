"""
Tests for :mod:`gitaly_tx.services.diff.blobs` and :mod:`gitaly_tx.services.diff.pairs`.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.services.diff.blobs import MESSAGE
from protocols.gitaly.diff_pb2 import ChangedPaths, DiffBlobsRequest, DiffBlobsResponse

from .case import FILE, LINK, PROGRAM, SUBMODULE, DiffCase

NONE = "0" * 40

END = DiffBlobsResponse.STATUS_END_OF_PATCH


def pair(left: str, right: str) -> DiffBlobsRequest.BlobPair:
    """
    Two blobs.
    """
    return DiffBlobsRequest.BlobPair(left_blob=left.encode(), right_blob=right.encode())


class DiffBlobsCase(DiffCase):
    """
    Calls ``DiffBlobs``.
    """

    def commits(self) -> None:
        self.one = self.blob(b"1\nsame\n")
        self.two = self.blob(b"2\nsame\n")
        self.binary = self.blob(b"\0")
        self.head = self.commit({b"dir/a": b"1\nsame\n", b"b.bin": b"2\nsame\n"})

    async def diffs(self, *pairs: DiffBlobsRequest.BlobPair, **fields: Any) -> list[DiffBlobsResponse]:
        """
        The answer. Nothing is left behind.
        """
        replies = await self.replies(self.call("DiffBlobs", blob_pairs=pairs, **fields))
        await self.clean()
        return replies

    async def clean(self) -> None:
        """
        No child and no quarantine is left.
        """
        await self.no_children()
        root = os.path.dirname(self.directory.path)
        self.assertEqual([name for name in os.listdir(root) if name.startswith("quarantine-")], [])


class PairTests(DiffBlobsCase):
    """
    ``blob_pairs``
    """

    async def test_patch(self):
        """
        A pair has its ids and its patch from the first hunk on, however the blobs are named.
        """
        expected = DiffBlobsResponse(
            left_blob_id=self.one,
            right_blob_id=self.two,
            patch=b"@@ -1,2 +1,2 @@\n-1\n+2\n same\n",
            status=END,
            patch_size=28,
            lines_added=1,
            lines_removed=1,
        )
        self.assertEqual(await self.diffs(pair(self.one, self.two)), [expected])
        self.assertEqual(await self.diffs(pair(f"{self.head}:dir/a", "made:b.bin")), [expected])

    async def test_order(self):
        """
        Answers come in the order of the pairs, each with a message, identical ones without a patch; one git does it all.
        """
        found = await self.diffs(
            pair(self.one, self.one),
            pair(NONE, self.two),
            pair(self.two, self.two),
            pair(self.two, self.one),
            pair(self.one, NONE),
            pair(NONE, NONE),
        )
        self.assertEqual(
            [(reply.left_blob_id, reply.right_blob_id, reply.patch) for reply in found],
            [
                (self.one, self.one, b""),
                (NONE, self.two, b"@@ -0,0 +1,2 @@\n+2\n+same\n"),
                (self.two, self.two, b""),
                (self.two, self.one, b"@@ -1,2 +1,2 @@\n-2\n+1\n same\n"),
                (self.one, NONE, b"@@ -1,2 +0,0 @@\n-1\n-same\n"),
                (NONE, NONE, b""),
            ],
        )
        self.assertEqual({reply.status for reply in found}, {END})
        self.assertEqual(self.started, ["diff"])

    async def test_binary(self):
        """
        Of binary blobs git's words are told, with the names that the caller gave; attributes go by names, too.
        """
        with open(os.path.join(self.directory.path, "info", "attributes"), "w", encoding="utf-8") as file:
            file.write("*.bin binary\n")
        for left, right, words in (
            (self.one, self.binary, f"a/{self.one} and b/{self.binary}"),
            (NONE, self.binary, f"/dev/null and b/{self.binary}"),
            ("made:dir/a", "made:b.bin", "a/dir/a and b/b.bin"),
        ):
            (reply,) = await self.diffs(pair(left, right))
            patch = f"Binary files {words} differ\n".encode()
            self.assertEqual((reply.patch, reply.binary, reply.patch_size), (patch, True, len(patch)))

    async def test_modes(self):
        """
        Words and whitespace are treated as for commits.
        """
        left, right = self.blob(b"one two\nx\n"), self.blob(b"one  2\n x\n")
        (reply,) = await self.diffs(pair(left, right), diff_mode=DiffBlobsRequest.DIFF_MODE_WORD)
        self.assertEqual(reply.patch, b"@@ -1,2 +1,2 @@\n one  \n-two\n+2\n~\n  x\n~\n")
        whitespace = DiffBlobsRequest.WHITESPACE_CHANGES_IGNORE
        (reply,) = await self.diffs(pair(left, right), whitespace_changes=whitespace)
        self.assertEqual(reply.patch, b"@@ -1,2 +1,2 @@\n-one two\n-x\n+one  2\n+ x\n")
        whitespace = DiffBlobsRequest.WHITESPACE_CHANGES_IGNORE_ALL
        (reply,) = await self.diffs(pair(self.blob(b"x\n"), self.blob(b" x\n")), whitespace_changes=whitespace)
        self.assertEqual((reply.patch, reply.status), (b"", END))

    async def test_limit(self):
        """
        A patch of the limit's size is left out; its size and its lines are told.
        """
        (reply,) = await self.diffs(pair(self.one, self.two), patch_bytes_limit=29)
        self.assertEqual((reply.over_patch_bytes_limit, len(reply.patch)), (False, 28))
        for limit in (1, 28):
            (reply,) = await self.diffs(pair(self.one, self.two), patch_bytes_limit=limit)
            self.assertEqual((reply.over_patch_bytes_limit, reply.patch), (True, b""))
            self.assertEqual((reply.patch_size, reply.lines_added, reply.lines_removed, reply.status), (28, 1, 1, END))
        (reply,) = await self.diffs(pair(self.one, self.binary), patch_bytes_limit=10)
        self.assertEqual((reply.over_patch_bytes_limit, reply.binary, reply.patch), (True, True, b""))

    async def test_cut(self):
        """
        A long patch is cut; only the first message has the other fields, only the last the end.
        """
        long = self.blob(b"".join(b"%d\n" % number for number in range(2500)))
        replies = await self.diffs(pair(self.one, long), pair(self.one, self.two))
        *begun, last, _ = replies
        self.assertEqual({len(reply.patch) for reply in begun}, {MESSAGE})
        self.assertEqual([reply.right_blob_id for reply in replies], [long, "", "", self.two])
        self.assertEqual([reply.status for reply in replies], [0, 0, END, END])
        self.assertEqual(sum(len(reply.patch) for reply in [*begun, last]), replies[0].patch_size)

    async def test_refused(self):
        """
        Both are blobs that exist, named by full ids or by paths.
        """
        tree = self.run_git("rev-parse", "made^{tree}")
        missing = "f" * 40
        left, right = "getting left blob info: ", "getting right blob info: "
        short = f'validating blob ID: invalid object ID: "{self.one[:10]}", expected length 40, got 10'
        for blobs, text in (
            (pair("", self.one), left + 'validating blob ID: invalid object ID: "", expected length 40, got 0'),
            (pair(self.one, self.one[:10]), right + short),
            (pair(self.one, "-:x"), right + "validating path-scoped revision: revision can't start with '-'"),
            (pair(missing, self.one), left + "getting revision info: object not found"),
            (pair(self.one, "made:nope"), right + "getting revision info: object not found"),
            (pair(self.one, tree), right + "revision is not blob"),
            (pair("made:dir", self.one), left + "revision is not blob"),
        ):
            refused = await self.refusal(self.call("DiffBlobs", blob_pairs=[blobs]))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
        refused = await self.refusal(self.call("DiffBlobs"))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "request contains no file pairs to diff"))
        refused = await self.refusal(self.call("DiffBlobs", repository=None))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"))

    async def test_gone(self):
        """
        A caller who goes away leaves no child and no quarantine.
        """
        long = self.blob(b"x\n" * 200_000)
        await self.stop_after_first(self.call("DiffBlobs", blob_pairs=[pair(self.one, long)] * 20))
        await self.clean()


class RawInfoTests(DiffBlobsCase):
    """
    ``raw_info``
    """

    def raw(self, old: str, new: str, **fields: Any) -> ChangedPaths:
        """
        An entry of FindChangedPaths.
        """
        return ChangedPaths(**{"path": b"a", "old_blob_id": old, "new_blob_id": new, "status": ChangedPaths.MODIFIED, **fields})

    async def test_kinds(self):
        """
        Everything that FindChangedPaths tells can be asked for.
        """
        modes = {"old_mode": FILE, "new_mode": FILE}
        found = await self.diffs(
            raw_info=[
                self.raw(self.one, self.two, **modes),
                self.raw(NONE, self.one, status=ChangedPaths.ADDED, new_mode=FILE),
                self.raw(self.one, NONE, status=ChangedPaths.DELETED, old_mode=FILE),
                self.raw(self.one, self.two, status=ChangedPaths.RENAMED, old_path=b"b", **modes),
                self.raw(self.one, self.one, old_mode=FILE, new_mode=PROGRAM),
                self.raw("1" * 40, "2" * 40, old_mode=SUBMODULE, new_mode=SUBMODULE),
            ]
        )
        submodule = b"@@ -1 +1 @@\n-Subproject commit " + b"1" * 40 + b"\n+Subproject commit " + b"2" * 40 + b"\n"
        changed = b"@@ -1,2 +1,2 @@\n-1\n+2\n same\n"
        self.assertEqual(
            [reply.patch for reply in found],
            [changed, b"@@ -0,0 +1,2 @@\n+1\n+same\n", b"@@ -1,2 +0,0 @@\n-1\n-same\n", changed, b"", submodule],
        )
        self.assertEqual((found[4].left_blob_id, found[4].right_blob_id), (self.one, self.one))

    async def test_type(self):
        """
        A change of type is a deletion and an addition.
        """
        found = await self.diffs(raw_info=[self.raw(self.one, self.two, old_mode=LINK, new_mode=FILE)])
        self.assertEqual([(reply.left_blob_id, reply.right_blob_id) for reply in found], [(self.one, NONE), (NONE, self.two)])

    async def test_binary(self):
        """
        Of binary files the paths are told.
        """
        (reply,) = await self.diffs(raw_info=[self.raw(self.one, self.binary, path=b"new\xff", old_path=b"old")])
        self.assertEqual(reply.patch, b'Binary files a/old and "b/new\\377" differ\n')

    async def test_refused(self):
        """
        Entries are whole.
        """
        one = self.one
        for entry, text in (
            (self.raw("", one), "raw info entry missing blob IDs"),
            (self.raw(one, one, path=b""), "raw info entry missing path"),
            (self.raw(one, one, path=b"a\0b"), "raw info entry with invalid path"),
            (self.raw(one, one, status=ChangedPaths.RENAMED), "rename/copy raw info entry missing old path"),
            (self.raw(one, one, old_mode=0o40000), "raw info entry with invalid mode"),
            (self.raw(one, "x"), 'invalid object ID: "x", expected length 40, got 1'),
        ):
            refused = await self.refusal(self.call("DiffBlobs", raw_info=[entry]))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
        both = self.call("DiffBlobs", raw_info=[self.raw(one, one)], blob_pairs=[pair(one, one)])
        self.assertEqual(await self.refusal(both), (Code.INVALID_ARGUMENT, "blob pairs and raw info both used in request"))

    async def test_missing(self):
        """
        A blob that is not there is found by git, after the entries before it.
        """
        raw_info = [self.raw(self.one, self.two), self.raw(self.one, "f" * 40)]
        refused = await self.refusal(self.call("DiffBlobs", raw_info=raw_info))
        self.assertEqual(refused, (Code.INTERNAL, "waiting for git-diff: exit status 128"))
        await self.clean()
