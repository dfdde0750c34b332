"""
Kills the server in the midst of concurrent pushes, commits, forks and housekeeping, starts it again, and looks:
``python -m tests.acceptance.crashdrill``.

A kill comes at one of the failpoints between the steps of a write (at its first, second … time), or at some moment from outside.
After each must be true: every acknowledged update is there or replaced by a later one, nothing is half applied, git finds nothing
wrong, no lock, quarantine or staging is left some seconds after readiness, and the server did become ready. What is done follows
from the seed; how the machine schedules it does not. A storage in which something is wrong is kept, and the command that repeats
it shown.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from gitaly_tx.observability.failpoints import POINTS
from tests.support.gitclient import make_key

from .history import DrillFailed, History, Kill, Tally
from .source import Source

KILLS = 6
"""How many kills one storage lives through."""

BUDGET = 6.0
"""Seconds of pushing after which a server is killed whose failpoint was not reached."""

PASSED = tuple(point for point in POINTS if not point.startswith(("backup.", "restore.")))
"""Failpoints that may come up while clients push."""

RARE = frozenset({"apply.after_create", "apply.after_remove", "apply.after_files", "commit.after_settle"})
"""Failpoints that most pushes do not pass."""


def kills(seed: str, budget: float) -> Iterator[Kill]:
    """
    Kills without end: all failpoints in some order, then again in another; every fourth kill comes at a random time instead.
    """
    rng = random.Random(seed)
    while True:
        for number, point in enumerate(rng.sample(PASSED, len(PASSED))):
            if number % 3 == 2:
                yield Kill("", rng.uniform(0.05, 2.0))
            yield Kill(f"{point}=kill@{rng.choice(hits(point))}", budget)


def hits(point: str) -> tuple[int, ...]:
    """
    At which of its times a failpoint may kill: some come up once, some every now and then, most with every push.
    """
    if point.startswith("start."):
        return (1,)
    if point.startswith("checkpoint.") or point in RARE:
        return (1, 1, 2)
    return (1, 1, 2, 3, 5)


def drill(
    rounds: int, seed: str, budget: float = BUDGET, only: int | None = None, tell: Callable[[str], object] = lambda text: None
) -> Tally:
    """
    Kill so often.

    :param budget: seconds of pushing before each kill, at most.
    :param only: of the storages this one alone.
    :param tell: is given a line for each storage.
    :raises DrillFailed: as soon as something is wrong.
    """
    tally = Tally()
    ends = kills(seed, budget)
    workplace = Path(tempfile.mkdtemp(prefix="gitaly-tx-drill-"))
    try:
        make_key(workplace / "key")
        source = Source(workplace / "source.git", seed)
        for number in range(-(-rounds // KILLS)):
            plan = list(islice(ends, min(KILLS, rounds - number * KILLS)))
            if only is None or number == only:
                tell(_one(History(f"{seed}/{number}", tally, source, workplace, busy(plan, number)), plan, number, seed))
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return tally


def busy(plan: Sequence[Kill], number: int) -> bool:
    """
    Whether the log is to be tidied up all the time: half of the storages live like that, and those that are to die of it.
    """
    return number % 2 == 0 or any(kill.point.startswith("checkpoint.") for kill in plan)


def _one(history: History, plan: Sequence[Kill], number: int, seed: str) -> str:
    began = time.monotonic()
    before = history.tally.acknowledged
    try:
        history.run(plan)
    except BaseException as error:
        history.kill()
        rounds = number * KILLS + len(plan)
        repeat = f"python -m tests.acceptance.crashdrill --seed {seed} --rounds {rounds} --only {number}"
        raise DrillFailed(f"{error}\nkept: {history.server.folder}\nagain: {repeat}") from error
    history.dispose()
    done = " ".join(kill.rule or f"at {kill.after:.2f}s" for kill in plan)
    acknowledged = history.tally.acknowledged - before
    took = time.monotonic() - began
    return f"{number:3}: {len(plan)} kills, {acknowledged} updates acknowledged, {took:.0f} s: {done}"


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0 if all is well.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance.crashdrill", description=(__doc__ or "").strip().split("\n\n")[1]
    )
    parser.add_argument("--rounds", type=int, default=12, help="how many kills (%(default)s)")
    parser.add_argument("--seed", default="1", help="another one does other things (%(default)s)")
    parser.add_argument("--only", type=int, metavar="N", help="only the storage of this number, as printed")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of pushing before a kill, at most (%(default)s)")
    options = parser.parse_args(argv)
    try:
        tally = drill(options.rounds, options.seed, options.budget, options.only, lambda text: print(text, flush=True))
    except DrillFailed as error:
        print(error, file=sys.stderr)
        return 1
    told = ", ".join(f"{times} {outcome.value}" for outcome, times in sorted(tally.told.items(), key=lambda one: one[0].value))
    print(f"{tally.kills.total()} kills at {len(tally.kills)} points; updates: {told}; none lost, none by halves")
    print(f"ready after {min(tally.ready):.2f} to {max(tally.ready):.2f} s")
    never = sorted(set(PASSED) - set(tally.kills))
    if never:
        print(f"never killed at: {', '.join(never)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
