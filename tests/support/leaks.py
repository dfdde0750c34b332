"""
A test case that leaves nothing behind.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred

reactor: Any = _reactor

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as _Base
else:
    _Base = object


MOMENTS = 300
"""How often the end of a test looks again, a hundredth of a second later, before something counts as left behind."""


def open_descriptors() -> dict[int, str]:
    """
    What this process has open: descriptor numbers, and what the kernel calls them.
    """
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    return found


def children() -> set[int]:
    """
    The process ids of this process's children, zombies included.
    """
    found: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                found.update(map(int, file.read().split()))
        except OSError:
            continue
    return found


class LeakCheck(_Base):
    """
    Mixed into a test case, before trial's class: fails a test after which more descriptors or children are there than before.

    What a test opens for good, such as the reactor's threads, it opens in ``setUp`` before it awaits this one's, or calls
    :func:`remember` after it.
    """

    _descriptors: dict[int, str]
    _children: set[int]

    async def setUp(self) -> None:  # type: ignore[override]
        # The reactor opens descriptors of its own when it begins to run, which trial lets it do as late as possible.
        running: Deferred[None] = Deferred()
        reactor.callLater(0, running.callback, None)
        await running
        self.remember()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._compare()))

    def remember(self) -> None:
        """
        Take what is there now for what was there before.
        """
        self._descriptors = open_descriptors()
        self._children = children()

    async def _compare(self) -> None:
        """
        Compare with what was there before. A thread that was reading when its reader went away closes the file in a moment.
        """
        for _ in range(MOMENTS):
            if not self._more() and not children() - self._children:
                return
            moment: Deferred[None] = Deferred()
            reactor.callLater(0.01, moment.callback, None)
            await moment
        self.assertEqual(self._more(), {}, "descriptors leaked")
        self.assertEqual(children() - self._children, set(), "children leaked")

    def _more(self) -> dict[int, str]:
        return {number: name for number, name in open_descriptors().items() if number not in self._descriptors}
