"""
The reading methods on a repository that names its objects by SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import tarfile

from protocols.gitaly.repository_pb2 import GetArchiveRequest

from .case import RepositoryCase


class SHA256Tests(RepositoryCase):
    """
    Methods that answer with ids, or take them.
    """

    object_format = "sha256"

    def fill(self) -> None:
        self.head = self.commit_files({".gitattributes": "a text\n", "a": "a\n"})

    async def test_changes(self) -> None:
        """
        Changes from nothing have long ids.
        """
        (reply,) = await self.replies(self.call("GetRawChanges", from_revision="0" * 64, to_revision=self.head))
        blobs = [change.blob_id for change in reply.raw_changes]
        self.assertEqual(blobs, [self.run_git("rev-parse", f"main:{path}") for path in (".gitattributes", "a")])

    async def test_checksum(self) -> None:
        """
        The checksum is made of SHA-1 all the same.
        """
        combined = 0
        for name in ("HEAD", "refs/heads/main"):
            combined ^= int(hashlib.sha1(f"{self.head} {name}".encode()).hexdigest(), 16)
        reply = await self.reply(self.call("CalculateChecksum"))
        self.assertEqual(int(reply.checksum, 16), combined)

    async def test_bundle(self) -> None:
        """
        The bundle is of the version that knows the format.
        """
        content = await self.data(self.call("CreateBundle"))
        self.assertTrue(content.startswith(b"# v3 git bundle\n@object-format=sha256\n"))

    async def test_archive(self) -> None:
        """
        An archive of a commit by its id says so.
        """
        called = self.call("GetArchive", commit_id=self.head, format=GetArchiveRequest.TAR, prefix="p", path=b"a")
        with tarfile.open(fileobj=io.BytesIO(await self.data(called))) as opened:
            self.assertEqual((opened.getnames(), opened.pax_headers), (["p", "p/a"], {"comment": self.head}))

    async def test_snapshot(self) -> None:
        """
        Loose objects and packs with long names are in a snapshot.
        """
        self.run_git("repack", "-adq")
        loose = self.write("blob", b"loose")
        with tarfile.open(fileobj=io.BytesIO(await self.data(self.call("GetSnapshot")))) as opened:
            names = opened.getnames()
        self.assertIn(f"objects/{loose[:2]}/{loose[2:]}", names)
        self.assertEqual(len([name for name in names if name.startswith("objects/pack/")]), 2)

    async def test_others(self) -> None:
        """
        Bases, sizes, searches and attributes work as ever.
        """
        base = await self.reply(self.call("FindMergeBase", revisions=[b"main", self.head.encode()]))
        self.assertEqual(base.base, self.head)
        self.assertGreater((await self.reply(self.stream("ObjectsSize", {"revisions": [self.head.encode()]}))).size, 0)
        self.assertEqual(len(await self.replies(self.call("SearchFilesByContent", query="a", ref=self.head.encode()))), 4)
        reply = await self.reply(self.call("GetFileAttributes", revision=b"main", attributes=["text"], paths=["a"]))
        self.assertEqual([info.value for info in reply.attribute_infos], ["set"])
        self.assertEqual((await self.reply(self.call("Fsck"))).error, b"")
