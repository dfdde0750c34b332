"""
``git rev-list`` over revisions that a caller names, with the pseudo revisions among them (``--all``, ``--not`` …).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..errors import Code, GitalyError
from ..streams import StreamBroken
from .command import Command
from .directory import GitDirectory
from .interfaces import Ended, IChild, IGit
from .options import Flag, Option, Revision
from .quoting import quoted
from .records import batches

_PSEUDO_IN_STDIN = (2, 42, 0)
"""The first git that takes pseudo revisions from standard input."""

_ROOM = 64 << 10
_WORD = 16
"""Bytes of a command line that revisions may take, and what each takes besides its own."""

_SEVERAL = (b"..", b"^@", b"^!", b"^-")
"""What is in the names of revisions that stand for several."""


class WalkFailed(GitalyError):
    """
    ``git rev-list`` failed: mostly because a revision does not resolve.
    """

    def __init__(self, ended: Ended) -> None:
        text = f"rev-list pipeline command: {ended}, stderr: {quoted(ended.stderr)}"
        super().__init__(text, Code.INTERNAL, {"status": ended.status})
        self.status = ended.status


async def walked(
    git: IGit, directory: GitDirectory, options: Sequence[str | bytes], revisions: Sequence[bytes], paths: Sequence[bytes] = ()
) -> AsyncGenerator[list[bytes], None]:
    """
    The lines that it prints, several at a time. The iterator is closed by whoever stops before its end.

    :param revisions: as many as may be; checked by :func:`~gitaly_tx.git.names.validate_revision`.
    :param paths: only commits that touch one of these; none for all.
    :raises WalkFailed: if git failed, which may be after some lines.
    """
    more, lines = arranged(revisions, git.version >= _PSEUDO_IN_STDIN)
    command = Command("rev-list", [*map(Flag, options), *more], after_separator=paths or None, directory=directory)
    child = git.spawn(command, stdin=bool(lines))
    try:
        if lines:
            await _tell(child, lines)
        async with aclosing(batches(child)) as source:
            async for batch in source:
                yield batch
        ended = await child.wait()
    finally:
        child.kill()
    if ended.status:
        raise WalkFailed(ended)


async def _tell(child: IChild, lines: bytes) -> None:
    try:
        await child.stdin.write(lines)
    except StreamBroken:
        pass  # Its exit status says why it did not want to read them all.
    child.close_stdin()


def arranged(revisions: Sequence[bytes], pseudo_in_stdin: bool) -> tuple[list[Option], bytes]:
    """
    Revisions as a command line and as standard input. There they go only if they are too many for a command line: git's words
    about a revision that does not resolve are others there.

    :param pseudo_in_stdin: whether git takes pseudo revisions there.
    """
    if sum(map(len, revisions)) + _WORD * len(revisions) <= _ROOM:
        return [_option(revision) for revision in revisions], b""
    options: list[Option] = []
    lines: list[bytes] = []
    negated = False
    for revision in revisions:
        if b"\n" in revision:
            options.append(Revision(revision))
        elif pseudo_in_stdin:
            lines.append(revision)
        elif revision.startswith(b"--"):
            negated ^= revision == b"--not"
            options.append(Flag(revision))
        elif not negated:
            lines.append(revision)
        elif revision.startswith(b"^"):
            lines.append(revision[1:])
        elif any(mark in revision for mark in _SEVERAL):
            options.append(Revision(revision))
        else:
            lines.append(b"^" + revision)
    if negated:
        options.append(Flag("--not"))
    return [*options, Flag("--stdin")], b"".join(line + b"\n" for line in lines)


def _option(revision: bytes) -> Option:
    return Flag(revision) if revision.startswith(b"--") else Revision(revision)


__all__ = ["WalkFailed", "arranged", "walked"]
