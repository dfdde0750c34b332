"""
Sidechannels, seen from those who call: streams that the server opens back to us, for the bytes of one call.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from protocols.channels.errors import SidechannelError
from protocols.channels.sidechannel import CONFIRMATION, INPUT_END, METADATA_KEY, Announced, ClientSide, packets
from protocols.yamux.errors import Refused

from ..multiplex.bytestream import ByteStream
from ..multiplex.connection import Stream
from ..streams import IByteSink, IByteSource, StreamBroken


@implementer(IByteSource, IByteSink)
class Sidechannel:
    """
    One of them: what the server sends is read, and ends when the server has sent everything; what is written goes to the server,
    and :meth:`finish` says that it was all.

    :param stream: from the server.
    :param begun: what came with the announcement.
    """

    def __init__(self, stream: ByteStream, begun: bytes) -> None:
        self._stream = stream
        self._begun = begun

    async def read(self) -> bytes:
        """
        As :func:`IByteSource.read`.
        """
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        return await self._stream.read()

    async def write(self, data: bytes) -> None:
        """
        As :func:`IByteSink.write`.
        """
        if data:
            await self._stream.write(b"".join(packets(data)))

    async def finish(self) -> None:
        """
        Say that nothing more comes. What the server sends can still be read.
        """
        await self._stream.write(INPUT_END)

    def close(self) -> None:
        """
        Have done with it. Safe to repeat.
        """
        self._stream.close()

    def abandon(self) -> None:
        """
        Break it off. Safe to repeat.
        """
        self._stream.reset()


class Expected:
    """
    A sidechannel that a call is going to name.

    :ivar opened: fires with the :class:`Sidechannel`; cancelled if the server does not open it.
    """

    def __init__(self, registry: Registry, number: int) -> None:
        self._registry = registry
        self._number = number
        self.opened: Deferred[Sidechannel] = Deferred()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """
        How the call names it.
        """
        return ((METADATA_KEY, str(self._number)),)

    def forget(self) -> None:
        """
        It is not waited for any more. Safe to repeat.
        """
        self._registry.expected.pop(self._number, None)


class Registry:
    """
    The sidechannels of one connection.

    """

    def __init__(self) -> None:
        self.expected: dict[int, Expected] = {}
        self._next = 0

    def expect(self) -> Expected:
        """
        Register one.
        """
        made = self.expected[self._next] = Expected(self, self._next)
        self._next += 1
        return made

    def opened(self, stream: Stream) -> None:
        """
        The server opens a stream. One that is no sidechannel, or none that is waited for, is closed again.
        """
        Deferred.fromCoroutine(self._shake_hands(ByteStream(stream), stream)).addErrback(
            lambda failure: failure.trap(StreamBroken, SidechannelError, Refused)
        )

    async def _shake_hands(self, stream: ByteStream, raw: Stream) -> None:
        raw.accept()
        side = ClientSide()
        try:
            while not side.announced:
                data = await stream.read()
                if not data:
                    side.finish()
                events = side.receive(data)
        except SidechannelError:
            stream.reset()
            raise
        announced, *rest = events
        assert isinstance(announced, Announced)
        expected = self.expected.pop(announced.sidechannel_id, None)
        if expected is None:
            stream.close()
            return
        await stream.write(CONFIRMATION)
        expected.opened.callback(Sidechannel(stream, b"".join(event.data for event in rest)))  # type: ignore[union-attr]
