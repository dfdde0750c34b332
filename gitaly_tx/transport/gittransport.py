"""
git's four services, put together.
"""

from __future__ import annotations

from typing import Protocol

from attrs import frozen
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..git.interfaces import Ended
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource
from .inforefs import InfoRefs
from .interfaces import FetchRequest, ITransport, PushRequest
from .uploadarchive import UploadArchive
from .uploadpack import UploadPack


class Pushes(Protocol):
    """
    Who takes pushes; :class:`~gitaly_tx.transport.receivepack.ReceivePack` does.
    """

    async def advertise(self, repository: IRepository | None, request: PushRequest, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.advertise_receive`.
        """

    async def serve(
        self,
        repository: IRepository | None,
        request: PushRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> None:
        """
        As :func:`ITransport.receive_pack`.
        """


@implementer(ITransport)
@frozen
class GitTransport:
    """
    Each method says where it is done.
    """

    info_refs: InfoRefs
    upload: UploadPack
    archive: UploadArchive
    pushes: Pushes

    async def advertise_upload(self, repository: IRepository, request: FetchRequest, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.advertise_upload`.
        """
        await self.info_refs.advertise(repository, request, stdout)

    async def advertise_receive(self, repository: IRepository | None, request: PushRequest, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.advertise_receive`.
        """
        await self.pushes.advertise(repository, request, stdout)

    async def upload_pack(
        self,
        repository: IRepository,
        request: FetchRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> Ended:
        """
        As :func:`ITransport.upload_pack`.
        """
        return await self.upload.serve(repository, request, source, stdout, stderr)

    async def send_bundle(self, repository: IRepository, name: str, stdout: IByteSink) -> None:
        """
        As :func:`ITransport.send_bundle`.
        """
        if self.upload.bundles is None:
            raise GitalyError("bundle not found", Code.NOT_FOUND)
        await self.upload.bundles.send(repository, name, stdout)

    async def upload_archive(
        self, repository: IRepository, source: IByteSource, stdout: IByteSink, stderr: IByteSink | None
    ) -> Ended:
        """
        As :func:`ITransport.upload_archive`.
        """
        return await self.archive.serve(repository, source, stdout, stderr)

    async def receive_pack(
        self,
        repository: IRepository | None,
        request: PushRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> None:
        """
        As :func:`ITransport.receive_pack`.
        """
        await self.pushes.serve(repository, request, source, stdout, stderr)
