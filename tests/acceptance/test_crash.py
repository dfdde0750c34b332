"""
The short crash drill; the long one is ``python -m tests.acceptance.crashdrill --rounds 100``.
"""

from __future__ import annotations

import shutil

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.acceptance import crashdrill

ROUNDS = 12


class CrashTests(SynchronousTestCase):
    """
    Kills at some of the failpoints and at random times.
    """

    def test_short_drill(self) -> None:
        """
        Nothing acknowledged is lost, nothing is half applied, nothing is left behind.
        """
        if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise SkipTest("OpenSSH's client is not installed")
        tally = crashdrill.drill(ROUNDS, "short", budget=1.5)
        self.assertEqual(tally.kills.total(), ROUNDS)
