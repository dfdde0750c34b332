"""
Streams back to those who call, for the bytes of one call.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from protocols.channels import errors
from protocols.channels.sidechannel import (
    HANDSHAKE_SECONDS,
    METADATA_KEY,
    InputReceived,
    ServerSide,
    announcement,
    named,
)
from protocols.yamux.errors import Refused

from ...errors import GitalyError
from ...multiplex.bytestream import ByteStream
from ...rpc.call import Call
from ...rpc.interfaces import ISidechannel, ISidechannels
from ...streams import PIECE, IByteSink, IByteSource, StreamBroken
from .origins import Origins

CLOSE_SECONDS: Final = 300.0
"""How long a caller may leave its side of a sidechannel open when ours is closed; Gitaly's number."""


@implementer(ISidechannels)
class Sidechannels:
    """
    Opens sidechannels to callers whose connection is a multiplexed one.

    :param clock: measures how long the handshake takes.
    :param origins: knows the callers' connections.
    """

    def __init__(self, clock: IReactorTime, origins: Origins) -> None:
        self._clock = clock
        self._origins = origins

    async def open(self, call: Call) -> Sidechannel:
        """
        As :func:`ISidechannels.open`.
        """
        try:
            number = named([str(value) for value in call.metadata.get(METADATA_KEY, ())])
            origin = self._origins.of(call.origin)
            if origin is None or origin.connection is None:
                raise errors.NotMultiplexed()
            try:
                stream = ByteStream(origin.connection.open())
            except Refused as error:
                raise errors.StreamNotOpened(str(error)) from error
            return await self._shake_hands(Sidechannel(stream, call, self._clock), number)
        except errors.SidechannelError as error:
            raise GitalyError(str(error), facts=error.facts) from error

    async def _shake_hands(self, sidechannel: Sidechannel, number: int) -> Sidechannel:
        shaking = Deferred.fromCoroutine(sidechannel.begin(number))
        late = False

        def too_late() -> None:
            nonlocal late
            late = True
            shaking.cancel()

        timer = self._clock.callLater(HANDSHAKE_SECONDS, too_late)
        try:
            await shaking
        except CancelledError:
            sidechannel.abandon()
            if late:
                raise errors.ConfirmationMissing(errors.ConfirmationMissing.DEADLINE) from None
            raise
        except BaseException:
            sidechannel.abandon()
            raise
        finally:
            if timer.active():
                timer.cancel()
        return sidechannel


@implementer(ISidechannel, IByteSource, IByteSink)
class Sidechannel:
    """
    One of them. It reads no faster than it is read.

    :param stream: towards the caller.
    :param call: whose it is; its bytes are counted there.
    :param clock: measures how long the caller may take to close its side.
    """

    def __init__(self, stream: ByteStream, call: Call, clock: IReactorTime) -> None:
        self._stream = stream
        self._call = call
        self._clock = clock
        self._side = ServerSide()
        self._pieces: deque[bytes] = deque()
        self._closed = False
        self.source = self
        self.sink = self
        self.lost = stream.lost

    async def begin(self, number: int) -> None:
        """
        Announce it, and wait until the caller takes it.

        :raises SidechannelError: if it does not.
        """
        try:
            await self._stream.write(announcement(number))
            while not self._side.confirmed:
                data = await self._stream.read()
                if not data:
                    self._side.finish()
                self._take(data)
        except StreamBroken as error:
            raise errors.ConfirmationMissing(errors.ConfirmationMissing.RESET) from error

    async def read(self) -> bytes:
        """
        As :func:`IByteSource.read`.

        :raises StreamBroken: if what comes is not in packets, or ends before its end was said.
        """
        try:
            while not self._pieces:
                if self._side.done:
                    return b""
                data = await self._stream.read()
                if not data:
                    self._side.finish()
                self._take(data)
        except errors.SidechannelError as error:
            raise StreamBroken(str(error)) from error
        return self._pieces.popleft()

    async def write(self, data: bytes) -> None:
        """
        As :func:`IByteSink.write`.
        """
        await self._stream.write(data)
        self._call.count_sent(len(data))

    def close(self) -> None:
        """
        As :func:`ISidechannel.close`. The caller's side has its time, too, to be closed.
        """
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        if not self._stream.ended.called:
            timer = self._clock.callLater(CLOSE_SECONDS, self.abandon)

            def in_time(_: None) -> None:
                if timer.active():
                    timer.cancel()

            self._stream.ended.addCallback(in_time)

    def abandon(self) -> None:
        """
        Break it off.
        """
        self._stream.reset()

    def _take(self, data: bytes) -> None:
        """
        :raises SidechannelError: if the caller does not keep to the rules.
        """
        pieces = [event.data for event in self._side.receive(data) if isinstance(event, InputReceived)]
        if pieces:
            whole = b"".join(pieces) if len(pieces) > 1 else pieces[0]
            self._call.count_received(len(whole))
            self._pieces.extend(whole[at : at + PIECE] for at in range(0, len(whole), PIECE))
