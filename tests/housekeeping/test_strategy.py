"""
What is worth its cost.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.statistics import CommitGraph, Pack, Statistics
from gitaly_tx.housekeeping.strategy import DAY, Graph, Plan, Repack, Thresholds, eager, heuristical, pruning

NOW = 100 * DAY
DEFAULT = Thresholds()
EXPIRE = NOW - DEFAULT.expiry


def pack(size: int = 1000, **more: Any) -> Pack:
    """
    A pack; the multi-pack index has it unless something else is said.
    """
    more.setdefault("indexed", True)
    return Pack("pack-" + "a" * 40, size, **more)


WELL = Statistics(packs=(pack(),), packed_refs=100, index=True, graph=CommitGraph(True, True), full_repack=NOW - DAY)
"""Nothing is to be done about this."""


class HeuristicalTests(SynchronousTestCase):
    """
    ``heuristical``
    """

    def plan(self, pool: bool = False, **changes: Any) -> Plan:
        return heuristical(evolve(WELL, **changes), NOW, DEFAULT, pool)

    def test_well(self) -> None:
        """
        A repository that is well is left alone, and so is one in which there is nothing.
        """
        self.assertTrue(self.plan().idle)
        self.assertFalse(self.plan().rebuilds)
        self.assertTrue(heuristical(Statistics(), NOW, DEFAULT).idle)
        self.assertTrue(heuristical(Statistics(loose_refs=1, index=True), NOW, DEFAULT).idle)

    def test_full(self) -> None:
        """
        Everything is packed when the repository has begun to borrow, or when there are several packs and the last time is long
        ago. Packs of what nothing refers to do not count.
        """
        self.assertEqual(self.plan(borrows_since=NOW - 2 * DAY).repack, Repack.NONE)
        full = self.plan(borrows_since=NOW)
        self.assertEqual(full, Plan(Repack.FULL, False, EXPIRE, graph=Graph.REPLACE))
        several = (pack(), pack())
        self.assertEqual(self.plan(packs=several).repack, Repack.NONE)
        for last in (None, NOW - 6 * DAY):
            full = self.plan(packs=several, full_repack=last)
            self.assertEqual(full, Plan(Repack.FULL, True, EXPIRE, graph=Graph.REPLACE))
        self.assertEqual(self.plan(packs=(pack(), pack(cruft=True)), full_repack=None).repack, Repack.NONE)

    def test_geometric(self) -> None:
        """
        Small packs are put together when there is no index over them, or when it lacks many; large repositories may have more.
        """
        self.assertEqual(self.plan(index=False), Plan(Repack.GEOMETRIC, True, graph=Graph.ADD))
        new = [pack(indexed=False)] * 3
        self.assertEqual(self.plan(packs=(pack(), *new[:2])).repack, Repack.NONE)
        self.assertEqual(self.plan(packs=(pack(), *new)).repack, Repack.GEOMETRIC)
        self.assertEqual(self.plan(packs=(pack(100 << 20), *new)).repack, Repack.NONE)
        self.assertEqual(self.plan(packs=(pack(cruft=True),), index=False).repack, Repack.NONE)

    def test_loose(self) -> None:
        """
        Many loose objects get a pack.
        """
        self.assertEqual(self.plan(loose_objects=1024).repack, Repack.NONE)
        self.assertEqual(self.plan(loose_objects=1025), Plan(Repack.LOOSE, True, graph=Graph.ADD))

    def test_prune(self) -> None:
        """
        Many stale loose objects are pruned, but not in a pool.
        """
        self.assertFalse(self.plan(stale_objects=1024).prune)
        self.assertEqual(self.plan(stale_objects=1025), Plan(Repack.NONE, True, EXPIRE, prune=True, graph=Graph.REPLACE))
        self.assertTrue(self.plan(stale_objects=1025, pool=True).idle)

    def test_refs(self) -> None:
        """
        Loose refs are packed when there are many beside the packed ones.
        """
        self.assertFalse(self.plan(loose_refs=15).refs)
        self.assertTrue(self.plan(loose_refs=16).refs)
        self.assertFalse(self.plan(loose_refs=60, packed_refs=1 << 20).refs)
        self.assertTrue(self.plan(loose_refs=70, packed_refs=1 << 20).refs)

    def test_graph(self) -> None:
        """
        A commit-graph that is not good for everything is replaced; without refs there is none.
        """
        for graph in (CommitGraph(), CommitGraph(True, False), CommitGraph(False, True)):
            self.assertEqual(self.plan(graph=graph), Plan(bitmap=True, graph=Graph.REPLACE))
        self.assertTrue(self.plan(graph=CommitGraph(), packed_refs=0).idle)

    def test_pool(self) -> None:
        """
        A pool drops nothing, whatever is done.
        """
        several = (pack(), pack())
        self.assertEqual(
            self.plan(pool=True, packs=several, full_repack=None), Plan(Repack.FULL, True, keep=True, graph=Graph.ADD)
        )


class DemandTests(SynchronousTestCase):
    """
    What somebody asks for is done, as far as there is anything.
    """

    def test_eager(self) -> None:
        """
        Everything is done; a pool drops nothing.
        """
        self.assertEqual(eager(WELL, NOW, DEFAULT), Plan(Repack.FULL, True, EXPIRE, True, refs=True, graph=Graph.REPLACE))
        self.assertEqual(eager(WELL, NOW, DEFAULT, True), Plan(Repack.FULL, True, keep=True, refs=True, graph=Graph.REPLACE))
        self.assertEqual(eager(Statistics(), NOW, DEFAULT), Plan(Repack.NONE, True, EXPIRE, True, refs=True))

    def test_pruning(self) -> None:
        """
        What nothing refers to is dropped, loose or packed.
        """
        self.assertEqual(pruning(WELL, 7.0), Plan(Repack.FULL, True, 7.0, True, graph=Graph.REPLACE))
        self.assertEqual(pruning(Statistics(borrows_since=1.0), 7.0), Plan(Repack.NONE, False, 7.0, True))
