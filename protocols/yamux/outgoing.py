"""
What waits to be written to the connection.
"""

from __future__ import annotations

from .errors import AnswersNotRead
from .frames import Frame, FrameType

MAX_ANSWERS = 1024
"""How many answers that the peer provokes may wait."""


class Outgoing:
    """
    Frames in the order in which they were put, until they are fetched.

    :param maximum: how many bytes of data may wait.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._pieces: list[bytes | memoryview] = []
        self._waiting = 0
        self._answers = 0

    @property
    def room(self) -> int:
        """
        How many bytes of data may be put.
        """
        return self._maximum - self._waiting

    def put(self, frame: Frame) -> None:
        """
        A frame of our own.
        """
        self._pieces.append(frame.encode())

    def put_answer(self, frame: Frame) -> None:
        """
        A frame that the peer provokes, as often as it likes.

        :raises AnswersNotRead: if :data:`MAX_ANSWERS` are waiting.
        """
        if self._answers >= MAX_ANSWERS:
            raise AnswersNotRead(self._answers)
        self._answers += 1
        self.put(frame)

    def put_data(self, stream_id: int, data: bytes | memoryview) -> None:
        """
        A frame with data, which are not copied; no more than there is :attr:`room` for.
        """
        self.put(Frame(FrameType.DATA, 0, stream_id, len(data)))
        self._pieces.append(data)
        self._waiting += len(data)

    def fetch(self) -> list[bytes | memoryview]:
        """
        :returns: everything that waits, which is given out once.
        """
        pieces, self._pieces = self._pieces, []
        self._waiting = self._answers = 0
        return pieces
