"""
What git's children say on standard error, made fit for the client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..streams import IByteSink

_LONGEST = 4096
"""How long a line may be before its beginning is passed on without its end."""


def secrets_of(directory: GitDirectory) -> tuple[bytes, ...]:
    """
    The paths that git may name in its messages about a repository, and that are nobody's business.
    """
    paths = {directory.path, directory.object_directory or directory.objects, *directory.alternates}
    return tuple(sorted((path.encode("utf-8", "surrogateescape") for path in paths), key=len, reverse=True))


def _unheard() -> None:
    """
    For children that do not say when they have read enough.
    """


@implementer(IByteSink)
@define(eq=False)
class Messages:
    """
    Passes on what a child says, line by line, without the server's paths. The lines of progress, which end in a carriage return,
    count as lines. What is left when the child has ended is passed on by :func:`finish`.

    :param tell: where it goes; ``None`` for nowhere.
    :param secrets: what is cut out, longest first.
    :param input_ended: called when the child says (with a NUL, as ``--report-end-of-input`` makes it) that it needs no more
        input.
    :ivar kept: the end of what was said so far.
    """

    _tell: Callable[[bytes], Awaitable[None]] | None
    _secrets: Sequence[bytes] = ()
    _input_ended: Callable[[], None] = _unheard
    _pending: bytes = field(default=b"", init=False)
    kept: bytes = field(default=b"", init=False)

    async def write(self, data: bytes) -> None:
        """
        As :func:`gitaly_tx.streams.IByteSink.write`.
        """
        if b"\0" in data:
            data = data.replace(b"\0", b"")
            self._input_ended()
        self._pending += data
        end = max(self._pending.rfind(b"\n"), self._pending.rfind(b"\r")) + 1
        if not end and len(self._pending) > _LONGEST:
            end = len(self._pending)
        lines, self._pending = self._pending[:end], self._pending[end:]
        await self._pass_on(lines)

    async def finish(self) -> None:
        """
        The child has ended.
        """
        rest, self._pending = self._pending, b""
        await self._pass_on(rest)

    async def _pass_on(self, text: bytes) -> None:
        for secret in self._secrets:
            text = text.replace(secret, b"...")
        self.kept = (self.kept + text)[-_LONGEST:]
        if text and self._tell is not None:
            await self._tell(text)
