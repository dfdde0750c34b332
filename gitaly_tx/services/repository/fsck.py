"""
Is a repository intact?
"""

from __future__ import annotations

from zope.interface import implementer

from protocols.gitaly.repository_pb2 import FsckRequest, FsckResponse

from ...git.command import Command
from ...git.interfaces import IGit
from ...git.records import pieces
from ...storage.interfaces import IStorageProvider
from ...streams import IByteSink
from ..validate import given, opened

MAXIMUM = 1 << 20
"""Bytes of each of git's two outputs that are kept: one broken pack can be the cause of a million lines."""


@implementer(IByteSink)
class _Beginning:
    """
    Keeps the first :data:`MAXIMUM` bytes.
    """

    def __init__(self) -> None:
        self.kept = bytearray()

    async def write(self, data: bytes) -> None:
        """
        Take the next bytes.
        """
        self.kept += data[: MAXIMUM - len(self.kept)]


async def fsck(storage: IStorageProvider, git: IGit, request: FsckRequest) -> FsckResponse:
    """
    What ``git fsck`` complains of; empty if it is content, whatever it warns of.

    git writes errors at once and the list of missing objects when it ends, so the one stands before the other.
    """
    repository = await opened(storage, given(request))
    errors, output = _Beginning(), _Beginning()
    command = Command("fsck", ["--no-progress", "--no-dangling"], directory=repository.directory)
    child = git.spawn(command, stderr=errors, stdin=False)
    async for data in pieces(child):
        await output.write(data)
    ended = await child.wait()
    return FsckResponse(error=bytes(errors.kept + output.kept) if ended.status else b"")
