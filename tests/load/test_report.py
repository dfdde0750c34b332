"""
How figures are judged and shown.
"""

from __future__ import annotations

import os
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.load import clones, report
from tests.load.process import Watch, cpu_seconds, resident
from tests.load.report import Figure, Target


class FigureTests(SynchronousTestCase):
    """
    A figure beside its target.
    """

    def test_absolute(self) -> None:
        """
        A target is about our own figure, if nothing else is said.
        """
        self.assertTrue(Figure("cpu", 0.9, 0.5, "ms", Target(1.0)).met)
        self.assertFalse(Figure("cpu", 1.1, 2.0, "ms", Target(1.0)).met)

    def test_ratio(self) -> None:
        """
        A target for a ratio is about the ratio; without a figure of theirs nothing is said.
        """
        self.assertTrue(Figure("wall", 10.9, 10.0, "s", Target(1.1, ratio=True)).met)
        self.assertFalse(Figure("wall", 11.1, 10.0, "s", Target(1.1, ratio=True)).met)
        self.assertIsNone(Figure("wall", 1.0, None, "s", Target(1.1, ratio=True)).met)
        self.assertIsNone(Figure("wall", 1.0, 2.0, "s").met)

    def test_slower_machine(self) -> None:
        """
        A target beside a figure of theirs is one for the machine that theirs was measured on, and grows with it.
        """
        target = Target(1.0, beside=1.5)
        self.assertTrue(Figure("cpu", 1.9, 3.0, "ms", target).met)
        self.assertFalse(Figure("cpu", 0.9, 1.2, "ms", target).met)
        self.assertIsNone(Figure("cpu", 0.9, None, "ms", target).met)
        self.assertIn(" ≤ 1 to 1.50  ok", report.line(Figure("cpu", 1.9, 3.0, "ms", target)))

    def test_shown(self) -> None:
        """
        A missed target is shown as such, on the terminal and in the table.
        """
        figure = Figure("wall", 12.0, 10.0, "s", Target(1.1, ratio=True), "a remark")
        self.assertIn("MISSED  a remark", report.line(figure))
        self.assertEqual(report.markdown([figure]).splitlines()[-1], "| wall | 12 s | 10 s | 1.20 | ≤ 1.10× | MISSED |")

    def test_in_turns(self) -> None:
        """
        Ways are measured in turns, and medians taken of each of their figures.
        """
        order = []

        def way(name: str, figures: list[float]):
            def measure(turn: int) -> tuple[float, float]:
                order.append(name)
                return figures[turn], 1.0

            return measure

        found = report.alternate(3, way("a", [1.0, 9.0, 2.0]), way("b", [5.0, 4.0, 6.0]))
        self.assertEqual(order, ["a", "b"] * 3)
        self.assertEqual(found, [[2.0, 1.0], [5.0, 1.0]])


class MeasureTests(SynchronousTestCase):
    """
    What the kernel and the metrics page say.
    """

    def test_own_cpu(self) -> None:
        """
        A process's CPU is counted while it is watched.
        """
        with Watch((os.getpid(),)) as watch:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
        self.assertGreaterEqual(watch.cpu, 0.03)
        self.assertLessEqual(watch.cpu, cpu_seconds(os.getpid()))

    def test_memory(self) -> None:
        """
        The most memory there ever was in use is no less than what was just now; the kernel counts a few pages late.
        """
        now = resident(os.getpid())
        self.assertGreater(now, 1 << 20)
        self.assertGreaterEqual(resident(os.getpid(), "VmHWM"), now - (1 << 20))

    def test_buckets(self) -> None:
        """
        A quantile of a histogram is the limit of its bucket.
        """
        page = 'lag_bucket{le="0.01"} 9.0\nlag_bucket{le="0.1"} 10.0\nlag_bucket{le="+Inf"} 10.0\nlag_sum 0.2\n'
        found = clones.buckets(page, "lag")
        self.assertEqual(found, {0.01: 9.0, 0.1: 10.0, float("inf"): 10.0})
        self.assertEqual([clones.quantile(found, part) for part in (0.5, 0.95)], [0.01, 0.1])
        self.assertEqual(clones.quantile({}, 0.5), 0.0)
