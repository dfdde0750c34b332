"""
What ``git blame`` says when it cannot.
"""

from __future__ import annotations

import re

_NO_PATH = re.compile(rb"^fatal: no such path '?(.*?)'? in ", re.MULTILINE)
_TOO_SHORT = re.compile(rb"^fatal: file (?:.*) has only (\d+) lines?$", re.MULTILINE)
_BAD_LINE = re.compile(rb"^fatal: invalid object name: (.*)$", re.MULTILINE)


def names_no_path(stderr: bytes) -> bool:
    """
    Whether there is no such file at that revision.
    """
    return _NO_PATH.search(stderr) is not None


def lines_there_are(stderr: bytes) -> int | None:
    """
    How many lines the file has, if the range that was asked for lies outside.
    """
    found = _TOO_SHORT.search(stderr)
    return None if found is None else int(found[1])


def unknown_line(stderr: bytes) -> bytes | None:
    """
    The line of the file with revisions to ignore that is no object id, if there is one.
    """
    found = _BAD_LINE.search(stderr)
    return None if found is None else found[1]
