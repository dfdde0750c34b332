"""
Figures beside their targets.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from attrs import frozen


@frozen
class Target:
    """
    What is to be reached.

    :param limit: the most that is well; ``None`` if there is no target.
    :param ratio: it is about ours divided by theirs, and not about ours.
    :param beside: what theirs takes on the machine that the limit was set for. Where theirs takes longer, so may ours.
    """

    limit: float | None = None
    ratio: bool = False
    beside: float | None = None

    def __str__(self) -> str:
        if self.limit is None:
            return "-"
        if self.beside is not None:
            return f"≤ {number(self.limit)} to {number(self.beside)}"
        return f"≤ {number(self.limit)}{'×' if self.ratio else ''}"


@frozen
class Figure:
    """
    One line of the report.

    :param theirs: the same of the server beside ours; ``None`` if there is none.
    :param unit: what both are in.
    :param remark: what they are, in a few words.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    target: Target = Target()
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        """
        Ours by theirs.
        """
        return self.ours / self.theirs if self.theirs else None

    @property
    def met(self) -> bool | None:
        """
        Whether the target is reached; ``None`` if there is none.
        """
        target = self.target
        value = self.ratio if target.ratio or target.beside else self.ours
        if target.limit is None or value is None:
            return None
        return value <= target.limit / (target.beside or 1)

    @property
    def cells(self) -> tuple[str, ...]:
        """
        What the columns say.
        """
        return (
            self.name,
            f"{number(self.ours)} {self.unit}",
            f"{number(self.theirs)} {self.unit}" if self.theirs is not None else "",
            number(self.ratio) if self.ratio is not None else "",
            str(self.target),
            {True: "ok", False: "MISSED", None: ""}[self.met],
        )


COLUMNS = ("what", "ours", "theirs", "ratio", "target", "")


def number(value: float) -> str:
    """
    A figure with as many digits as mean something.
    """
    size = abs(value)
    if value == int(value) and size < 1e6:
        return str(int(value))
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"


def line(figure: Figure) -> str:
    """
    A figure for the terminal.
    """
    name, ours, theirs, ratio, target, met = figure.cells
    return f"{name:48}{ours:>16}{theirs:>16}{ratio:>8}{target:>16}  {met:7} {figure.remark}".rstrip()


def heading() -> str:
    """
    What stands above the lines.
    """
    return f"{COLUMNS[0]:48}{COLUMNS[1]:>16}{COLUMNS[2]:>16}{COLUMNS[3]:>8}{COLUMNS[4]:>16}"


def markdown(figures: Sequence[Figure]) -> str:
    """
    All figures as a table for the README.
    """
    rows = ["| " + " | ".join(COLUMNS) + " |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join(rows + ["| " + " | ".join(figure.cells) + " |" for figure in figures])


def alternate(rounds: int, *ways: Callable[[int], Sequence[float]]) -> list[list[float]]:
    """
    Measure ways of doing the same thing in turns, so that whatever else the machine does falls on all of them: A B A B.

    :param ways: each is given the round's number, and returns its figures.
    :returns: for each way the medians of its figures.
    """
    taken: list[list[Sequence[float]]] = [[] for _ in ways]
    for turn in range(rounds):
        for way, found in zip(ways, taken, strict=True):
            found.append(way(turn))
    return [[statistics.median(column) for column in zip(*found, strict=True)] for found in taken]
