"""
Takes over from an upload-pack that wants a pack: ends it, and sends the pack in its place.

By then upload-pack has said everything else: it is about to send the pack in the packets of the sideband, and an end mark. A
client that does not understand the large packets of the sideband, or asks for something out of the ordinary, gets its pack from
upload-pack itself, as if nothing of this existed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.python.failure import Failure

from protocols.git.fetch import NegotiationStatistics
from protocols.git.pktline import FLUSH
from protocols.git.sideband import BAND_ERROR, encode

from ..cache.interfaces import IStream
from ..errors import GitalyError
from ..git.interfaces import Ended, IChild
from ..limits.interfaces import IPlace, LimitReached
from ..storage.interfaces import IRepository
from ..streams import IByteSink, StreamBroken
from .fetchconfig import settings
from .interfaces import FetchRequest
from .keptpacks import KeptPacks, Order, PackFailed
from .packhook import Asked, PackHook
from .packobjects import pack_request

V2: Final = "version=2"

EXHAUSTED: Final = b"error resource exhausted, please try again later\n"
"""What a client is told whose pack is not made because too many are; Gitaly's words."""

ABORTED: Final = b"aborting due to possible repository corruption on the remote side."
"""What upload-pack tells a client whose pack could not be made."""

_DIED: Final = b"""\
error: git upload-pack: git-pack-objects died with error.
fatal: git upload-pack: aborting due to possible repository corruption on the remote side.
"""
"""What upload-pack says on standard error when its pack cannot be made."""


@define(eq=False)
class PackTaking:
    """
    :param packs: makes and keeps packs.
    """

    _reactor: IReactorFDSet
    _packs: KeptPacks

    @contextmanager
    def hook(self) -> Iterator[PackHook]:
        """
        The pipes to one upload-pack.
        """
        hook = PackHook(self._reactor)
        try:
            yield hook
        finally:
            hook.close()

    def wait(
        self,
        hook: PackHook,
        child: IChild,
        repository: IRepository,
        request: FetchRequest,
        statistics: NegotiationStatistics,
    ) -> Takeover:
        """
        Wait for the moment.

        :param child: upload-pack, just started.
        :param statistics: of what the client says.
        """
        return Takeover(self._packs, hook, child, repository, request, statistics)


@define(eq=False)
class Takeover:
    """
    One of them.

    Made for one upload-pack; :func:`stop` ends it.
    """

    _packs: KeptPacks
    _hook: PackHook
    _child: IChild
    _repository: IRepository
    _request: FetchRequest
    _statistics: NegotiationStatistics
    _stream: IStream | None = field(default=None, init=False)
    _place: IPlace | None = field(default=None, init=False)
    _refusal: LimitReached | None = field(default=None, init=False)
    _waiting: Deferred[None] = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._waiting = Deferred.fromCoroutine(self._wait())
        self._waiting.addErrback(self._failed)

    @property
    def taken(self) -> bool:
        """
        Whether upload-pack was ended.
        """
        return self._stream is not None or self._refusal is not None

    async def send(self, stdout: IByteSink) -> Ended:
        """
        Send the pack, once upload-pack has ended.

        :returns: how upload-pack would have ended.
        :raises LimitReached: if the pack was not made, because too many are.
        :raises StreamBroken: if the client went away.
        """
        try:
            if self._stream is None:
                raise self._refusal or StreamBroken("upload-pack was ended")
            await self._packs.send(self._stream, stdout)
        except LimitReached:
            await self._tell(EXHAUSTED, stdout)
            raise
        except PackFailed as error:
            await self._tell(ABORTED, stdout)
            return Ended(128, error.stderr + _DIED)
        await stdout.write(FLUSH)
        return Ended(0)

    async def _tell(self, words: bytes, stdout: IByteSink) -> None:
        if self._sideband:
            await stdout.write(b"".join(encode(BAND_ERROR, words)))

    async def stop(self) -> None:
        """
        It is over, whatever the outcome.
        """
        self._waiting.cancel()
        if self._place is not None:
            self._place.leave()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.leave()

    async def _wait(self) -> None:
        objects = self._packs.object_list()
        try:
            asked = await self._hook.asked(objects)
            if asked is None:
                return
            self._stream = await self._join(asked)
            if self._stream is not None or not await self._admitted():
                self._child.cut_short()
            else:
                await self._hook.let_go(objects)
        finally:
            objects.close()

    async def _join(self, asked: Asked) -> IStream | None:
        if not self._sideband:
            return None
        try:
            request = pack_request([word.decode("ascii") for word in asked.words[1:]], self._request.protocol)
        except (GitalyError, UnicodeDecodeError) as error:
            self._log.debug("upload-pack makes a pack itself: {error}", error=str(error))
            return None
        order = Order(request, asked.objects, settings(self._request.config), self._request.address)
        return await self._packs.join(self._repository, order)

    async def _admitted(self) -> bool:
        """
        Wait until upload-pack may make the pack itself.
        """
        self._place = self._packs.place(self._request.address)
        try:
            if self._place is not None:
                await self._place.admitted
        except LimitReached as error:
            self._refusal = error
            return False
        return True

    @property
    def _sideband(self) -> bool:
        return self._request.protocol == V2 or b"side-band-64k" in self._statistics.caps

    def _failed(self, failure: Failure) -> None:
        """
        The hook waits for an answer that will not come.
        """
        if failure.check(CancelledError) is not None:
            return
        if failure.check(GitalyError, StreamBroken, OSError) is None:
            self._log.failure("a pack cannot be taken over", failure)
        else:
            self._log.error("a pack cannot be taken over: {error}", error=str(failure.value))
        self._child.kill()


__all__ = ["V2", "PackTaking", "Takeover"]
