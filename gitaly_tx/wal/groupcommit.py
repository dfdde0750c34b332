"""
Many writes, one fsync.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .interfaces import Entry, LogFailed, Partition
from .threads import InThread
from .writer import Note, Wish, Writer, Written

BATCH = 16 << 20
"""The most bytes of staged files that are written with one fsync."""

NOTES_AFTER = 0.05
"""Seconds until notes are written that no entry took along."""

Observer = Callable[[float, int, int], None]


def unobserved(seconds: float, entries: int, size: int) -> None:
    """
    For those who measure nothing.
    """


@define(eq=False)
class _Waiting:
    wish: Wish
    done: Deferred[Entry]

    @property
    def weight(self) -> int:
        return sum(len(file.content or b"") for file in self.wish.manifest.staged)


@define(eq=False)
class GroupCommit:
    """
    Gives the writer's thread one batch after the other. What comes while a batch is written and synced makes the next batch.

    Notes that entries were applied ride along. They need no fsync; if no entry comes they are written without one.

    :param written: told of each batch that is durable, before anybody who waits for it.
    :param ended: told of each wish that was answered, whatever the answer, before whoever made it.
    :param idle: called when nothing waits any more.
    :param observer: told after every fsync: its seconds, the entries, the bytes.
    """

    _writer: Writer
    _in_writer: InThread
    _clock: IReactorTime
    _written: Callable[[Written], None]
    _ended: Callable[[Partition], None]
    _idle: Callable[[], None]
    _observer: Observer
    _waiting: deque[_Waiting] = field(factory=deque, init=False)
    _retracting: list[tuple[Note, Deferred[None]]] = field(factory=list, init=False)
    _notes: list[Note] = field(factory=list, init=False)
    _noted: float = field(default=0.0, init=False)
    _notes_due: IDelayedCall | None = field(default=None, init=False)
    _running: bool = field(default=False, init=False)
    _in_flight: int = field(default=0, init=False)
    _drained: list[Deferred[None]] = field(factory=list, init=False)
    _closed: bool = field(default=False, init=False)

    @property
    def pending(self) -> int:
        """
        Entries that wait for their fsync.
        """
        return len(self._waiting) + self._in_flight

    def append(self, wish: Wish) -> Deferred[Entry]:
        """
        :returns: fires after the fsync. Cancelling it does not stop the write.
        """
        self._must_be_open()
        waiting = _Waiting(wish, Deferred())
        self._waiting.append(waiting)
        self._run()
        return waiting.done

    def retract(self, entry: Entry) -> Deferred[None]:
        """
        Write that an entry does not count; durable as an entry is.
        """
        self._must_be_open()
        done: Deferred[None] = Deferred()
        self._retracting.append((_note_of(entry), done))
        self._run()
        return done

    def note(self, entry: Entry) -> None:
        """
        Write, soon, that an entry was applied.
        """
        if not self._notes:
            self._noted = self._clock.seconds()
        self._notes.append(_note_of(entry))
        if self._notes_due is None and not self._running and not self._closed:
            self._notes_due = self._clock.callLater(NOTES_AFTER, self._look_at_notes)

    def drain(self) -> Deferred[None]:
        """
        Write what there is; nothing is taken from now on.

        :returns: fires when nothing is under way any more.
        """
        self._run()
        self._closed = True
        if self._notes_due is not None:
            self._notes_due.cancel()
            self._notes_due = None
        done: Deferred[None] = Deferred()
        if self._running:
            self._drained.append(done)
        else:
            done.callback(None)
        return done

    def _must_be_open(self) -> None:
        if self._closed:
            raise LogFailed("closed")

    def _look_at_notes(self) -> None:
        """
        Write notes that nobody took along. There is one timer for all, and not one that each entry makes and the next one stops.
        """
        self._notes_due = None
        if not self._notes or self._running:
            return
        left = self._noted + NOTES_AFTER - self._clock.seconds()
        if left > 0:
            self._notes_due = self._clock.callLater(left, self._look_at_notes)
        else:
            self._run()

    def _run(self) -> None:
        if not self._running:
            self._running = True
            Deferred.fromCoroutine(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._waiting or self._retracting or self._notes:
                if not await self._write_batch():
                    break
        finally:
            self._running = False
            drained, self._drained = self._drained, []
            for done in drained:
                done.callback(None)
        self._idle()

    async def _write_batch(self) -> bool:
        """
        :returns: whether to go on at once: not, if only notes are left and they cannot be written.
        """
        batch = list(self._next_batch())
        notes, self._notes = self._notes, []
        retracting, self._retracting = self._retracting, []
        self._in_flight = len(batch)
        try:
            written = await self._in_writer(
                self._writer.write, [one.wish for one in batch], notes, [note for note, _ in retracting]
            )
        except Exception as error:
            self._in_flight = 0
            self._notes[:0] = notes
            for one in batch:
                self._answer(one, error)
            for _, done in retracting:
                done.errback(error)
            return bool(self._waiting or self._retracting)
        self._in_flight = 0
        if batch:
            self._observer(written.seconds, len(batch), written.size)
        self._written(written)
        for one, result in zip(batch, written.results, strict=True):
            self._answer(one, result)
        for _, done in retracting:
            done.callback(None)
        return True

    def _next_batch(self) -> Iterator[_Waiting]:
        weight = 0
        while self._waiting and weight <= BATCH:
            one = self._waiting.popleft()
            weight += one.weight
            yield one

    def _answer(self, one: _Waiting, result: Entry | Exception) -> None:
        self._ended(one.wish.manifest.partition)
        if one.done.called:
            return  # Whoever asked has stopped waiting.
        if isinstance(result, Entry):
            one.done.callback(result)
        else:
            one.done.errback(result)


def _note_of(entry: Entry) -> Note:
    return Note(entry.manifest.partition, entry.head)
