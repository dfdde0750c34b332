"""
Objects fetched from a repository that another Gitaly keeps: by id, into a quarantine.

The conversation with the peer's ``upload-pack``, in v2 of git's protocol, is held here, so that no git has to be taught to reach
a peer; git takes the pack apart.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

from protocols.git.advertisement import AdvertisementDecoder
from protocols.git.errors import GitProtocolError
from protocols.git.fetchanswer import (
    Acknowledged,
    AnswerEvent,
    FetchAnswerDecoder,
    PackData,
    PackEnd,
    RoundEnd,
    encode_round,
)
from protocols.gitaly.shared_pb2 import Repository

from ..client.interfaces import IPeer
from ..errors import GitalyError
from ..git.command import Command
from ..git.interfaces import IGit
from ..git.objectid import ObjectID
from ..git.records import batches
from ..storage.interfaces import IRepository, IStaging
from ..streams import StreamBroken
from .connectivity import Connectivity
from .peerwire import Aside, IWire, converse

FIRST: Final = 32
"""Commits that are named in the first round; each round names twice as many as the one before."""

MOST: Final = 4096
"""Commits that are named in all rounds together, before the peer sends what it believes is needed."""


async def fetch_objects(
    git: IGit, peer: IPeer, source: Repository, wants: Sequence[ObjectID], repository: IRepository, staging: IStaging
) -> None:
    """
    Get some objects, and all that they lead to and the repository has not.

    :param source: where they are, as the peer knows it.
    :param staging: of ``repository``; where they go.
    :raises PeerError: if the peer cannot be reached, or does not want to.
    :raises GitalyError: without a code of its own, if the peer does not have them, or what it sends is not all.
    """

    aside = Aside()

    async def talk(wire: IWire) -> None:
        await _Fetch(git, wire, aside, wants, repository, staging).run()
        await wire.finish()
        while await wire.read():
            pass

    try:
        await converse(peer, source, talk, aside)
    except GitProtocolError as error:
        raise GitalyError(f"fetch: {error}", facts=error.facts) from error
    broken = await Connectivity(git, staging.directory).broken(wants, None, False)
    if broken:
        raise GitalyError("fetch: objects are missing", facts={"tips": [str(tip) for tip in broken]})


class _Fetch:
    """
    1. The peer says what it can.
    2. It hears of commits that are here, the latest first, until it knows enough.
    3. It sends a pack of the rest.
    """

    def __init__(
        self,
        git: IGit,
        wire: IWire,
        aside: Aside,
        wants: Sequence[ObjectID],
        repository: IRepository,
        staging: IStaging,
    ) -> None:
        self._git = git
        self._wire = wire
        self._aside = aside
        self._wants = wants
        self._repository = repository
        self._staging = staging
        self._common: list[bytes] = []

    async def run(self) -> None:
        """
        Do it.
        """
        await self._greet()
        async with aclosing(self._events()) as events, aclosing(self._rounds()) as rounds:
            async for request in rounds:
                await self._wire.write(request)
                begun = await self._answer(events)
                if begun is not None:
                    await self._unpack(begun, events)
                    return
        raise GitalyError("fetch: no pack")

    async def _greet(self) -> None:
        decoder = AdvertisementDecoder()
        while not decoder.done:
            decoder.receive(await self._read())
        if decoder.version != 2:
            raise GitalyError("fetch: protocol v2 not spoken")

    async def _read(self) -> bytes:
        data = await self._wire.read()
        if not data:
            raise GitalyError("fetch: early EOF", facts={"stderr": self._aside.text})
        return data

    async def _rounds(self) -> AsyncGenerator[bytes, None]:
        """
        The requests; the last ends the negotiation.
        """
        waiting: list[bytes] = []
        size = FIRST
        async with aclosing(self._haves()) as haves:
            async for batch in haves:
                waiting += batch
                while len(waiting) >= size:
                    yield self._request(waiting[:size])
                    del waiting[:size]
                    size *= 2
        yield self._request(waiting, done=True)

    def _request(self, haves: Sequence[bytes], *, done: bool = False) -> bytes:
        format = self._repository.object_format.value.encode()
        return encode_round(self._wants, [*self._common, *haves], format, done=done)

    async def _haves(self) -> AsyncGenerator[list[bytes], None]:
        options = ["--branches", "--tags", f"--max-count={MOST}"]
        child = self._git.spawn(Command("rev-list", options, directory=self._repository.directory))
        try:
            child.close_stdin()
            async with aclosing(batches(child)) as source:
                async for batch in source:
                    yield batch
        finally:
            child.kill()

    async def _events(self) -> AsyncGenerator[AnswerEvent, None]:
        decoder = FetchAnswerDecoder()
        while True:
            for event in decoder.receive(await self._read()):
                yield event

    async def _answer(self, events: AsyncIterator[AnswerEvent]) -> bytes | None:
        """
        :returns: the beginning of the pack; ``None`` if the peer wants to hear more.
        """
        async for event in events:
            match event:
                case Acknowledged(oid):
                    self._common.append(oid)
                case PackData(data):
                    return data
                case RoundEnd():
                    return None
                case PackEnd():
                    break
        raise GitalyError("fetch: no pack")

    async def _unpack(self, begun: bytes, events: AsyncIterator[AnswerEvent]) -> None:
        child = self._git.spawn(Command("index-pack", ["--stdin", "--fix-thin"], directory=self._staging.directory))
        try:
            await child.stdin.write(begun)
            async for event in events:
                if not isinstance(event, PackData):
                    break
                await child.stdin.write(event.data)
        except StreamBroken:
            pass  # It has ended; why, its status says.
        except BaseException:
            child.kill()
            raise
        try:
            child.close_stdin()
            while await child.stdout.read():
                pass
            ended = await child.wait()
        finally:
            child.kill()
        if ended.status != 0:
            raise GitalyError(f"fetch: index-pack: {ended}", facts={"stderr": ended.stderr})
