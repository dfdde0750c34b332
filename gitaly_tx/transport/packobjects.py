"""
Makes the pack of a fetch on behalf of git's upload-pack, which asks for it through its hook.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..git.interfaces import Ended, IGit, Limits
from ..git.quoting import quoted
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource
from .bands import Bands
from .childmessages import secrets_of
from .conversation import Conversation
from .interfaces import IPackObjects, PackRequest
from .keptpacks import KeptPacks, Order, PackFailed, pack_command
from .objectlist import ObjectList

_NUMBER = r"[0-9]{1,9}"

_FLAG: Final = re.compile(
    r"--revs|--thin|--stdout|--shallow|--include-tag|--delta-base-offset|-q|--quiet|--(no-)?progress|--all-progress(-implied)?"
    r"|--(no-)?use-bitmap-index|--no-reuse-(delta|object)|--(no-)?sparse|--(window|depth|threads|compression)="
    + _NUMBER
    + r"|--filter=[\x21-\x7e]{1,4096}",
    re.ASCII,
)
"""What upload-pack passes on, and what changes no more than how a pack is made: nothing that writes or reads anything else."""


def pack_request(arguments: Sequence[str], protocol: str = "") -> PackRequest:
    """
    :param arguments: the command line that upload-pack would run: ``--shallow-file ""``, if that is asked for, ``pack-objects``,
        and flags.
    :raises GitalyError: INVALID_ARGUMENT ``invalid pack-objects command: […]: …`` for any other.
    """
    words = list(arguments)
    shallow = words[:2] == ["--shallow-file", ""]
    if shallow:
        del words[:2]
    if words[:1] != ["pack-objects"]:
        raise _invalid(arguments, "missing pack-objects")
    flags = words[1:]
    if not all(flag.startswith("-") for flag in flags):
        raise _invalid(arguments, "non-flag argument")
    if "--stdout" not in flags:
        raise _invalid(arguments, "missing --stdout")
    for flag in flags:
        if not _FLAG.fullmatch(flag):
            raise _invalid(arguments, f"flag not allowed: {quoted(flag)}")
    return PackRequest(tuple(flags), shallow, protocol)


@implementer(IPackObjects)
@frozen
class PackObjects:
    """
    Runs ``git pack-objects``.

    :param limits: of the child; ``None`` for those that every git has.
    :param kept: where packs are kept for others who want the same, and how many are made at once; ``None`` to make each anew.
    """

    git: IGit
    limits: Limits | None = None
    kept: KeptPacks | None = None

    async def serve(
        self, repository: IRepository, request: PackRequest, source: IByteSource, sink: IByteSink, address: str = ""
    ) -> None:
        """
        As :func:`IPackObjects.serve`.
        """
        if self.kept is None:
            await self._make(repository, request, source, sink)
            return
        objects = self.kept.object_list()
        try:
            while data := await source.read():
                await objects.add(data)
            await self._serve_kept(self.kept, repository, Order(request, objects, address=address), sink)
        finally:
            objects.close()

    async def _serve_kept(self, kept: KeptPacks, repository: IRepository, order: Order, sink: IByteSink) -> None:
        stream = await kept.join(repository, order)
        if stream is None:
            async with kept.admitted(order.address):
                await self._make(repository, order.request, _Pieces(order.objects), sink)
            return
        try:
            await kept.send(stream, sink)
        except PackFailed as error:
            raise _failed(repository, error.ended) from error
        finally:
            await stream.leave()

    async def _make(self, repository: IRepository, request: PackRequest, source: IByteSource, sink: IByteSink) -> None:
        bands = Bands(sink)
        child = self.git.spawn(pack_command(repository, request), stderr=bands.progress, limits=self.limits)
        ended = await Conversation(child, source, bands.data, _nobody_listens).run()
        if ended.status != 0:
            raise _failed(repository, ended)


@implementer(IByteSource)
class _Pieces:
    """
    A list of objects as a source.
    """

    def __init__(self, objects: ObjectList) -> None:
        self._pieces = objects.pieces()

    async def read(self) -> bytes:
        """
        The next piece.
        """
        return await anext(self._pieces, b"")


def _failed(repository: IRepository, ended: Ended) -> GitalyError:
    words = ended.stderr
    for secret in secrets_of(repository.directory):
        words = words.replace(secret, b"...")
    text = quoted(words.decode("utf-8", "surrogateescape"))
    return GitalyError(f"git-pack-objects: stderr: {text} err: {ended}", Code.INTERNAL)


def _invalid(arguments: Sequence[str], why: str) -> GitalyError:
    return GitalyError(f"invalid pack-objects command: [{' '.join(arguments)}]: {why}", Code.INVALID_ARGUMENT)


def _nobody_listens(data: bytes) -> None:
    pass
