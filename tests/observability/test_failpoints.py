"""
Places where tests make the server fail.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import gitaly_tx
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.observability.failpoints import POINTS, active, configure, failpoint


class FailpointTests(SynchronousTestCase):
    """
    ``failpoint`` and what switches it on.
    """

    def setUp(self) -> None:
        self.addCleanup(configure, "")

    def fails(self, name: str) -> bool:
        try:
            failpoint(name)
        except OSError as error:
            self.assertEqual(error.errno, errno.ENOSPC)
            return True
        return False

    def test_off(self) -> None:
        """
        Nothing happens unless something was switched on.
        """
        for name in POINTS:
            failpoint(name)

    def test_once(self) -> None:
        """
        An action happens the first time only, or the third.
        """
        configure("apply.before=error(ENOSPC); commit.after_log=error(ENOSPC)@3")
        self.assertEqual([self.fails("apply.before") for _ in range(3)], [True, False, False])
        self.assertEqual([self.fails("commit.after_log") for _ in range(4)], [False, False, True, False])

    def test_ever_after(self) -> None:
        """
        With a plus it happens ever after.
        """
        configure("apply.before=error(ENOSPC)@2+")
        self.assertEqual([self.fails("apply.before") for _ in range(4)], [False, True, True, True])

    def test_delay(self) -> None:
        """
        An action may be that it takes long.
        """
        slept: list[float] = []
        self.patch(time, "sleep", slept.append)
        configure("wal.append.after_write=delay(20)@2+")
        for _ in range(3):
            failpoint("wal.append.after_write")
        self.assertEqual(slept, [0.02, 0.02])

    def test_configure_replaces(self) -> None:
        """
        What was on before is off.
        """
        configure("apply.before=error(ENOSPC)@1+")
        configure("")
        self.assertFalse(self.fails("apply.before"))

    def test_active(self) -> None:
        """
        Tests switch actions on for a while.
        """
        hits: list[str] = []
        with active({"apply.before": lambda: hits.append("x")}):
            failpoint("apply.before")
        failpoint("apply.before")
        self.assertEqual(hits, ["x"])

    def test_mistakes(self) -> None:
        """
        A rule that means nothing is refused, and changes nothing.
        """
        configure("apply.before=error(ENOSPC)@1+")
        for text in ("apply.before", "no.such=kill", "apply.before=error(ENOTHING)", "apply.before=kill@0", "apply.before=sleep"):
            error = self.assertRaises(GitalyError, configure, text)
            self.assertEqual((error.code, error.facts), (Code.INVALID_ARGUMENT, {"rule": text}))
        self.assertTrue(self.fails("apply.before"))

    def test_kill(self) -> None:
        """
        A kill ends the whole process group at once.
        """
        program = (
            "from gitaly_tx.observability import failpoints as f\n"
            "f.configure('apply.before=kill@2'); f.failpoint('apply.before'); print('alive', flush=True)\n"
            "f.failpoint('apply.before')\n"
            "print('dead')"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, start_new_session=True, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (-signal.SIGKILL, b"alive\n"))

    def test_every_point_exists(self) -> None:
        """
        The list names exactly the points that the code passes.
        """
        named = set()
        for path in Path(os.path.dirname(gitaly_tx.__file__)).rglob("*.py"):
            named.update(re.findall(r'failpoint\("([^"]+)"\)', path.read_text()))
        self.assertEqual(named - {"wal.append.after_write"}, set(POINTS) - {"wal.append.after_write"})
        self.assertEqual(len(POINTS), len(set(POINTS)))
