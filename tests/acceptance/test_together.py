"""
Everything at the same time, for a short while; the long one is ``python -m tests.acceptance.together``.
"""

from __future__ import annotations

import asyncio

from twisted.internet import reactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from .together import DROPPED, together

SECONDS = 15.0


class TogetherTests(TestCase):
    """
    Housekeeping, forks, pushes, commits, deletions and clones, and objects that are dropped.
    """

    timeout = 240
    skip = None if isinstance(reactor, AsyncioSelectorReactor) else "needs --reactor=asyncio"

    async def test_nothing_missing(self) -> None:
        """
        Every call succeeds, every acknowledged ref is there, no repository lacks an object, and nothing is left over.
        """
        done = await Deferred.fromFuture(asyncio.ensure_future(together(SECONDS, "short")))
        self.assertLessEqual({"clone", "commit", "fork", "housekeeping", "move", "push"}, done.keys())
        self.assertGreater(done[DROPPED], 0)
