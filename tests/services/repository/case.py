"""
A repository on disk, and the methods that read it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from typing import Any

from twisted.internet import reactor
from zope.interface import implementer

from gitaly_tx.linguist.licensefiles import LicenseFiles
from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.services.repository.service import RepositoryService
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.transport.smudging import IBlobSource, NoContent, Smudging
from protocols.gitaly import repository_pb2 as pb
from tests.support.readcase import NAME, ReadCase

UNUSED: Any = None
"""What no method that reads works with."""


@implementer(IBlobSource)
class Files:
    """
    Keeps the files that pointers stand for: pieces by id; an exception is raised.
    """

    def __init__(self) -> None:
        self.kept: dict[str, list[bytes | Exception]] = {}
        self.asked: list[tuple[str, str]] = []

    async def content(self, gl_repository: str, oid: str) -> AsyncIterator[bytes]:
        """
        As :func:`IBlobSource.content`.
        """
        self.asked.append((gl_repository, oid))
        for piece in self.kept.get(oid, [NoContent("none")]):
            if isinstance(piece, Exception):
                raise piece
            yield piece


class RepositoryCase(ReadCase):
    """
    :ivar root: the storage's directory.
    :ivar lfs_files: what LFS pointers stand for.
    """

    def setUp(self) -> None:
        super().setUp()
        self.root = os.path.dirname(self.directory.path)
        self.storage.storages = {"default": StorageInfo("default", self.root, "")}
        licenses = LicenseFiles(self.make_linguist())
        running: Any = reactor
        self.lfs_files = Files()
        smudging = Smudging(running, self.reading.threads, self.lfs_files)
        self.service = RepositoryService(
            self.storage, self.git_port, self.reading.threads, UNUSED, licenses, UNUSED, UNUSED, smudging
        )

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method; without a ``repository``, of this one.
        """
        fields.setdefault("repository", NAME)
        return getattr(self.service, method)(None, getattr(pb, f"{method}Request")(**fields))

    def stream(self, method: str, *requests: dict[str, Any]) -> Any:
        """
        Call a method with several requests; only the first names the repository.
        """
        messages = [getattr(pb, f"{method}Request")(**fields) for fields in requests]
        if messages and not messages[0].HasField("repository"):
            messages[0].repository.CopyFrom(NAME)
        return getattr(self.service, method)(None, _each(messages))

    async def data(self, called: Any) -> bytes:
        """
        The bytes that a method streams, in pieces of the right size.
        """
        pieces = [reply.data for reply in await self.replies(called)]
        self.assertTrue(all(0 < len(piece) <= CHUNK for piece in pieces))
        return b"".join(pieces)

    def commit_files(
        self, files: dict[str, str | bytes], branch: str = "main", message: str = "change", base: bool = True
    ) -> str:
        """
        Commit files to a branch.

        :param files: contents by path; an empty content is an empty file.
        :param base: on top of what is there.
        :returns: the commit's id.
        """
        ref = f"refs/heads/{branch}"
        stream = f"commit {ref}\ncommitter C <c@example.org> 1700000000 +0000\ndata {len(message)}\n{message}\n".encode()
        if base and self.run_git("for-each-ref", ref):
            stream += f"from {ref}^0\n".encode()
        for path, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            name = b"".join(b"\\%03o" % byte for byte in os.fsencode(path))
            stream += b'M 100644 inline "%s"\ndata %d\n%s\n' % (name, len(raw), raw)
        self.import_bytes(stream)
        return self.run_git("rev-parse", ref)

    def import_bytes(self, stream: bytes) -> None:
        """
        ``git fast-import``
        """
        self.run_git("fast-import", "--quiet", "--force", stdin=stream)

    def write_file(self, path: str, content: bytes = b"") -> str:
        """
        A file in the repository's directory.

        :returns: its absolute path.
        """
        absolute = os.path.join(self.directory.path, path)
        os.makedirs(os.path.dirname(absolute), exist_ok=True)
        with open(absolute, "wb") as file:
            file.write(content)
        return absolute


async def _each(messages: Iterable[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message
