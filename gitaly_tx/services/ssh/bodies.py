"""
Where the bytes of git come from and go to: the door's own streams where it has them, otherwise the messages of the call.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

from protocols.gitaly.shared_pb2 import ExitStatus

from ...git.interfaces import Ended
from ...rpc.call import Call
from ...rpc.chunks import ChunkSink, ChunkSource
from ...streams import IByteSink, IByteSource, StreamBroken


class Streams:
    """
    The three streams of a git command, and its exit status.

    :param reply: the class of the call's replies.
    """

    def __init__(self, call: Call, reply: Callable[..., Message]) -> None:
        self._call = call
        self._reply = reply
        body = call.body
        self.source: IByteSource = ChunkSource(call.exchange, _stdin) if body is None else body.source
        self.stdout: IByteSink = ChunkSink(call.exchange, self._of_stdout) if body is None else body.stdout
        self.stderr: IByteSink = ChunkSink(call.exchange, self._of_stderr) if body is None else body.stderr

    async def exit(self, status: int) -> None:
        """
        Tell the exit status, to whoever is still there.

        :param status: as :class:`~gitaly_tx.git.interfaces.Ended` has it; a signal is told as a shell would.
        """
        value = status if status >= 0 else 128 - status
        try:
            await self._call.exchange.send(self._reply(exit_status=ExitStatus(value=value)))
        except StreamBroken:
            pass  # The error that follows has nobody to reach either.

    def _of_stdout(self, data: bytes) -> Message:
        return self._reply(stdout=data)

    def _of_stderr(self, data: bytes) -> Message:
        return self._reply(stderr=data)


def last_words(ended: Ended, path: str) -> str:
    """
    What a git command said last, without the repository's place on this machine.
    """
    return ended.stderr.decode("utf-8", "surrogateescape").replace(path, ".")


HUNG_UP = b"fatal: the remote end hung up unexpectedly\n"
"""What git says, and nothing else, when its client goes away."""


def _stdin(request: Message) -> bytes:
    return request.stdin  # type: ignore[attr-defined, no-any-return]
