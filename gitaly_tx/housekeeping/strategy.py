"""
What to do about a repository's state. Pure.

The rules and their numbers are Gitaly's: each step costs about as much as it has saved since the last time.
"""

from __future__ import annotations

import enum
from math import log

from attrs import frozen

from .statistics import Statistics

DAY = 86400.0


class Repack(enum.Enum):
    """
    How much is packed anew.

    LOOSE: loose objects get a pack. GEOMETRIC: the smallest packs become one, so that each is twice as large as all smaller ones
    together. FULL: everything, and what nothing refers to goes into a pack of its own.
    """

    NONE = enum.auto()
    LOOSE = enum.auto()
    GEOMETRIC = enum.auto()
    FULL = enum.auto()


class Graph(enum.Enum):
    """
    What is done to the commit-graph: a file is added to the chain, or all of it is written anew.
    """

    NONE = enum.auto()
    ADD = enum.auto()
    REPLACE = enum.auto()


@frozen
class Thresholds:
    """
    :param loose_objects: more of them get a pack.
    :param stale_objects: more of them are pruned.
    :param new_packs: more packs than that which the multi-pack index does not have are put together; larger repositories may
        have more.
    :param loose_refs: so many are packed; repositories with many packed refs may have more.
    :param full_repack: seconds between full repacks, at least.
    :param expiry: seconds that an object stays that nothing refers to.
    """

    loose_objects: int = 1024
    stale_objects: int = 1024
    new_packs: int = 2
    loose_refs: int = 16
    full_repack: float = 5 * DAY
    expiry: float = 10 * DAY


@frozen
class Plan:
    """
    :param bitmap: the new multi-pack index gets one.
    :param expire: objects older than this (seconds since the epoch) that nothing refers to are dropped; ``None`` for none.
    :param prune: loose ones, too.
    :param keep: it is a pool: what nothing refers to may be needed by others, and is kept like anything else.
    :param refs: the loose refs are packed.
    """

    repack: Repack = Repack.NONE
    bitmap: bool = False
    expire: float | None = None
    prune: bool = False
    keep: bool = False
    refs: bool = False
    graph: Graph = Graph.NONE

    @property
    def rebuilds(self) -> bool:
        """
        Whether anything is done to the object directory.
        """
        return self.repack is not Repack.NONE or self.prune or self.graph is not Graph.NONE

    @property
    def idle(self) -> bool:
        """
        Whether there is nothing to do.
        """
        return not self.rebuilds and not self.refs


def heuristical(statistics: Statistics, now: float, thresholds: Thresholds, pool: bool = False) -> Plan:
    """
    :param now: seconds since the epoch.
    :param pool: others borrow from this repository.
    :returns: what is worth its cost.
    """
    repack = _repack(statistics, now, thresholds)
    prune = not pool and statistics.stale_objects > thresholds.stale_objects
    drops = not pool and (prune or repack is Repack.FULL)
    return Plan(
        repack,
        bitmap=statistics.borrows_since is None,
        expire=now - thresholds.expiry if drops else None,
        prune=prune,
        keep=pool,
        refs=_pack_refs(statistics, thresholds),
        graph=_graph(statistics, repack, drops),
    )


def eager(statistics: Statistics, now: float, thresholds: Thresholds, pool: bool = False) -> Plan:
    """
    :returns: all there is.
    """
    return Plan(
        Repack.NONE if statistics.empty else Repack.FULL,
        bitmap=statistics.borrows_since is None,
        expire=None if pool else now - thresholds.expiry,
        prune=not pool,
        keep=pool,
        refs=True,
        graph=Graph.REPLACE if _has_refs(statistics) else Graph.NONE,
    )


def pruning(statistics: Statistics, expire: float) -> Plan:
    """
    :returns: how to get rid of what nothing refers to and was not touched since ``expire``.
    """
    return Plan(
        Repack.NONE if statistics.empty else Repack.FULL,
        bitmap=statistics.borrows_since is None,
        expire=expire,
        prune=True,
        graph=Graph.REPLACE if _has_refs(statistics) else Graph.NONE,
    )


def _repack(statistics: Statistics, now: float, thresholds: Thresholds) -> Repack:
    if statistics.empty:
        return Repack.NONE
    last = statistics.full_repack or 0.0
    if statistics.borrows_since is not None and statistics.borrows_since > last:
        return Repack.FULL
    plain = [pack for pack in statistics.packs if not pack.cruft]
    if len(plain) > 1 and now - last > thresholds.full_repack:
        return Repack.FULL
    if plain and not statistics.index:
        return Repack.GEOMETRIC
    megabytes = sum(pack.size for pack in statistics.packs) / (1 << 20)
    new = sum(not pack.indexed for pack in statistics.packs)
    if new > max(thresholds.new_packs, _logarithm(megabytes, 1.8)):
        return Repack.GEOMETRIC
    return Repack.LOOSE if statistics.loose_objects > thresholds.loose_objects else Repack.NONE


def _graph(statistics: Statistics, repack: Repack, drops: bool) -> Graph:
    if not _has_refs(statistics) or statistics.empty:
        return Graph.NONE
    if drops or not (statistics.graph.chain and statistics.graph.filters):
        return Graph.REPLACE
    return Graph.NONE if repack is Repack.NONE else Graph.ADD


def _pack_refs(statistics: Statistics, thresholds: Thresholds) -> bool:
    return statistics.loose_refs >= max(thresholds.loose_refs, _logarithm(statistics.packed_refs / 100, 1.15))


def _has_refs(statistics: Statistics) -> bool:
    return statistics.loose_refs > 0 or statistics.packed_refs > 0


def _logarithm(value: float, base: float) -> float:
    return log(value, base) if value > 1 else 0.0
