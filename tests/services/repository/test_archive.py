"""
Tests for :mod:`gitaly_tx.services.repository.archive`.
"""

from __future__ import annotations

import glob
import io
import os
import tarfile
import zipfile
from typing import Any

from gitaly_tx.errors import Code, GitalyError
from protocols.gitaly.repository_pb2 import GetArchiveRequest

from .case import RepositoryCase

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

TAR = GetArchiveRequest.TAR


class GetArchiveTests(RepositoryCase):
    """
    ``GetArchive``
    """

    def fill(self) -> None:
        files: dict[str, str | bytes] = {
            "README": "hello\n",
            "dir/a": "a\n",
            "dir/sub/b": "b\n",
            "dir2/c": "c\n",
            "*star": "star\n",
            "xstar": "no star\n",
        }
        self.head = self.commit_files(files)

    def archive(self, **fields: Any) -> Any:
        fields.setdefault("commit_id", "main")
        fields.setdefault("format", TAR)
        return self.call("GetArchive", **fields)

    async def names(self, **fields: Any) -> list[str]:
        """
        The members of a tar archive.
        """
        content = await self.data(self.archive(**fields))
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            return opened.getnames()

    async def test_tar(self) -> None:
        """
        An archive has everything below its prefix, and says of which commit it is.
        """
        content = await self.data(self.archive(prefix="p"))
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            self.assertEqual(opened.pax_headers, {"comment": self.head})
            member = opened.extractfile("p/dir/sub/b")
            assert member is not None
            self.assertEqual(member.read(), b"b\n")
            self.assertEqual(opened.getmember("p/README").mtime, 1700000000)
            self.assertEqual(len(opened.getnames()), 10)

    async def test_formats(self) -> None:
        """
        Each format is what it says, and holds the same.
        """
        expected = await self.names(prefix="p", path=b"dir")
        for number, mode in ((GetArchiveRequest.TAR_GZ, "r:gz"), (GetArchiveRequest.TAR_BZ2, "r:bz2")):
            content = await self.data(self.archive(prefix="p", path=b"dir", format=number))
            with tarfile.open(fileobj=io.BytesIO(content), mode=mode) as opened:  # type: ignore[call-overload]
                self.assertEqual(opened.getnames(), expected)
        content = await self.data(self.archive(prefix="p", path=b"dir", format=GetArchiveRequest.ZIP))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.assertEqual([name.rstrip("/") for name in archive.namelist()], expected)

    async def test_no_prefix(self) -> None:
        """
        Without a prefix the names begin with a slash, as Gitaly's do.
        """
        content = await self.data(self.archive(path=b"README", format=GetArchiveRequest.ZIP))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.assertEqual(archive.namelist(), ["/", "/README"])

    async def test_paths(self) -> None:
        """
        A path is cleaned, and is a name and no pattern.
        """
        for path in (b"dir/sub", b"/dir/sub/", b"./dir//sub", b"dir2/../dir/sub"):
            self.assertEqual(await self.names(prefix="p", path=path), ["p", "p/dir", "p/dir/sub", "p/dir/sub/b"])
        self.assertEqual(await self.names(prefix="p", path=b"*star"), ["p", "p/*star"])

    async def test_excludes(self) -> None:
        """
        What is excluded is left out; a star excludes only itself.
        """
        names = await self.names(prefix="p", exclude=[b"dir", b"*star"])
        self.assertEqual(names, ["p", "p/README", "p/dir2", "p/dir2/c", "p/xstar"])
        names = await self.names(prefix="p", path=b"dir", exclude=[b"dir/sub/"])
        self.assertEqual(names, ["p", "p/dir", "p/dir/a"])

    async def test_elided(self) -> None:
        """
        With elision the path is left out of the names, and excludes must lie below it.
        """
        self.assertEqual(await self.names(prefix="p", path=b"dir", elide_path=True), ["p", "p/a", "p/sub", "p/sub/b"])
        names = await self.names(prefix="p", path=b"dir/", exclude=[b"dir/sub"], elide_path=True)
        self.assertEqual(names, ["p", "p/a"])
        self.assertIn("p/dir/a", await self.names(prefix="p", elide_path=True))
        for path, exclude, shown in ((b"dir/sub", b"dir/a", "dir/sub"), (b".", b"dir", ".")):
            refused = await self.refusal(self.archive(path=path, exclude=[exclude], elide_path=True))
            text = f'invalid exclude: "{exclude.decode()}" is not a subdirectory of "{shown}"'
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))

    async def test_bad_requests(self) -> None:
        """
        Faults 83 to 87 are refused, in Gitaly's words where Gitaly refuses, and no git is started.
        """
        self.started.clear()
        for fields, code, text in (
            ({"path": b"../.."}, Code.INVALID_ARGUMENT, "relative path escapes root directory"),
            ({"path": b"dir/../.."}, Code.INVALID_ARGUMENT, "relative path escapes root directory"),
            ({"exclude": [b"../x"]}, Code.INVALID_ARGUMENT, "relative path escapes root directory"),
            ({"commit_id": "--output=x"}, Code.INVALID_ARGUMENT, "invalid commitId: revision can't start with '-'"),
            ({"commit_id": ""}, Code.INVALID_ARGUMENT, "invalid commitId: empty revision"),
            ({"commit_id": "main:dir"}, Code.INVALID_ARGUMENT, "invalid commitId: revision can't contain ':'"),
            ({"format": 9}, Code.INVALID_ARGUMENT, "invalid format"),
            ({"prefix": "../../evil/"}, Code.INVALID_ARGUMENT, "invalid prefix"),
            ({"prefix": "a/..\\evil"}, Code.INVALID_ARGUMENT, "invalid prefix"),
            ({"path": b"nope"}, Code.FAILED_PRECONDITION, "path doesn't exist"),
            ({"path": b"dir\0x"}, Code.FAILED_PRECONDITION, "path doesn't exist"),
            ({"path": b"README/x"}, Code.FAILED_PRECONDITION, "path doesn't exist"),
            ({"exclude": [b"dir", b"nope"]}, Code.FAILED_PRECONDITION, "exclude[1] doesn't exist"),
            ({"commit_id": "1" * 40}, Code.INTERNAL, "object not found"),
            ({"commit_id": "1" * 40, "path": b"dir"}, Code.FAILED_PRECONDITION, "path doesn't exist"),
        ):
            self.assertEqual(await self.refusal(self.archive(**fields)), (code, text), fields)
        self.assertEqual(self.started, [])

    async def test_empty_tree(self) -> None:
        """
        There is no archive of nothing.
        """
        self.run_git("mktree")
        refused = await self.refusal(self.archive(commit_id=EMPTY_TREE))
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, "path doesn't exist"))

    async def test_failure(self) -> None:
        """
        A git that fails is told by its exit status.
        """
        trees = self.run_git("rev-list", "--objects", "--no-object-names", "--filter=blob:none", "main")
        self.run_git("repack", "-adq")
        packs = os.path.join(self.directory.path, "objects", "pack")
        with_blobs = glob.glob(f"{packs}/pack-*")
        self.run_git("pack-objects", "--quiet", f"{packs}/pack", stdin=trees.encode() + b"\n")
        for name in with_blobs:
            os.unlink(name)
        refused = await self.refusal(self.archive())
        self.assertEqual(refused, (Code.INTERNAL, "exit status 255"))

    async def test_padding(self) -> None:
        """
        A file that has git fill in gigabytes of spaces, and a line of attributes without end, stay small (fault 88).
        """
        padded = "$Format:%>(2147483647)%s$ $Format:%<|(2147483647)%s$\n"
        attributes = "* export-subst\n" + "x " + "a" * 100_000 + "\n"
        self.commit_files({".gitattributes": attributes, "padded": padded}, "evil")
        try:
            content = await self.data(self.archive(commit_id="evil", prefix="p"))
        except GitalyError as error:
            self.assertEqual(error.code, Code.INTERNAL)
        else:
            self.assertLess(len(content), 1 << 20)

    async def test_stopped(self) -> None:
        """
        A caller that goes away takes the child with it.
        """
        self.commit_files({"large": b"x" * (8 << 20)})
        await self.stop_after_first(self.archive())

    async def test_repository_config(self) -> None:
        """
        A compressor that the repository's own config names is not run.
        """
        marker = f"{self.root}/ran"
        self.run_git("config", "tar.tar.gz.command", f"touch {marker}; cat")
        await self.data(self.archive(format=GetArchiveRequest.TAR_GZ))
        self.assertFalse(os.path.exists(marker))
