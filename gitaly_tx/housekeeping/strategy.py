"""
What to do about a repository's state. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from .statistics import Pack, Statistics


@frozen
class Thresholds:
    """
    :param packs: so many packs that are small beside the next larger ones are put into one.
    :param loose_objects: so many loose objects are put into a pack.
    :param loose_refs: so many loose refs are put into ``packed-refs``.
    :param factor: each pack shall be so many times as large as all smaller ones together; a repository of n pushes has then
        log(n) packs, and each byte is written log(n) times.
    """

    packs: int = 20
    loose_objects: int = 2000
    loose_refs: int = 1000
    factor: int = 2


@frozen
class Plan:
    """
    :param merge: the packs that become one.
    :param loose: the loose objects go there too.
    :param refs: the loose refs are packed.
    """

    merge: tuple[Pack, ...] = ()
    loose: bool = False
    refs: bool = False

    @property
    def repack(self) -> bool:
        """
        Whether a pack is to be written.
        """
        return bool(self.merge) or self.loose

    @property
    def idle(self) -> bool:
        """
        Whether there is nothing to do.
        """
        return not self.repack and not self.refs


def plan(statistics: Statistics, thresholds: Thresholds) -> Plan:
    """
    :returns: what is worth its cost.
    """
    small = roll_up(statistics.packs, thresholds.factor)
    crowded = len(small) >= thresholds.packs
    loose = statistics.loose_objects >= thresholds.loose_objects
    return Plan(
        merge=small if crowded or loose else (),
        loose=crowded or loose,
        refs=statistics.loose_refs >= thresholds.loose_refs,
    )


def roll_up(packs: Sequence[Pack], factor: int) -> tuple[Pack, ...]:
    """
    The packs that must become one so that each remaining pack is ``factor`` times as large as all smaller ones together; as ``git
    repack --geometric`` chooses them, but by bytes instead of objects.

    :returns: two or more packs, smallest first; none if all is well. Pinned ones are never among them.
    """
    ordered = sorted((pack for pack in packs if not pack.pinned), key=lambda pack: (pack.size, pack.name))
    split = 0
    for index in range(len(ordered) - 1, 0, -1):
        if ordered[index].size < factor * ordered[index - 1].size:
            split = index + 1
            break
    # What was chosen makes one pack, which may be too large for the next one in turn.
    total = sum(pack.size for pack in ordered[:split])
    while 0 < split < len(ordered) and ordered[split].size < factor * total:
        total += ordered[split].size
        split += 1
    return tuple(ordered[:split])
