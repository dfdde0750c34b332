"""
What ``git log --format='%H %D' --shortstat`` prints.
"""

from __future__ import annotations

import re

from attrs import frozen

_COMMIT = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)(?: (.*))?\Z", re.DOTALL)
_STAT = re.compile(
    rb" (\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?\Z",
)


@frozen
class LogEntry:
    """
    :param stat: numbers of changed files, lines added and lines deleted; ``None`` where git prints none.
    :param decorations: the full names of the refs that point at the commit.
    """

    oid: bytes
    stat: tuple[int, int, int] | None = None
    decorations: tuple[bytes, ...] = ()


class LogParser:
    """
    Takes lines, gives commits: each as soon as the next one begins.
    """

    def __init__(self) -> None:
        self._current: LogEntry | None = None

    def line(self, line: bytes) -> LogEntry | None:
        """
        :param line: without its newline.
        :returns: the commit that ended with the line before.
        """
        begins = _COMMIT.match(line)
        if begins is not None:
            ended = self._current
            self._current = LogEntry(begins[1], decorations=decorations(begins[2] or b""))
            return ended
        stat = _STAT.match(line)
        if stat is not None and self._current is not None:
            numbers = (int(stat[1]), int(stat[2] or 0), int(stat[3] or 0))
            self._current = LogEntry(self._current.oid, numbers, self._current.decorations)
        return None

    def end(self) -> LogEntry | None:
        """
        Say that nothing more comes.

        :returns: the last commit.
        """
        ended, self._current = self._current, None
        return ended


def decorations(text: bytes) -> tuple[bytes, ...]:
    """
    The refs in a commit's decoration: ``HEAD -> refs/heads/main, tag: refs/tags/v1``.
    """
    found = (name for each in text.split(b", ") for name in each.split(b" -> "))
    return tuple(name.removeprefix(b"tag: ") for name in found if name)
