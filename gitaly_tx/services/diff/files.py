"""
What git says of two trees, file by file: the raw entry of each, and its patch.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from attrs import define

from ...errors import Code, GitalyError
from ...git.interfaces import Ended, IChild
from ...git.parse.patch import Event, PatchDecoder, PatchPart, RawPart, header_of
from ...git.parse.rawdiff import Change, RawDecoder
from ...git.records import pieces
from ...wal.threads import InThread
from ..running import Failed
from ..spool import Spool


@define
class FileDiff:
    """
    A file that differs.

    :ivar patch: what is kept of its patch; ``None`` if nobody wants it.
    :ivar missing: git printed no patch for it, not even an empty one: what differs was to be ignored.
    :ivar size: bytes of the patch, hunks' headers included.
    :ivar lines: lines of the patch, hunks' headers aside.
    :ivar counted: bytes of these lines.
    :ivar added: lines that begin with a plus.
    :ivar removed: lines that begin with a minus.
    """

    change: Change
    patch: Spool | None
    missing: bool = True
    size: int = 0
    lines: int = 0
    counted: int = 0
    added: int = 0
    removed: int = 0
    binary: bool = False

    async def take(self, part: PatchPart, wanted: Callable[[FileDiff], bool]) -> None:
        """
        Count a part of the patch and keep it.

        :param wanted: says from the counts whether the patch may still be of use; once it says no, nothing of it is kept.
        """
        self.size += len(part.data)
        self.lines += part.lines
        self.counted += part.size
        self.added += part.added
        self.removed += part.removed
        self.binary = self.binary or part.binary
        if self.patch is None:
            return
        if wanted(self):
            await self.patch.append(part.data)
        else:
            await self.drop()

    def held(self, size: int) -> bytes | None:
        """
        The patch as :meth:`Spool.held`; empty if it is not kept.
        """
        return b"" if self.patch is None else self.patch.held(size)

    async def parts(self, size: int) -> AsyncGenerator[tuple[bytes, bool], None]:
        """
        The patch as :meth:`Spool.parts`; one that is not kept has none.
        """
        if self.patch is None:
            return
        async with aclosing(self.patch.parts(size)) as found:
            async for part in found:
                yield part

    async def drop(self) -> None:
        """
        Let go of what is kept of the patch.
        """
        patch, self.patch = self.patch, None
        if patch is not None:
            await patch.close()


class DiffReader:
    """
    Reads a child's ``git diff --patch-with-raw -z`` as :func:`~gitaly_tx.services.diff.commands.diff` makes it.

    The raw entries of all files come before the first patch, so they wait in a spool, too.

    :param in_thread: where spools are written and read.
    :param wanted: as for :meth:`FileDiff.take`.
    :param begins: told of every file before its patch is counted, and of those without one.
    :param failed: the error to raise if git failed.
    """

    def __init__(
        self,
        in_thread: InThread,
        wanted: Callable[[FileDiff], bool] = lambda file: True,
        begins: Callable[[], None] = lambda: None,
        failed: Callable[[Ended], GitalyError] = lambda ended: Failed(ended, Code.FAILED_PRECONDITION),
    ) -> None:
        self._in_thread = in_thread
        self._wanted = wanted
        self._begins = begins
        self._failed = failed
        self._raw = Spool(in_thread)
        self._current: FileDiff | None = None

    async def files(self, child: IChild) -> AsyncGenerator[FileDiff, None]:
        """
        The files in git's order, a change of type as two. Each has to be dropped by whoever gets it.

        :raises GitalyError: what ``failed`` made, if git failed; no file comes then that it did not tell in full.
            INTERNAL ``parse failure: …``.
        """
        async with aclosing(_changes(self._raw)) as changes, aclosing(self._files(child, changes)) as found:
            try:
                async for file in found:
                    yield file
            except ValueError as error:
                raise GitalyError(f"parse failure: {error}", Code.INTERNAL) from error
            finally:
                if self._current is not None:
                    await self._current.drop()
                await self._raw.close()

    async def _files(self, child: IChild, parts: AsyncGenerator[list[Change], None]) -> AsyncGenerator[FileDiff, None]:
        changes = _OneByOne(parts)
        async with aclosing(_events(child)) as batches:
            async for events in batches:
                for event in events:
                    if isinstance(event, PatchPart):
                        assert self._current is not None, "the decoder tells the beginning first"
                        await self._current.take(event, self._wanted)
                    elif isinstance(event, RawPart):
                        await self._raw.append(event.data)
                    else:
                        if self._current is not None:
                            yield self._leave()
                        while self._current is None:
                            change = await changes.next()
                            if change is None:
                                raise ValueError("patch of a file without a raw entry")
                            self._begins()
                            if header_of(change) == event.header:
                                self._current = FileDiff(change, Spool(self._in_thread), False)
                            else:
                                yield FileDiff(change, None)
        ended = await child.wait()
        if ended.status:
            raise self._failed(ended)
        if self._current is not None:
            yield self._leave()
        while (change := await changes.next()) is not None:
            self._begins()
            yield FileDiff(change, None)

    def _leave(self) -> FileDiff:
        file, self._current = self._current, None
        assert file is not None
        return file


async def _events(child: IChild) -> AsyncGenerator[list[Event], None]:
    decoder = PatchDecoder()
    async with aclosing(pieces(child)) as source:
        async for data in source:
            yield decoder.feed(data)
    yield decoder.end()


async def _changes(raw: Spool) -> AsyncGenerator[list[Change], None]:
    """
    The raw entries, read when the first of them is asked for.
    """
    decoder = RawDecoder()
    rest = b""
    async with aclosing(raw.pieces()) as source:
        async for data in source:
            *records, rest = (rest + data).split(b"\0")
            yield [half for change in decoder.feed(records) for half in change.halves()]
    if rest or not decoder.complete:
        raise ValueError("raw entries end within one")


class _OneByOne:
    """
    :param parts: closed by somebody else.
    """

    def __init__(self, parts: AsyncGenerator[list[Change], None]) -> None:
        self._parts = parts
        self._waiting: Iterator[Change] = iter(())

    async def next(self) -> Change | None:
        """
        The next one; ``None`` at the end.
        """
        while (change := next(self._waiting, None)) is None:
            part = await anext(self._parts, None)
            if part is None:
                return None
            self._waiting = iter(part)
        return change


__all__ = ["DiffReader", "FileDiff"]
