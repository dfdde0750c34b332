"""
Tests for :mod:`gitaly_tx.services.blob.lfs`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from protocols.git.lfs import MAXIMUM
from protocols.gitaly.blob_pb2 import LFSPointer
from tests.services.blob.case import POINTER, BlobCase


class LFSCase(BlobCase):
    """
    Pointers of the largest size, in the history and out of it.
    """

    def fill(self) -> None:
        super().fill()
        self.longest = self.write("blob", POINTER.ljust(MAXIMUM, b"\n"))
        self.long = self.write("blob", POINTER.ljust(MAXIMUM - 1, b"\n"))
        self.huge = self.write("blob", POINTER.replace(b"size 12", b"size " + b"9" * 30))
        self.write("blob", POINTER.ljust(MAXIMUM + 1, b"\n"))
        tree = self.tree(("100644", "blob", self.longest, "longest"), ("100644", "blob", self.long, "long"))
        commit = self.run_git("commit-tree", "-m", "m", tree)
        self.run_git("update-ref", "refs/heads/other", commit)


class GetLFSPointersTests(LFSCase):
    """
    ``GetLFSPointers``
    """

    async def test_pointers(self):
        """
        Pointers come in the order of the request; what else there is is left out, and no git is needed.
        """
        asked = [self.longest, self.small, self.pointer, self.second, self.large]
        (reply,) = await self.replies(self.call("GetLFSPointers", blob_ids=asked))
        digits = b"0123456789abcdef" * 4
        self.assertEqual([found.oid for found in reply.lfs_pointers], [self.longest, self.pointer])
        self.assertEqual(
            reply.lfs_pointers[1],
            LFSPointer(oid=self.pointer, size=len(POINTER), data=POINTER, file_oid=digits, file_size=12),
        )
        self.assertEqual(self.started, [])

    async def test_huge(self):
        """
        A size that fits into no number is the largest one.
        """
        (reply,) = await self.replies(self.call("GetLFSPointers", blob_ids=[self.huge]))
        self.assertEqual(reply.lfs_pointers[0].file_size, (1 << 63) - 1)

    async def test_refused(self):
        """
        Something must be asked for, and it must exist.
        """
        self.assertEqual(await self.refusal(self.call("GetLFSPointers")), (Code.INVALID_ARGUMENT, "empty BlobIds"))
        for oid in ("1" * 40, "nope"):
            text = f'retrieving object info for "{oid}": object not found'
            self.assertEqual(await self.refusal(self.call("GetLFSPointers", blob_ids=[self.pointer, oid])), (Code.INTERNAL, text))


class ListLFSPointersTests(LFSCase):
    """
    ``ListLFSPointers``
    """

    async def test_pointers(self):
        """
        Only what can be reached, and is shorter than the longest pointer.
        """
        self.assertEqual(await self.pointers("ListLFSPointers", revisions=["main"]), [self.pointer])
        self.assertEqual(await self.pointers("ListLFSPointers", revisions=["other"]), [self.long])
        self.assertEqual(await self.pointers("ListLFSPointers", revisions=["main", "--not", "--all"]), [])
        self.assertEqual(set(await self.pointers("ListLFSPointers", revisions=["--all"])), {self.pointer, self.long})
        self.assertEqual(len(await self.pointers("ListLFSPointers", revisions=["--all"], limit=1)), 1)
        self.assertEqual(len(await self.pointers("ListLFSPointers", revisions=["--all"], limit=5)), 2)
        await self.no_children()

    async def test_refused(self):
        """
        Revisions are needed, well-formed, and there.
        """
        for revisions, text in [([], "missing revisions"), (["--x"], "invalid revision: revision can't start with '-'")]:
            refused = await self.refusal(self.call("ListLFSPointers", revisions=revisions))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
        code, text = await self.refusal(self.call("ListLFSPointers", revisions=["1" * 40]))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("rev-list pipeline command: exit status 128, stderr: "))


class ListAllLFSPointersTests(LFSCase):
    """
    ``ListAllLFSPointers``
    """

    async def test_pointers(self):
        """
        All pointers, reachable or not, up to the longest.
        """
        everything = {self.pointer, self.longest, self.long, self.huge}
        self.assertEqual(set(await self.pointers("ListAllLFSPointers")), everything)
        self.assertEqual(len(await self.pointers("ListAllLFSPointers", limit=3)), 3)
        await self.no_children()
