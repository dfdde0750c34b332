"""
Tests for :mod:`gitaly_tx.linguist.linguist`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.children import Children
from gitaly_tx.linguist.interfaces import ILinguist, Language, Nature, Place
from gitaly_tx.linguist.linguist import Linguist
from tests.support.git import make_git


class LinguistTests(TestCase):
    """
    The process and who asks it.
    """

    def setUp(self) -> None:
        running: Any = reactor
        self.children = Children(running, running)
        self.addCleanup(self.children.wait_all)
        self.addCleanup(self.children.kill_all)
        self.git = make_git(children=self.children)

    def make(self, *program: str, clock: Any = reactor) -> Linguist:
        return Linguist(self.git, clock, 5.0, program or None)

    async def refused(self, linguist: Linguist) -> tuple[Code, str]:
        try:
            await linguist.places([b"a"])
        except GitalyError as error:
            return error.code, error.message
        raise AssertionError("answered")

    async def test_answers(self) -> None:
        """
        Questions that are asked at once are all answered, by one process, which is started again when it has gone.
        """
        linguist = self.make()
        verifyObject(ILinguist, linguist)
        asked: list[Any] = [
            Deferred.fromCoroutine(linguist.places([b"docs/\xff", b"a"])),
            Deferred.fromCoroutine(linguist.natures([(b"a.py", b"\xff")])),
        ]
        answers = [await each for each in asked]
        self.assertEqual(answers, [[Place(True, False), Place(False, False)], [Nature(False, "Python")]])
        (child,) = self.children._alive
        os.kill(child.pid, signal.SIGKILL)
        self.assertEqual(await linguist.languages(["C"]), [Language("C", True, "#555555", 41)])
        (license, *_) = await linguist.licenses(b"https://opensource.org/licenses/MIT", ".md")
        self.assertEqual((license.id, license.confidence), ("MIT", 1.0))

    async def test_fails(self) -> None:
        """
        A process that ends without an answer, or cannot be started, fails the call.
        """
        failed = (Code.INTERNAL, "linguist has failed")
        self.assertEqual(await self.refused(self.make("/bin/false")), failed)
        self.assertEqual(await self.refused(self.make("/bin/sh", "-c", "exec <&-; read x < /dev/stderr")), failed)
        self.assertEqual(await self.refused(self.make("/nonexistent")), (Code.INTERNAL, "linguist cannot be started"))

    async def test_not_installed(self) -> None:
        """
        Without the library the call is one that is not done.
        """
        program = "import sys; sys.modules['enry'] = None; import gitaly_tx.linguist.worker as w; w.main(0, 1)"
        refused = await self.refused(self.make(sys.executable, "-c", program))
        self.assertEqual(refused, (Code.UNIMPLEMENTED, "languages cannot be told on this machine"))

    async def test_late(self) -> None:
        """
        A process that does not answer in time is killed.
        """
        clock = Clock()
        waiting = Deferred.fromCoroutine(self.refused(self.make("/bin/sleep", "1000", clock=clock)))
        clock.advance(6)
        self.assertEqual(await waiting, (Code.INTERNAL, "linguist has failed"))

    async def test_cancelled(self) -> None:
        """
        Whoever goes away leaves no answer behind for the next one.
        """
        linguist = self.make()
        asked = Deferred.fromCoroutine(linguist.places([b"docs/a"]))
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        self.assertEqual(await linguist.places([b"a"]), [Place(False, False)])
