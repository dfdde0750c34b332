"""
Ref updates that a push hands over to a transaction of the log.
"""

from __future__ import annotations

from attrs import define, field

from protocols.git import pktline
from protocols.git.errors import GitProtocolError
from protocols.git.pktline import PktLineDecoder, Special
from protocols.gitaly.hook_pb2 import ProcReceiveHookRequest, ProcReceiveHookResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call
from .payload import PayloadUnusable, read_payload, variables
from .running import Failed
from .streams import Output, first_request, standard_input

VERSION = b"version=1\0"


async def proc_receive_hook(call: Call) -> None:
    """
    Talk with git's receive-pack (githooks(5), "proc-receive"). Its updates are for a command that waits for them under a
    transaction's number. Pushes are taken in process here and need no such hook, so nobody waits, and that is said.

    :raises GitalyError: INTERNAL ``creating handler: …`` for a conversation that cannot be understood.
    """
    request: ProcReceiveHookRequest = await first_request(call)
    output = Output(call, ProcReceiveHookResponse)
    try:
        payload = read_payload(variables(request.environment_variables))
        if not payload.transaction:
            raise Failed("no transaction found in payload")
        conversation = Conversation(await standard_input(call))
        await output.stdout(pktline.data(VERSION + (b"atomic" if conversation.atomic else b"")))
        await output.stdout(pktline.FLUSH)
        conversation.updates()
    except (Failed, PayloadUnusable) as error:
        raise GitalyError(f"creating handler: {error}", Code.INTERNAL) from error
    await output.exit(1, f"transmitting handler: no waiters for id: {payload.transaction}")


@define(eq=False)
class Conversation:
    """
    What git says.

    :raises Failed: if it does not begin as it must.
    :ivar atomic: all updates or none.
    """

    stdin: bytes
    atomic: bool = field(default=False, init=False)
    _decoder: PktLineDecoder = field(factory=PktLineDecoder, init=False)

    def __attrs_post_init__(self) -> None:
        self._decoder.feed(self.stdin)
        header = self._next("expected version negotiation")
        if isinstance(header, Special) or not header.startswith(VERSION):
            given = b"" if isinstance(header, Special) else header
            raise Failed(f"unsupported version: {given.decode('utf-8', 'replace')}")
        self.atomic = b"atomic" in header.removeprefix(VERSION).split(b" ")
        if self._next("expected flush") is not Special.FLUSH:
            raise Failed("expected pkt flush")

    def updates(self) -> list[tuple[bytes, bytes, bytes]]:
        """
        Old value, new value and name of each ref.

        :raises Failed: if one is not that.
        """
        found = []
        while (line := self._read("parsing stdin")) is not None and line is not Special.FLUSH:
            if isinstance(line, Special):
                raise Failed("receiving reference update: invalid packet")
            parts = line.split(b" ")
            if len(parts) != 3:
                shown = b" ".join(parts).decode("utf-8", "replace")
                raise Failed(f"parse reference update: unknown ref update format: [{shown}]")
            found.append((parts[0], parts[1], parts[2]))
        return found

    def _next(self, expected: str) -> bytes | Special:
        line = self._read(expected)
        if line is None:
            # There is no error, which is what Go's formatting makes of that.
            raise Failed(f"{expected}: %!w(<nil>)")
        return line

    def _read(self, doing: str) -> bytes | Special | None:
        try:
            event = self._decoder.read()
        except GitProtocolError as error:
            raise Failed(f"{doing}: {error}") from error
        return event.payload if isinstance(event, pktline.Packet) else event
