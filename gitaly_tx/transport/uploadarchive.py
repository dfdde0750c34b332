"""
Serves ``git archive --remote``.
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


@frozen
class UploadArchive:
    """
    :param negotiation: seconds in which a client has to say what it wants.
    :param limits: of the child; ``None`` for those that every git has.
    """

    git: IGit
    clock: IReactorTime
    negotiation: float
    limits: Limits | None = None

    async def serve(self, repository: IRepository, source: IByteSource, stdout: IByteSink, stderr: IByteSink | None) -> Ended:
        """
        As :func:`ITransport.upload_archive`.
        """
        child = self.git.spawn(Command("upload-archive", directory=repository.directory), stderr=stderr, limits=self.limits)
        statistics = NegotiationStatistics()
        conversation = Conversation(child, source, stdout, statistics.receive)
        deadline = Deadline(self.clock, self.negotiation, child, lambda: statistics.reached_flush or conversation.input_ended)
        try:
            return await conversation.run()
        finally:
            deadline.stop()
            deadline.check()
