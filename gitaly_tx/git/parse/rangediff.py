"""
What ``git range-diff`` prints: pairs of commits, a line each, ``1:  <id> ! 2:  <id> subject``, and after a pair that differs the
difference of their patches, indented by four spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen

_INDENTATION = b"    "

# The numbers are padded to the same width. After four spaces a patch's line goes on with a space, a sign or an at, never a digit.
_PAIR = re.compile(rb" *(?:-|[0-9]+): +(-+|[0-9a-f]+) ([=><!]) +(?:-|[0-9]+): +(-+|[0-9a-f]+) (.*)\Z", re.DOTALL)


@frozen
class Pair:
    """
    :param old: the id of the commit in the first range; dashes if there is none.
    :param sign: ``=``, ``!``, ``<`` (only in the first range) or ``>`` (only in the second).
    :param new: the id of the commit in the second range; dashes if there is none.
    :param subject: the first line of the message.
    """

    old: bytes
    sign: bytes
    new: bytes
    subject: bytes


class RangeDiffDecoder:
    """
    Lines in; out come pairs, and after each of them the lines of its patch, without their indentation and with their newline.
    """

    def __init__(self) -> None:
        self._begun = False

    def feed(self, lines: Iterable[bytes]) -> Iterator[Pair | bytes]:
        """
        :param lines: without their newlines.
        :raises ValueError: if that is not the format.
        """
        for line in lines:
            pair = _PAIR.match(line)
            if pair is not None:
                self._begun = True
                yield Pair(*pair.groups())
            elif not self._begun or not line.startswith(_INDENTATION):
                raise ValueError("line of git range-diff that is neither a pair nor indented")
            else:
                yield line[len(_INDENTATION) :] + b"\n"


__all__ = ["Pair", "RangeDiffDecoder"]
