"""
When which packs become one.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.statistics import Pack, Statistics
from gitaly_tx.housekeeping.strategy import Plan, Thresholds, plan, roll_up

THRESHOLDS = Thresholds(packs=3, loose_objects=10, loose_refs=5)


def packs(*sizes: int, pinned: bool = False) -> tuple[Pack, ...]:
    """
    Packs of these sizes.
    """
    return tuple(Pack(f"pack-{index:040x}", size, pinned) for index, size in enumerate(sizes))


class RollUpTests(SynchronousTestCase):
    """
    Packs stay as long as each is twice as large as all smaller ones together.
    """

    def sizes(self, *given_sizes: int) -> list[int]:
        return [pack.size for pack in roll_up(packs(*given_sizes), 2)]

    def test_geometric(self):
        """
        A geometric row of packs is left alone, and so are one and none.
        """
        for row in ((), (5,), (1, 2, 4, 8), (1, 100)):
            self.assertEqual(self.sizes(*row), [])

    def test_small_ones(self):
        """
        Small packs become one, and the large one beside them stays.
        """
        self.assertEqual(self.sizes(1, 1000, 1, 1), [1, 1, 1])

    def test_chain(self):
        """
        A pack that would not be twice as large as the new one goes into it too.
        """
        self.assertEqual(self.sizes(3, 3, 11, 1000), [3, 3, 11])
        self.assertEqual(self.sizes(3, 3, 12, 1000), [3, 3])

    def test_pinned(self):
        """
        Pinned packs are never touched.
        """
        self.assertEqual(roll_up(packs(1, 1, 1, pinned=True), 2), ())

    @settings(max_examples=200)
    @given(st.lists(st.integers(1, 10_000), max_size=40))
    def test_result_is_geometric(self, row: list[int]):
        """
        Whatever the sizes, the packs that there are afterwards are in geometric order, and one pack alone is never rewritten.
        """
        merged = self.sizes(*row)
        self.assertNotEqual(len(merged), 1)
        left = sorted(row)
        for size in merged:
            left.remove(size)
        after = sorted([*left, *([sum(merged)] if merged else [])])
        for index in range(1, len(after)):
            self.assertGreaterEqual(after[index], 2 * after[index - 1])
        self.assertEqual(merged, sorted(row)[: len(merged)])


class PlanTests(SynchronousTestCase):
    """
    Nothing is done that is not worth it.
    """

    def test_idle(self):
        """
        Below all thresholds there is nothing to do.
        """
        made = plan(Statistics(packs(1, 1), 9, 4), THRESHOLDS)
        self.assertEqual(made, Plan())
        self.assertTrue(made.idle)
        self.assertFalse(made.repack)

    def test_packs(self):
        """
        Enough small packs become one, with the loose objects.
        """
        made = plan(Statistics(packs(1, 1, 1, 100), 0, 0), THRESHOLDS)
        self.assertEqual(made, Plan(packs(1, 1, 1), loose=True))
        self.assertTrue(made.repack)

    def test_large_packs(self):
        """
        Many packs in geometric order are left alone.
        """
        self.assertTrue(plan(Statistics(packs(1, 2, 4, 8, 16, 32), 0, 0), THRESHOLDS).idle)

    def test_loose(self):
        """
        Enough loose objects are packed, with the small packs that there are.
        """
        self.assertEqual(plan(Statistics(packs(1, 1), 10, 0), THRESHOLDS), Plan(packs(1, 1), loose=True))
        made = plan(Statistics((), 10, 0), THRESHOLDS)
        self.assertEqual(made, Plan((), loose=True))
        self.assertTrue(made.repack)

    def test_refs(self):
        """
        Enough loose refs are packed.
        """
        made = plan(Statistics((), 0, 5), THRESHOLDS)
        self.assertEqual(made, Plan(refs=True))
        self.assertFalse(made.repack)
        self.assertFalse(made.idle)
