"""
Tests for :mod:`gitaly_tx.transport.smudging`, as ``GetArchive`` uses it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
import zipfile
from typing import Any

from twisted.internet import reactor

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.services.repository.archive import ArchiveMeans, get_archive
from gitaly_tx.transport import smudging
from gitaly_tx.transport.smudging import NoContent, Smudging
from protocols.gitaly.repository_pb2 import GetArchiveRequest
from tests.support.readcase import NAME

from .case import RepositoryCase

FAILED = (Code.INTERNAL, "exit status 128")


def pointer(content: bytes) -> tuple[str, bytes]:
    """
    The pointer of a file: its id, and the text that git has.
    """
    oid = hashlib.sha256(content).hexdigest()
    return oid, f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


class ArchiveLFSTests(RepositoryCase):
    """
    ``GetArchive`` with ``include_lfs_blobs``
    """

    small, large = b"small\0\xff", b"0123456789abcdef" * 40_000

    def fill(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        os.mkdir(self.folder)
        self.patch(tempfile, "tempdir", self.folder)
        (self.first, first), (self.second, second) = pointer(self.small), pointer(self.large)
        self.commit_files(
            {
                ".gitattributes": "*.lfs filter=lfs\n",
                "a.lfs": first,
                "b.lfs": second,
                "c.txt": first,
                "d.lfs": b"no pointer " * 200_000,
                "e.lfs": b"",
                "f.lfs": pointer(b"gone")[1],
            }
        )

    async def archive(self, **fields: Any) -> dict[str, bytes]:
        fields = {"format": GetArchiveRequest.TAR, "commit_id": "main", "prefix": "p", "include_lfs_blobs": True, **fields}
        self.lfs_files.kept |= {self.first: [self.small], self.second: [self.large[:100_001], self.large[100_001:]]}
        raw = await self.data(self.call("GetArchive", **fields))
        if fields["format"] == GetArchiveRequest.ZIP:
            with zipfile.ZipFile(io.BytesIO(raw)) as zipped:
                return {name: zipped.read(name) for name in zipped.namelist() if not name.endswith("/")}
        with tarfile.open(fileobj=io.BytesIO(raw)) as opened:
            return {member.name: opened.extractfile(member).read() for member in opened if member.isfile()}  # type: ignore[union-attr]

    async def test_contents(self) -> None:
        """
        Files stand in the place of pointers where attributes say so, in every format; whatever is no pointer, or stands for a
        file that nobody has, stays as it is. Nothing is left behind.
        """
        named = pointer(self.small)[1]
        for format in (GetArchiveRequest.TAR, GetArchiveRequest.TAR_GZ, GetArchiveRequest.TAR_BZ2, GetArchiveRequest.ZIP):
            found = await self.archive(format=format)
            self.assertEqual(found["p/a.lfs"], self.small)
            self.assertEqual(found["p/b.lfs"], self.large)
            self.assertEqual(found["p/c.txt"], named)
            self.assertEqual(found["p/d.lfs"], b"no pointer " * 200_000)
            self.assertEqual((found["p/e.lfs"], found["p/f.lfs"]), (b"", pointer(b"gone")[1]))
        await self.no_children()
        self.assertEqual(os.listdir(self.folder), [])

    async def test_repository(self) -> None:
        """
        The source is asked under its own name for the repository.
        """
        NAME_WITH = type(NAME)(storage_name=NAME.storage_name, relative_path=NAME.relative_path, gl_repository="project-1")
        await self.archive(repository=NAME_WITH, path=b"a.lfs")
        self.assertEqual(self.lfs_files.asked, [("project-1", self.first)])

    async def test_not_wanted(self) -> None:
        """
        Without being asked for, nothing is fetched.
        """
        found = await self.archive(include_lfs_blobs=False)
        self.assertEqual((found["p/a.lfs"], self.lfs_files.asked), (pointer(self.small)[1], []))

    async def test_nothing_to_do(self) -> None:
        """
        A tree without such files needs no filter.
        """
        self.assertEqual(list(await self.archive(path=b"c.txt")), ["p/c.txt"])
        self.assertEqual(os.listdir(self.folder), [])

    async def test_failures(self) -> None:
        """
        A source that cannot be asked, or that breaks off, fails the archive: half of a file is worse than none.
        """
        broken = GitalyError("error loading LFS object: Internal API unreachable", Code.UNAVAILABLE, {"oid": "x"})
        breaking: list[list[bytes | Exception]] = [[broken], [b"x" * 100_000, broken]]
        for pieces in breaking:
            self.lfs_files.kept[self.first] = pieces
            called = self.call(
                "GetArchive", format=GetArchiveRequest.TAR, commit_id="main", prefix="p", include_lfs_blobs=True, path=b"a.lfs"
            )
            self.assertEqual(await self.refusal(called), FAILED)
            await self.no_children()
            self.assertEqual(os.listdir(self.folder), [])

    async def test_no_source(self) -> None:
        """
        Where nobody keeps such files an archive fails that needs one, and only that.
        """
        running: Any = reactor
        means = ArchiveMeans(self.storage, self.git_port, self.reading.threads, Smudging(running, self.reading.threads, None))
        request = GetArchiveRequest(
            repository=NAME, format=GetArchiveRequest.TAR, commit_id="main", include_lfs_blobs=True, path=b"a.lfs"
        )
        self.assertEqual(await self.refusal(get_archive(means, request)), FAILED)
        request.path = b"e.lfs"
        self.assertTrue(await self.replies(get_archive(means, request)))

    async def test_stopped(self) -> None:
        """
        Whoever goes away leaves neither child nor file behind.
        """
        called = self.call("GetArchive", format=GetArchiveRequest.TAR, commit_id="main", prefix="p", include_lfs_blobs=True)
        await self.stop_after_first(called)
        self.assertEqual(os.listdir(self.folder), [])

    async def test_odd_folder(self) -> None:
        """
        The folder may have any name.
        """
        odd = os.path.join(self.folder, "it's $(odd)")
        os.mkdir(odd)
        self.patch(tempfile, "tempdir", odd)
        self.assertEqual((await self.archive(path=b"a.lfs"))["p/a.lfs"], self.small)

    async def test_no_room(self) -> None:
        """
        If the FIFOs cannot be had nothing is left behind.
        """

        def refuse(folder: str) -> tuple[int, int]:
            raise OSError("no room")

        self.patch(smudging, "_open", refuse)
        called = self.call("GetArchive", format=GetArchiveRequest.TAR, commit_id="main", prefix="p", include_lfs_blobs=True)
        with self.assertRaises(OSError):
            await self.replies(called)
        self.assertEqual(os.listdir(self.folder), [])

    async def test_missing(self) -> None:
        """
        What nobody has is its pointer.
        """
        self.lfs_files.kept[self.first] = [NoContent("404", Code.NOT_FOUND)]
        called = self.call(
            "GetArchive", format=GetArchiveRequest.TAR, commit_id="main", prefix="p", include_lfs_blobs=True, path=b"a.lfs"
        )
        with tarfile.open(fileobj=io.BytesIO(await self.data(called))) as opened:
            (member,) = [each for each in opened if each.isfile()]
            self.assertEqual(opened.extractfile(member).read(), pointer(self.small)[1])  # type: ignore[union-attr]
