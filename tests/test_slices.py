"""
Tests for :mod:`gitaly_tx.slices`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.bridge import in_two_turns
from gitaly_tx.slices import SLICE, InSlices


class InSlicesTests(TestCase):
    """
    ``InSlices``.
    """

    def setUp(self) -> Any:
        """
        Begin in a turn of the reactor.
        """
        return deferLater(reactor, 0)

    async def turns(self, count: int) -> tuple[list[int], list[int]]:
        """
        Go through numbers while somebody else wants every turn.

        :returns: the numbers, and how many of them were through at each turn of the other.
        """
        through: list[int] = []
        turns: list[int] = []

        def turn() -> None:
            turns.append(len(through))
            waiting[0] = asyncio.get_running_loop().call_soon(turn)

        waiting = [asyncio.get_running_loop().call_soon(turn)]
        async for number in InSlices(range(count)):
            through.append(number)
        waiting[0].cancel()
        return through, turns

    async def test_many(self):
        """
        Others have their turn between slices, and all things come in their order.
        """
        through, turns = await self.turns(2 * SLICE + 1)
        self.assertEqual(through, list(range(2 * SLICE + 1)))
        self.assertEqual(turns, [SLICE, 2 * SLICE])

    async def test_few(self):
        """
        Up to one slice is gone through at once.
        """
        for count in (0, 1, SLICE):
            through, turns = await self.turns(count)
            self.assertEqual((through, turns), (list(range(count)), []))

    async def test_given_up(self):
        """
        Whoever is cancelled between two slices sees nothing more of it.
        """
        through: list[int] = []

        async def go() -> None:
            async for number in InSlices(range(2 * SLICE)):
                through.append(number)

        going = Deferred.fromCoroutine(go())
        going.cancel()
        await self.assertFailure(going, CancelledError)
        done: Deferred[None] = Deferred()
        in_two_turns(lambda: done.callback(None))
        await done
        self.assertEqual(len(through), SLICE)
