"""
The policies that come with the server.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from fnmatch import translate

from attrs import define, evolve, field
from zope.interface import implementer

from ..errors import GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..git.objectid import ObjectID
from .interfaces import IPushPolicy, Push, Refused

_NAMED = 5
"""How many offenders a refusal names."""

_UNITS = ("KiB", "MiB", "GiB", "TiB")


@implementer(IPushPolicy)
@define(eq=False)
class LargestFile:
    """
    No file may be larger than so many bytes.

    What counts is a file's own size, however well it is compressed or stored as a difference. Files that the repository has
    already are not looked at. A push that brings nothing too large costs one look at the index of what it brings, and no walk
    through the history.

    :param limit: in bytes; a file of exactly this size passes.
    """

    limit: int
    name: str = field(default="largest-file", init=False)

    async def check(self, push: Push) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IPushPolicy.check`.
        """
        quarantine = push.repository.directory
        if quarantine.object_directory is None:
            return
        large = await self._large(push.git, quarantine)
        if not large:
            return
        # What came along only as the base of a difference is the repository's already, so no walk from the new tips finds it.
        tips = [update.new for update in push.updates if not update.new.is_zero]
        named = {oid: path async for oid, path in _blobs(push.git, quarantine, tips) if oid in large}
        if named:
            raise Refused(self._text({oid: (large[oid], path) for oid, path in named.items()}))

    async def _large(self, git: IGit, quarantine: GitDirectory) -> dict[bytes, int]:
        """
        The sizes of the blobs in quarantine that are too large.
        """
        command = Command(
            "cat-file",
            ["--batch-check=%(objecttype) %(objectsize) %(objectname)", "--batch-all-objects", "--unordered", "--buffer"],
            directory=evolve(quarantine, alternates=()),
        )
        # The digits alone tell most blobs to be small enough, so Python looks at few of the lines.
        pattern = re.compile(rb"^blob (\d{%d,}) ([0-9a-f]+)$" % len(str(self.limit)), re.MULTILINE)
        return {
            oid: int(size)
            async for lines in _lines(git, command)
            for size, oid in pattern.findall(lines)
            if int(size) > self.limit
        }

    def _text(self, found: dict[bytes, tuple[int, bytes]]) -> str:
        lines = [
            f"{path.decode('utf-8', 'replace') or 'object ' + oid.decode()} is {_size(size)},"
            f" more than the {_size(self.limit)} that a file may have here"
            for oid, (size, path) in list(found.items())[:_NAMED]
        ]
        if len(found) > _NAMED:
            lines.append(f"and {len(found) - _NAMED} more")
        return "\n".join(lines)


@implementer(IPushPolicy)
@define(eq=False)
class BranchNames:
    """
    Branches that are created must be named like one of some patterns, such as ``main`` or ``feature/*``.

    :param patterns: as in a shell, of the name without ``refs/heads/``; ``*`` matches slashes too.
    """

    patterns: Sequence[str]
    name: str = field(default="branch-names", init=False)
    _allowed: re.Pattern[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._allowed = re.compile("|".join(map(translate, self.patterns)) or r"(?!)")

    async def check(self, push: Push) -> None:
        """
        As :func:`gitaly_tx.hooks.interfaces.IPushPolicy.check`.
        """
        created = (
            update.name.removeprefix(b"refs/heads/").decode("utf-8", "replace")
            for update in push.updates
            if update.name.startswith(b"refs/heads/") and not update.new.is_zero and (update.old is None or update.old.is_zero)
        )
        wrong = [name for name in created if not self._allowed.match(name)]
        if wrong:
            lines = [f"branch name {name!r} is not allowed here" for name in wrong[:_NAMED]]
            if len(wrong) > _NAMED:
                lines.append(f"and {len(wrong) - _NAMED} more")
            raise Refused("\n".join([*lines, f"allowed are: {', '.join(self.patterns)}"]))


async def _blobs(git: IGit, quarantine: GitDirectory, tips: Iterable[ObjectID]) -> AsyncIterator[tuple[bytes, bytes]]:
    """
    The blobs that ``tips`` add to what the repository's refs reach, each with a path where it lies; ``b""`` for a blob that is
    itself a tip.
    """
    options = ["--objects", "--filter=object:type=blob", "--ignore-missing", "--stdin", "--not", "--all"]
    command = Command("rev-list", options, directory=quarantine)
    async for lines in _lines(git, command, b"".join(tip + b"\n" for tip in tips)):
        for line in lines.splitlines():
            oid, _, path = line.partition(b" ")
            yield oid, path


async def _lines(git: IGit, command: Command, stdin: bytes = b"") -> AsyncIterator[bytes]:
    """
    What a command prints, in pieces of whole lines.

    :raises GitalyError: if it fails.
    """
    child = git.spawn(command, stdin=bool(stdin))
    try:
        if stdin:
            await child.stdin.write(stdin)
            child.close_stdin()
        rest = b""
        while piece := await child.stdout.read():
            lines, newline, end = piece.rpartition(b"\n")
            if newline:
                yield rest + lines
                rest = b""
            rest += end
        ended = await child.wait()
    finally:
        child.kill()
        await child.wait()
    if ended.status != 0:
        raise GitalyError(
            f"{command.name} failed: {ended}", None, {"stderr": ended.stderr.decode("utf-8", "replace"), "command": command.name}
        )


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    size = float(count)
    for unit in _UNITS:
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size:.1f} {_UNITS[-1]}"
