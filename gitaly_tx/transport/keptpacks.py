"""
Packs for fetches, made by ``git pack-objects`` once for all who want the same at about the same time.

What a pack depends on is its key. Its bytes are kept on disk and go to each client as fast as that takes them, so that neither a
slow client nor one that goes away has an effect on the others, and no git waits for anybody. Nothing is taken from here that was
not asked for by an upload-pack that has just looked at the repository: the objects exist, and the client may have them. A write
through the server makes a new key, because which tags go along depends on the refs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from zope.interface import implementer

from protocols.git.sideband import BAND_PROGRESS, KEEPALIVE, encode

from ..cache.interfaces import IGrowing, IStream, IStreamCache
from ..git.command import Command
from ..git.descriptor import Descriptor
from ..git.errors import GitCommandError
from ..git.interfaces import Ended, IGit
from ..git.options import ConfigPair
from ..limits.interfaces import ILimiter, IPlace, LimitReached
from ..observability.context import add_to_fields
from ..storage.interfaces import IRepository
from ..storage.threads import Threads
from ..streams import IByteSink, ISpliceSink, StreamBroken
from ..wal.interfaces import Partition
from .fetchconfig import protocol_variable
from .interfaces import PackRequest
from .objectlist import ObjectList
from .packoutlets import IOutlet, PipeOutlet, SinkOutlet
from .telling import telling

KEEPALIVE_SECONDS: Final = 5.0
"""How long a client hears nothing before it is told that somebody is still there; upload-pack's."""

SPLICED: Final = 256 * 1024
"""The least bytes that are worth a pipe."""

Generation = Callable[[Partition], int]
"""A number that is another one after each write to a repository."""


@frozen
class Order:
    """
    A pack that somebody wants.

    :param request: how it is to be made.
    :param objects: what goes to the standard input of pack-objects.
    :param config: settings besides the usual ones.
    :param address: whom a limit is about: the client's address without its port; empty for nobody.
    """

    request: PackRequest
    objects: ObjectList
    config: Sequence[ConfigPair] = ()
    address: str = ""


@frozen
class Told:
    """
    Who wants to know.

    :param served: bytes that went to clients.
    """

    served: Callable[[int], object]


class PackFailed(GitCommandError):
    """
    ``git pack-objects`` failed.
    """

    def __init__(self, arguments: Sequence[str], ended: Ended) -> None:
        super().__init__("git-pack-objects", arguments, str(ended), ended.status, ended.stderr)
        self.ended = ended


@define(eq=False)
class KeptPacks:
    """
    :param cache: keeps the packs.
    :param generation: of a repository.
    :param limiter: on packs that are made at once; ``None`` for none.
    """

    _git: IGit
    _reactor: IReactorFDSet
    _clock: IReactorTime
    _threads: Threads
    _cache: IStreamCache
    _generation: Generation
    _limiter: ILimiter | None = None
    _told: Told = field(factory=lambda: Told(lambda count: None))

    def object_list(self) -> ObjectList:
        """
        An empty list, to be filled.
        """
        return ObjectList(self._threads)

    async def join(self, repository: IRepository, order: Order) -> IStream | None:
        """
        Have a pack made, or find it made.

        :returns: the stream, which the caller has to leave; ``None`` if it is not worth keeping, or cannot be kept.
        """
        command = pack_command(repository, order.request, order.config)

        def produce(growing: IGrowing) -> Coroutine[Any, Any, None]:
            # Whoever asked first may go away before the list was read.
            order.objects.hold()
            return self._make(command, order, growing)

        return await self._cache.join(self._key(repository, order), produce)

    @asynccontextmanager
    async def admitted(self, address: str) -> AsyncIterator[None]:
        """
        Wait for a place among those whose packs are made now, and hold it.

        :raises LimitReached: if there is none.
        """
        place = self.place(address)
        try:
            if place is not None:
                await place.admitted
            yield
        finally:
            if place is not None:
                place.leave()

    def place(self, address: str) -> IPlace | None:
        """
        A place among those whose packs are made now, for a pack that is not kept; ``None`` if there is no limit for it.
        """
        return None if self._limiter is None or not address else self._limiter.enter(address)

    async def send(self, stream: IStream, sink: IByteSink) -> None:
        """
        Send a pack in the packets of git's sideband: the pack in band 1, what its maker says aside in band 2. A client that would
        have to wait long hears something now and then.

        :raises PackFailed: if it could not be made.
        :raises LimitReached: if it was not made, because too many are.
        :raises StreamBroken: if the client went away.
        """
        file = Descriptor(os.dup(stream.fd))
        outlet: IOutlet
        if ISpliceSink.providedBy(sink) and not (stream.ended and stream.size < SPLICED):
            outlet = PipeOutlet(self._reactor, self._threads, file, ISpliceSink(sink))
        else:
            outlet = SinkOutlet(self._threads, file, sink)
        try:
            await self._copy(stream, outlet)
            await outlet.end()
        except (PackFailed, LimitReached):
            await outlet.end()
            raise
        finally:
            outlet.close()
            self._told.served(outlet.sent)
            add_to_fields({"pack_objects_cache.served_bytes": outlet.sent})

    async def _copy(self, stream: IStream, outlet: IOutlet) -> None:
        at = noted = 0
        while True:
            size, told, notes, ended = stream.size, stream.noted, stream.notes, stream.ended
            if told > noted:
                # A reader that came late gets the last of what was said before.
                await outlet.literal(b"".join(encode(BAND_PROGRESS, notes[-(told - noted) :])))
                noted = told
            if size > at:
                await outlet.span(at, size)
                at = size
            if ended:
                return
            if not await stream.changed(size, told, KEEPALIVE_SECONDS):
                await outlet.literal(KEEPALIVE)

    def _key(self, repository: IRepository, order: Order) -> bytes:
        partition, directory = repository.partition, repository.directory
        made = hashlib.sha256()
        parts: list[object] = [
            partition.storage,
            partition.path,
            self._generation(partition),
            directory.object_directory,
            list(directory.alternates),
            order.request.flags,
            order.request.shallow,
            order.request.protocol,
            [(pair.key.decode("latin-1"), pair.value.decode("latin-1")) for pair in order.config],
        ]
        made.update(json.dumps(parts).encode())
        made.update(order.objects.digest.digest())
        return made.digest()

    async def _make(self, command: Command, order: Order, growing: IGrowing) -> None:
        place = self.place(order.address)
        try:
            if place is not None:
                await self._admitted(place, growing)
            await self._run(command, order, growing)
        finally:
            order.objects.close()
            if place is not None:
                place.leave()

    async def _admitted(self, place: IPlace, growing: IGrowing) -> None:
        with telling(self._clock, lambda: growing.note(waiting_text(place.ahead()))):
            await place.admitted

    async def _run(self, command: Command, order: Order, growing: IGrowing) -> None:
        child = self._git.spawn(command, stderr=_Notes(growing), stdout=growing.fd)
        try:
            try:
                async for piece in order.objects.pieces():
                    await child.stdin.write(piece)
            except StreamBroken:
                pass  # It has ended already; its exit status says why.
            child.close_stdin()
            ended = await child.wait()
        except BaseException:
            child.kill()
            await child.wait()
            raise
        if ended.status != 0:
            raise PackFailed([command.name], ended)


def pack_command(repository: IRepository, request: PackRequest, config: Sequence[ConfigPair] = ()) -> Command:
    """
    What makes a pack.
    """
    environment = protocol_variable(request.protocol)
    if request.shallow:
        environment["GIT_SHALLOW_FILE"] = ""
    return Command("pack-objects", request.flags, config=config, directory=repository.directory, environment=environment)


def waiting_text(ahead: int) -> bytes:
    """
    In words.
    """
    if not ahead:
        return b"Waiting for other packs to be made; this one is next.\n"
    return b"Waiting for other packs to be made; %d before this one.\n" % ahead


@implementer(IByteSink)
class _Notes:
    """
    What git says while it makes a pack, for everybody who reads that.
    """

    def __init__(self, growing: IGrowing) -> None:
        self._growing = growing

    def write(self, data: bytes) -> Deferred[None]:
        """
        Pass it on.
        """
        self._growing.note(data)
        return succeed(None)
