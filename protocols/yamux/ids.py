"""
Which streams the peer has opened already.
"""

from __future__ import annotations

from .errors import DuplicateStream, InvalidStreamID, TooManySkipped

MAX_SKIPPED = 1024
"""How many numbers a peer may leave out, to use them later."""


class PeerIDs:
    """
    The numbers that the peer has given to streams.

    A number is used once. A peer whose threads open streams side by side does not always send them in order, so that a number may
    come after higher ones; what it left out is remembered, and is not much.

    :param client: whether the peer is the session's client, who opens odd numbers; the server opens even ones.
    """

    def __init__(self, client: bool) -> None:
        self._next = 1 if client else 2
        self._skipped: set[int] = set()

    def use(self, stream_id: int) -> None:
        """
        The peer opens a stream.

        :raises InvalidStreamID: if the number is not one of the peer's.
        :raises DuplicateStream: if it was used before.
        :raises TooManySkipped: if too many numbers below it were not.
        """
        if not stream_id or (stream_id - self._next) % 2:
            raise InvalidStreamID(stream_id)
        if stream_id < self._next:
            if stream_id not in self._skipped:
                raise DuplicateStream(stream_id)
            self._skipped.remove(stream_id)
            return
        if len(self._skipped) + (stream_id - self._next) // 2 > MAX_SKIPPED:
            raise TooManySkipped(stream_id)
        self._skipped.update(range(self._next, stream_id, 2))
        self._next = stream_id + 2
