"""
What a process costs, as the kernel counts it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from attrs import define, field

from tests.support.server import descendants

HERTZ = os.sysconf("SC_CLK_TCK")
KIB = 1024


def cpu_seconds(pid: int, children: bool = False) -> float:
    """
    User and system time of a process itself.

    :param children: with that of its children that have ended.
    :raises OSError: if it is gone.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / HERTZ


def command(pid: int) -> str:
    """
    The program's name, as the kernel has it (15 letters); empty if the process is gone.
    """
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def resident(pid: int, line: str = "VmRSS") -> int:
    """
    Bytes in memory.

    :param line: ``VmRSS`` for now, ``VmHWM`` for the most there ever were.
    """
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith(line + ":"):
            return int(text.split()[1]) * KIB
    raise AssertionError(f"no {line} of process {pid}")


def forget_peak(pid: int) -> None:
    """
    Let ``VmHWM`` begin anew from what is in memory now.
    """
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@define
class Looking:
    """
    Looks again and again from a thread of its own, for as long as a ``with`` block lasts.

    :cvar INTERVAL: seconds between two looks.
    """

    INTERVAL: ClassVar[float] = 0.1

    _ended: threading.Event = field(factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self.INTERVAL):
            self._look()

    def _look(self) -> None:
        raise NotImplementedError


@define
class Watch(Looking):
    """
    Looks at given processes, and at those of their descendants that run given programs. What ended meanwhile is counted as far as
    it was seen: as much of an ended process's CPU as it used between two looks may be missed.
    """

    INTERVAL = 0.02

    _pids: tuple[int, ...]
    _programs: frozenset[str] = frozenset()
    _began: dict[int, float] = field(factory=dict, init=False)
    _seen: dict[int, float] = field(factory=dict, init=False)

    @property
    def cpu(self) -> float:
        """
        Seconds that they used since the block began, each without its children.
        """
        return sum(seconds - self._began.get(pid, 0.0) for pid, seconds in self._seen.items())

    def __enter__(self) -> Self:
        self._look()
        self._began = dict(self._seen)
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        self._look()

    def _look(self) -> None:
        for pid in self._watched():
            try:
                self._seen[pid] = cpu_seconds(pid)
            except OSError:
                continue

    def _watched(self) -> Iterable[int]:
        yield from self._pids
        if self._programs:
            for pid in self._pids:
                yield from (child for child in descendants(pid) if command(child) in self._programs)
