"""
How many bytes of a stream may be sent: arithmetic only.

Every stream begins with :data:`INITIAL` bytes in each direction. Sending takes from the window; the receiver gives back by window
updates, once its application has consumed what came. Only the bytes of data frames count.
"""

from __future__ import annotations

from attrs import define

from .errors import ReceiveWindowExceeded, SendWindowOverflow

INITIAL = 256 * 1024
"""What both sides assume of a new stream, and the least maximum that a side can have."""

LARGEST = (1 << 32) - 1
"""What fits into a header."""


@define
class SendWindow:
    """
    What the peer lets us send.

    :param size: how many bytes we may send now.
    """

    size: int = INITIAL

    def grow(self, delta: int) -> None:
        """
        :raises SendWindowOverflow: if the window would be wider than :data:`LARGEST`.
        """
        if self.size + delta > LARGEST:
            raise SendWindowOverflow(self.size, delta)
        self.size += delta

    def take(self, length: int) -> None:
        """
        :raises ValueError: if so many bytes may not be sent.
        """
        if length > self.size:
            raise ValueError("more than the window allows")
        self.size -= length


@define
class ReceiveWindow:
    """
    What we let the peer send.

    At any time, what it may send and what came and is not consumed are together at most ``maximum`` bytes.

    :param maximum: how many bytes may wait for the application.
    :param size: how many bytes the peer may send now.
    :param unconsumed: how many came and wait.
    """

    maximum: int = INITIAL
    size: int = INITIAL
    unconsumed: int = 0

    def take(self, length: int) -> None:
        """
        The peer sends.

        :raises ReceiveWindowExceeded: if it sends more than it may.
        """
        if length > self.size:
            raise ReceiveWindowExceeded(self.size, length)
        self.size -= length
        self.unconsumed += length

    def consumed(self, count: int) -> None:
        """
        The application has done with ``count`` bytes.

        :raises ValueError: if not so many came.
        """
        if not 0 <= count <= self.unconsumed:
            raise ValueError("more consumed than came")
        self.unconsumed -= count

    def due(self) -> bool:
        """
        Whether it is time for an update: half of the maximum can be given back.
        """
        return self._returnable() >= self.maximum // 2

    def update(self) -> int:
        """
        Let the peer send all that fits.

        :returns: how much more that is than before, for a window update or a frame that opens or accepts the stream.
        """
        delta = self._returnable()
        self.size += delta
        return delta

    def _returnable(self) -> int:
        return self.maximum - self.unconsumed - self.size
