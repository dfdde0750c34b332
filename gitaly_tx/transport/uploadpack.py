"""
Serves fetches: git's upload-pack talks with the client, and asks for a pack.

Where packs are kept, upload-pack ends at that point, and the pack goes to the client from here. Otherwise upload-pack makes it,
and its bytes only pass.
"""

from __future__ import annotations

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime

from protocols.git.fetch import NegotiationStatistics

from ..git.command import Command
from ..git.interfaces import Ended, IChild, IGit, Limits
from ..git.options import ConfigPair
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource
from .bundles import Bundles
from .conversation import Continued, Conversation, Deadline
from .fetchconfig import protocol_variable, settings
from .interfaces import FetchRequest
from .negotiation import NotedSource
from .packtaking import V2, PackTaking

PACK_BEGUN = 64 * 1024
"""Bytes of output after the client's last word, from which on it is the pack that flows and no answer to a negotiation."""


@frozen
class Fetch:
    """
    One fetch, and the client whose it is.
    """

    repository: IRepository
    request: FetchRequest
    source: IByteSource
    stdout: IByteSink
    stderr: IByteSink | None


@frozen
class UploadPack:
    """
    :param negotiation: seconds in which a client that holds a conversation has to say what it has. A pack that flows is not
        cut, however slowly it does.
    :param limits: of the child; ``None`` for those that every git has.
    :param taking: takes over from upload-pack when it wants a pack; ``None`` to let it make each pack itself.
    :param bundles: what clones can begin with; ``None`` for nothing.
    """

    git: IGit
    clock: IReactorTime
    negotiation: float
    limits: Limits | None = None
    taking: PackTaking | None = None
    bundles: Bundles | None = None

    async def serve(
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
        fetch = Fetch(repository, request, source, stdout, stderr)
        if self.bundles is None or not request.bundles:
            return await self._serve(fetch)
        if request.protocol == V2:
            rest = await self.bundles.asked(repository, source, stdout)
            if rest is None:
                return Ended(0)
            source = rest
        noted = NotedSource(source)
        ended = await self._serve(evolve(fetch, source=noted))
        said = noted.statistics
        if ended.status == 0 and said.wants and not (said.haves or said.filter or said.saw_deepen):
            self.bundles.cloned(repository)
        return ended

    async def _serve(self, fetch: Fetch) -> Ended:
        if self.taking is None or fetch.repository.directory.object_directory is not None:
            child = self.git.spawn(_command(fetch), stderr=fetch.stderr, limits=self.limits)
            return await self._talk(child, fetch, NegotiationStatistics())
        return await self._serve_taking(self.taking, fetch)

    async def _serve_taking(self, taking: PackTaking, fetch: Fetch) -> Ended:
        statistics = NegotiationStatistics()
        with taking.hook() as hook:
            command = _command(fetch, hook.config())
            child = self.git.spawn(command, stderr=fetch.stderr, limits=self.limits, descriptors=hook.descriptors)
            hook.started()
            takeover = taking.wait(hook, child, fetch.repository, fetch.request, statistics)
            try:
                ended = await self._talk(child, fetch, statistics)
                if not takeover.taken:
                    return ended
                hook.close()
                ended = await takeover.send(fetch.stdout)
            finally:
                await takeover.stop()
        if ended.status != 0 or fetch.request.stateless or fetch.request.protocol != V2:
            return ended
        return await self._serve_rest(fetch)

    async def _serve_rest(self, fetch: Fetch) -> Ended:
        """
        A client of v2 may go on after a pack. Hardly any does; each further request is served as one over HTTP would be.
        """
        request = evolve(fetch.request, stateless=True)
        while first := await fetch.source.read():
            rest = Continued(first, fetch.source)
            ended = await self.serve(fetch.repository, request, rest, fetch.stdout, fetch.stderr)
            if ended.status != 0:
                return ended
        return Ended(0)

    async def _talk(self, child: IChild, fetch: Fetch, statistics: NegotiationStatistics) -> Ended:
        if fetch.request.stateless:
            return await Conversation(child, fetch.source, fetch.stdout, statistics.receive).run()
        answered = 0

        def heard(data: bytes) -> None:
            nonlocal answered
            answered = conversation.sent
            statistics.receive(data)

        def negotiated() -> bool:
            # In v2 the server may say that it is ready, and a client then never says that it is done.
            flows = statistics.wants > 0 and conversation.sent - answered >= PACK_BEGUN
            return statistics.reached_done or conversation.input_ended or flows

        conversation = Conversation(child, fetch.source, fetch.stdout, heard)
        deadline = Deadline(self.clock, self.negotiation, child, negotiated)
        try:
            return await conversation.run()
        finally:
            deadline.stop()
            deadline.check()


def _command(fetch: Fetch, *config: ConfigPair) -> Command:
    request = fetch.request
    return Command(
        "upload-pack",
        ["--strict", *(["--stateless-rpc"] if request.stateless else [])],
        config=(*settings(request.config), *config),
        directory=fetch.repository.directory,
        environment=protocol_variable(request.protocol),
    )
