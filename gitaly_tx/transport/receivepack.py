"""
Our own receive-pack: git's push protocol, with a write that goes through the log.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from protocols.git.push import PushRequestDecoder

from ..errors import Code, GitalyError
from ..git.objectid import ObjectFormat
from ..hooks.detached import Detached
from ..storage.interfaces import IRepository
from ..streams import IByteSink, IByteSource, StreamBroken
from .interfaces import PushBroken, PushRequest
from .pushadvertisement import advertise
from .pushanswer import Answer
from .pushintake import Intake
from .pushmeans import Means
from .pushrequest import PushHead, read_head
from .pushsession import PushSession
from .pushsettings import push_settings

DRAINED = 64 << 20
"""How much of a refused pack is still read, in bytes, so that a client that is in the middle of sending gets to read why."""

DRAIN_SECONDS = 5.0
"""How long that may take."""


@define(eq=False)
class ReceivePack:
    """
    Takes pushes.

    - Nothing of a push is visible before its write is durable, and nothing of it is left if it fails, breaks off or is cancelled.
    - A push that was handed to the write queue is carried through even if the client goes away: it is written or refused, and if
      it is written ``post-receive`` and the event sinks hear of it once. (Not at all if the server is killed at that moment: a
      write is repeated from the log after a crash, what was told of it is not.)
    - Refusals are told in git's protocol and in git's words.

    :param means: what pushes are done with.
    """

    _means: Means
    _detached: Detached = field(factory=lambda: Detached("push"), init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def advertise(self, repository: IRepository | None, request: PushRequest, stdout: IByteSink) -> None:
        """
        As :func:`gitaly_tx.transport.interfaces.ITransport.advertise_receive`.
        """
        await self._advertise(repository, request, stdout, service=True)

    async def serve(
        self,
        repository: IRepository | None,
        request: PushRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> None:
        """
        As :func:`gitaly_tx.transport.interfaces.ITransport.receive_pack`. Cancelling it says that the client is gone.

        A repository that is made for a push is made for its quarantine, before anybody has judged the push. If nothing is written
        it is taken back, unless somebody else has seen it by then.
        """
        try:
            await self._serve(repository, request, source, stdout, stderr)
        except StreamBroken as error:
            raise PushBroken(PushBroken.HUNG_UP) from error

    def settle(self) -> Deferred[None]:
        """
        :returns: fires when everything has ended that goes on without its client: writes, hooks after them, cleaning up.
        """
        return self._detached.settle()

    async def _advertise(self, repository: IRepository | None, request: PushRequest, stdout: IByteSink, *, service: bool) -> None:
        means, asked = self._means, push_settings(request.config)
        await advertise(repository, means.threads, means.agent, request.protocol, stdout, service=service, asked=asked)

    async def _serve(
        self,
        repository: IRepository | None,
        request: PushRequest,
        source: IByteSource,
        stdout: IByteSink,
        stderr: IByteSink | None,
    ) -> None:
        asked = push_settings(request.config)
        if not request.stateless:
            await self._advertise(repository, request, stdout, service=False)
        head = await self._read_head(repository, source, stderr)
        if not head.wishes:
            return
        made: IRepository | None = None
        if repository is None:
            repository = made = await self._create(request, head)
        answer = Answer(self._means.clock, stdout, stderr, head.sidebands)
        intake = Intake(self._means, repository, head, source, answer, asked)
        session = PushSession(self._means, repository, request, head, intake, answer, asked, made is not None)
        try:
            writable = await session.prepare()
        except BaseException:
            await self._detached.run(self._abandon(session, request, made))
            raise
        if writable:
            try:
                await self._detached.run(self._complete(session, request, made))
            except CancelledError:
                answer.cut()
                raise
            return
        await self._detached.run(self._abandon(session, request, made))
        await session.report()
        await answer.end()
        if session.unpacked != b"ok":
            await self._drain(source)

    async def _read_head(self, repository: IRepository | None, source: IByteSource, stderr: IByteSink | None) -> PushHead:
        limits = self._means.limits
        object_format = ObjectFormat.SHA1 if repository is None else repository.object_format
        decoder = PushRequestDecoder(object_format.hex_length, limits.commands, limits.options, limits.option_bytes)
        try:
            return await read_head(source, decoder)
        except PushBroken as error:
            if stderr is not None:
                try:
                    await stderr.write(error.ended.stderr)
                except StreamBroken:
                    pass  # Whoever it is for is gone.
            raise

    async def _create(self, request: PushRequest, head: PushHead) -> IRepository:
        create = request.create
        if create is None or all(wish.deletes for wish in head.wishes):
            raise GitalyError("repository not found", Code.NOT_FOUND)
        gone = False

        async def make() -> IRepository:
            made = await create()
            if gone:
                await self._retract(request, made)
            return made

        try:
            return await self._detached.run(make())
        except CancelledError:
            gone = True
            raise

    async def _complete(self, session: PushSession, request: PushRequest, made: IRepository | None) -> None:
        await session.complete()
        if not session.written:
            await self._retract(request, made)

    async def _abandon(self, session: PushSession, request: PushRequest, made: IRepository | None) -> None:
        await session.abandon()
        await self._retract(request, made)

    async def _retract(self, request: PushRequest, made: IRepository | None) -> None:
        """
        Take back what was made for a push of which nothing was written.
        """
        if made is None or request.retract is None:
            return
        try:
            await request.retract(made)
        except Exception:
            self._log.failure("repository that was made for a refused push cannot be removed")

    async def _drain(self, source: IByteSource) -> None:
        """
        Take what a client is still sending, within reason, because some do not listen before they have sent all.
        """

        async def read() -> None:
            left = DRAINED
            while left > 0 and (data := await source.read()):
                left -= len(data)

        try:
            await Deferred.fromCoroutine(read()).addTimeout(DRAIN_SECONDS, self._means.clock)
        except CancelledError:
            raise
        except Exception as error:
            # The client has been told why; that the rest cannot be read changes nothing.
            self._log.debug("refused push not read to its end: {error!r}", error=error)
