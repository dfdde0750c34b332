"""
The short drill over all that writes; the whole one is ``python -m tests.acceptance.mutatordrill``.
"""

from __future__ import annotations

import os
from typing import Any

from attrs import fields
from twisted.internet import reactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.registry import Ports, services
from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.method import Operation
from tests.acceptance.killed import Judge, Kill, NotWhole, look
from tests.acceptance.mutatordrill import drill_all
from tests.acceptance.mutators import EXCUSED, scenarios
from tests.support.git import git, make_repository
from tests.support.stack import Stack
from tests.test_registry import FakeStorage

EVERY = 20
"""Of so many failpoints one kills; each method begins with another one."""


class MutatorTests(TestCase):
    """
    Writes that are killed between two steps.
    """

    timeout = 600
    skip = None if isinstance(reactor, AsyncioSelectorReactor) else "needs --reactor=asyncio"

    async def test_short_drill(self) -> None:
        """
        Every write has happened or not, git finds nothing wrong, and nothing is left behind.
        """
        lines: list[str] = []
        failed = await drill_all(scenarios(), EVERY, lines.append)
        self.assertEqual(failed, 0, "\n".join(lines))


class CompletenessTests(SynchronousTestCase):
    """
    What is drilled.
    """

    def test_all_of_them(self) -> None:
        """
        Every method that writes and is built has a scenario, but for those of which it is said why not.
        """
        nothing: Any = object()
        storage: Any = FakeStorage()
        special = {"storage": storage, "housekeeping": Housekeeping(nothing, nothing)}
        made = services(Ports(**{each.name: nothing for each in fields(Ports)} | special))
        built = {service.service: service for service in made}
        writing = {
            info.path.removeprefix("/gitaly.")
            for info in gitaly_methods()
            if info.operation in (Operation.MUTATOR, Operation.MAINTENANCE) and hasattr(built.get(info.service), info.name)
        }
        self.assertEqual(writing, {scenario.method for scenario in scenarios()} | EXCUSED.keys())
        self.assertFalse({scenario.method for scenario in scenarios()} & EXCUSED.keys())


class JudgeTests(TestCase):
    """
    ``Judge``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.root = self.mktemp()
        stack = Stack(self.root)
        await stack.start()
        await stack.stop()
        self.empty = look(self.root, ["default"])
        self.path = make_repository(f"{self.root}/default/a.git", 1).path
        self.one = look(self.root, ["default"])

    async def refused(self, judge: Judge, number: int = 0) -> str:
        try:
            await judge.judge(Kill(number, "x", self.root))
        except NotWhole as error:
            return str(error)
        raise AssertionError("not found out")

    async def test_between(self) -> None:
        """
        A state that is none of those that there may be is found out, and so is one that comes too early.
        """
        git("--git-dir", self.path, "update-ref", "refs/heads/more", "main")
        self.assertIn("neither the old state nor the new one", await self.refused(Judge(["default"], self.empty, self.one)))
        now = look(self.root, ["default"])
        self.assertIn("the new state", await self.refused(Judge(["default"], self.one, now, turn=(1, 2))))

    async def test_broken(self) -> None:
        """
        An object that is missing is found out, and so is a lock that is left.
        """
        judge = Judge(["default"], self.empty, self.one)
        with open(f"{self.path}/refs/heads/main.lock", "x"):
            pass
        self.assertIn("left behind", await self.refused(judge))
        os.unlink(f"{self.path}/refs/heads/main.lock")
        git("--git-dir", self.path, "repack", "-adq")
        for name in os.listdir(f"{self.path}/objects/pack"):
            os.unlink(f"{self.path}/objects/pack/{name}")
        self.assertIn("a.git", await self.refused(judge))
