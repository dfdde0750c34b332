"""
A repository with files of many kinds.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.services.blob.service import BlobService
from protocols.gitaly import blob_pb2 as pb
from tests.support.readcase import NAME, ReadCase

LARGE = 3_000_000
"""Bytes of a file that is too large to be read at once."""

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0123456789abcdef" * 4 + b"\nsize 12\n"

SUBMODULE = "7735d39d171636680af3b0e9dc6572cde3651a0c"


class BlobCase(ReadCase):
    """
    :ivar small: ``small``, 5 bytes.
    :ivar empty: ``dir/empty``
    :ivar large: ``dir/large``
    :ivar pointer: ``dir/pointer``
    """

    def fill(self) -> None:
        self.service = BlobService(self.git_port, self.storage)
        self.small = self.write("blob", b"small")
        self.empty = self.write("blob", b"")
        self.large = self.write("blob", b"large" * (LARGE // 5) + b"!")
        self.pointer = self.write("blob", POINTER)
        self.inner = self.tree(
            ("100644", "blob", self.empty, "empty"),
            ("100644", "blob", self.large, "large"),
            ("100644", "blob", self.pointer, "pointer"),
        )
        entries = [
            ("040000", "tree", self.inner, "dir"),
            ("100644", "blob", self.small, "small"),
            ("120000", "blob", self.small, "link"),
        ]
        if self.object_format == "sha1":
            entries.append(("160000", "commit", SUBMODULE, "module"))
        self.root = self.tree(*entries)
        self.first = self.run_git("commit-tree", "-m", "m", self.inner)
        self.second = self.run_git("commit-tree", "-m", "m", "-p", self.first, self.root)
        self.run_git("update-ref", "refs/heads/main", self.second)
        self.run_git("tag", "-m", "m", "v1", self.second)

    def tree(self, *entries: tuple[str, str, str, str]) -> str:
        """
        A tree object.
        """
        lines = "".join(f"{mode} {type} {oid}\t{name}\n" for mode, type, oid, name in entries)
        return self.run_git("mktree", "--missing", stdin=lines.encode())

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method.
        """
        fields.setdefault("repository", NAME)
        return getattr(self.service, method)(None, getattr(pb, f"{method}Request")(**fields))

    async def blobs(self, method: str, **fields: Any) -> list[Any]:
        """
        The blobs in what a method answers.
        """
        return [blob for reply in await self.replies(self.call(method, **fields)) for blob in reply.blobs]

    async def pointers(self, method: str, **fields: Any) -> list[str]:
        """
        The ids of the pointers in what a method answers.
        """
        return [found.oid for reply in await self.replies(self.call(method, **fields)) for found in reply.lfs_pointers]
