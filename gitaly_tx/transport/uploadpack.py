"""
Serves fetches: git's upload-pack makes the pack, here its bytes only pass.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from protocols.git.fetch import NegotiationStatistics

from ..git.command import Command
from ..git.interfaces import Ended, IGit, Limits
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource
from .conversation import Conversation, Deadline
from .fetchconfig import protocol_variable, settings
from .interfaces import FetchRequest

PACK_BEGUN = 64 * 1024
"""Bytes of output after the client's last word, from which on it is the pack that flows and no answer to a negotiation."""


@frozen
class UploadPack:
    """
    :param negotiation: seconds in which a client that holds a conversation has to say what it has. A pack that flows is not
        cut, however slowly it does.
    :param limits: of the child; ``None`` for those that every git has.
    """

    git: IGit
    clock: IReactorTime
    negotiation: float
    limits: Limits | None = None

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
        command = Command(
            "upload-pack",
            ["--strict", *(["--stateless-rpc"] if request.stateless else [])],
            config=settings(request.config),
            directory=repository.directory,
            environment=protocol_variable(request.protocol),
        )
        child = self.git.spawn(command, stderr=stderr, limits=self.limits)
        if request.stateless:
            return await Conversation(child, source, stdout, _nobody_listens).run()
        statistics = NegotiationStatistics()
        answered = 0

        def heard(data: bytes) -> None:
            nonlocal answered
            answered = conversation.sent
            statistics.receive(data)

        def negotiated() -> bool:
            # In v2 the server may say that it is ready, and a client then never says that it is done.
            flows = statistics.wants > 0 and conversation.sent - answered >= PACK_BEGUN
            return statistics.reached_done or conversation.input_ended or flows

        conversation = Conversation(child, source, stdout, heard)
        deadline = Deadline(self.clock, self.negotiation, child, negotiated)
        try:
            return await conversation.run()
        finally:
            deadline.stop()
            deadline.check()


def _nobody_listens(data: bytes) -> None:
    pass
