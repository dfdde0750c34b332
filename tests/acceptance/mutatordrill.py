"""
Kills the server at every step of every write, and starts it again: ``python -m tests.acceptance.mutatordrill``.

For each method that writes, a write is made, and the storages are copied at each failpoint that it passes: that is what a process
that is killed there leaves behind. On each copy a server is started. Then there must be the old state or the new one (refs, HEAD,
config, hooks, attributes, alternates and objects), git must find nothing wrong, and nothing may be left over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import react

import gitaly_tx.tap  # noqa: F401  installs the reactor that gRPC needs, if there is none yet
from tests.support.wal import snapshots
from tests.support.wholeserver import WholeServer

from .killed import Judge, Kill, NotWhole, look
from .mutators import STORAGES, Scenario, World, scenarios


@frozen
class Drilled:
    """
    How it went.

    :param passed: the failpoints that the write passed, in order.
    :param kills: at how many of them it was killed.
    :param old: how often the old state was there.
    :param new: how often the new one was.
    """

    name: str
    passed: Sequence[str]
    kills: int
    old: int
    new: int
    seconds: float

    @property
    def line(self) -> str:
        """
        For the table.
        """
        between = self.kills - self.old - self.new
        return f"{self.name:62}{len(self.passed):5}{self.kills:7}{self.old:5}{between:9}{self.new:5}{self.seconds:7.1f}"


PREPARED = "commit.after_prepare"
"""Up to here nothing of a write is in the log."""

LOGGED = "commit.after_log"
"""From here on it is, whatever comes."""

HEAD = f"{'method':62}{'steps':>5}{'kills':>7}{'old':>5}{'between':>9}{'new':>5}{'s':>7}"


async def drill(scenario: Scenario, folder: str, every: int = 1) -> Drilled:
    """
    Kill one write.

    :param folder: an empty directory.
    :param every: at every how many-th failpoint; which is the first follows from the scenario's name.
    :raises NotWhole: as soon as something is wrong.
    """
    began = time.monotonic()
    passed: list[str] = []
    numbers: list[int] = []
    first = crc32(scenario.name.encode()) % every

    def chosen(name: str) -> bool:
        number = len(passed)
        passed.append(name)
        if number % every == first:
            numbers.append(number)
        return number % every == first

    root = os.path.join(folder, "live")
    server = WholeServer(root, STORAGES)
    await server.start()
    world = World(server)
    try:
        asked = await scenario.prepare(world)
        await server.settle()
        before = look(root, STORAGES)
        with snapshots(root, os.path.join(folder, "killed"), chosen) as taken:
            await server.call(scenario.method, *asked)
            await server.settle()
        after = look(root, STORAGES)
    finally:
        await world.close()
        await server.stop()
    if scenario.changes == (before == after):
        raise NotWhole("the write should change something" if scenario.changes else "the write should not change anything")
    turn = None
    if scenario.changes and not scenario.between and LOGGED in passed:
        turn = passed.index(PREPARED), passed.index(LOGGED)
    judge = Judge(STORAGES, before, after, scenario.between, turn)
    for number, (name, copy) in zip(numbers, taken, strict=True):
        await judge.judge(Kill(number, name, copy))
    shutil.rmtree(folder)
    old, new = (judge.old, judge.new) if scenario.changes else (0, judge.new)
    return Drilled(scenario.name, passed, len(numbers), old, new, time.monotonic() - began)


async def drill_all(chosen: Sequence[Scenario], every: int, tell: Callable[[str], object]) -> int:
    """
    :returns: how many writes something was wrong with.
    """
    tell(HEAD)
    failed = 0
    steps: set[str] = set()
    for scenario in chosen:
        folder = tempfile.mkdtemp(prefix="gitaly-tx-mutators-")
        try:
            drilled = await drill(scenario, folder, every)
        except Exception as error:
            failed += 1
            tell(f"{scenario.name}: {error!r}\nkept: {folder}")
        else:
            steps.update(drilled.passed)
            tell(drilled.line)
    tell(f"{len(chosen)} writes, {failed} not whole; {len(steps)} different failpoints: {', '.join(sorted(steps))}")
    return failed


def main(argv: Sequence[str]) -> None:
    """
    Exits with 0 if all is well.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance.mutatordrill", description=(__doc__ or "").strip().split("\n\n")[1]
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="only methods with one of these in their names")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="kill at every Nth failpoint only (%(default)s)")
    options = parser.parse_args(argv)

    def run(reactor: Any) -> Deferred[None]:
        async def all_of_them() -> None:
            if await drill_all(scenarios(options.words), options.every, lambda line: print(line, flush=True)):
                raise SystemExit(1)

        return Deferred.fromCoroutine(all_of_them())

    react(run)


if __name__ == "__main__":
    main(sys.argv[1:])
