"""
Tests for :mod:`gitaly_tx.config.checkmaintenance`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .test_check import complaints

TABLE = "[daily_maintenance]\n"


class MaintenanceTests(SynchronousTestCase):
    """
    The window is one.
    """

    def keys(self, text: str) -> list[str]:
        return [key for key, _ in complaints(TABLE + text)]

    def test_good(self) -> None:
        """
        What Gitaly takes is taken.
        """
        self.assertEqual(self.keys('start_hour = 23\nstart_minute = 59\nduration = "24h"\nstorages = ["default"]\n'), [])
        self.assertEqual(self.keys("disabled = true\n"), [])

    def test_bad(self) -> None:
        """
        Each impossible value is told with its key.
        """
        for text, key in [
            ("start_hour = 24\n", "start_hour"),
            ("start_minute = 60\n", "start_minute"),
            ('duration = "25h"\n', "duration"),
            ('storages = ["default", "nope"]\n', "storages[1]"),
        ]:
            self.assertEqual(self.keys(text), [f"daily_maintenance.{key}"])
