"""
Revisions for a command that walks, as many as a caller likes to send.

Newer git (2.42) takes pseudo-revisions such as ``--all`` and ``--not`` on its standard input like any other revision; older git
takes them on the command line only. So those few go there and everything else goes to standard input, whatever the git.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ..errors import Code, GitalyError
from .names import PSEUDO_REVISION_PREFIXES, PSEUDO_REVISIONS
from .options import Flag, Option, Revision

_NOT = Flag("--not")

MAXIMUM = 16 << 20
"""Bytes of all revisions of one command."""


@frozen
class RevisionList:
    """
    :param options: for the command line, before ``--stdin``.
    :param stdin: for standard input.
    """

    options: tuple[Option, ...]
    stdin: bytes


def revision_list(revisions: Iterable[bytes]) -> RevisionList:
    """
    Divide revisions between the command line and standard input, so that together they mean what they mean in their order.

    :param revisions: what ``git rev-list`` takes, but for options that are no pseudo-revisions.
    :raises GitalyError: INVALID_ARGUMENT for such an option; RESOURCE_EXHAUSTED for more than :data:`MAXIMUM` bytes.
    """
    options: list[Option] = []
    lines: list[bytes] = []
    negated = said = False
    room = MAXIMUM
    for revision in revisions:
        room -= len(revision) + 1
        if room < 0:
            raise GitalyError("too many revisions", Code.RESOURCE_EXHAUSTED)
        if revision == b"--not":
            negated = not negated
            continue
        pseudo = revision in PSEUDO_REVISIONS or revision.startswith(PSEUDO_REVISION_PREFIXES)
        if revision.startswith(b"-") and not pseudo:
            raise GitalyError("invalid revision: revision can't start with '-'", Code.INVALID_ARGUMENT)
        if not pseudo and not negated:
            lines.append(revision)
        elif not pseudo and revision[:1] != b"^" and b".." not in revision:
            lines.append(b"^" + revision)
        else:
            if said != negated:
                options.append(_NOT)
                said = negated
            options.append(Flag(revision) if pseudo else Revision(revision))
    if said:
        options.append(_NOT)
    return RevisionList(tuple(options), b"".join(line + b"\n" for line in lines))
