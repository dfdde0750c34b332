"""
Tests of the log on disk.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.wal.interfaces import (
    Entry,
    Head,
)
from tests.support.wal import BOOT
from tests.support.waldisk import FaultyDisk, LogOnDisk


class LogCase(SynchronousTestCase):
    """
    A log in a directory of its own.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)
        self.disk = FaultyDisk()
        self.warnings: list[str] = []
        observe: Any = self._heard
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def _heard(self, event: dict[str, object]) -> None:
        if event.get("log_level") in (LogLevel.warn, LogLevel.error):
            self.warnings.append(str(event["log_format"]))

    def started(self, **settings: object) -> LogOnDisk:
        made = LogOnDisk(self.root, disk=self.disk, **settings)  # type: ignore[arg-type]
        made.start()
        return made

    def again(self, before: LogOnDisk, boot: bytes = BOOT) -> tuple[LogOnDisk, list[Head]]:
        """
        Start on what another left without stopping.
        """
        before.die()
        made = LogOnDisk(self.root, boot, FaultyDisk())
        return made, [entry.head for entry in made.start()]

    def assertFailsWith(self, kind: type[GitalyError], deferred: Deferred[Entry]) -> GitalyError:
        error: GitalyError = self.failureResultOf(deferred, kind).value
        return error
