"""
What pushes are done with, and what they may cost.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from ..git.interfaces import IGit, Limits
from ..hooks.interfaces import IHooks
from ..storage.interfaces import IRepository
from ..storage.threads import Threads


@frozen
class PackLimits:
    """
    What one pack may cost; ``None`` is no limit.

    :param size: bytes, as they come over the wire.
    :param child: for ``git index-pack``; ``None`` for the limits that every git has.
    """

    size: int | None = None
    child: Limits | None = None


@frozen
class PushLimits:
    """
    What one push may ask for.

    :param commands: how many refs.
    :param options: how many push options.
    :param option_bytes: how many bytes of push options.
    :param pack: what its pack may cost.
    :param walk: what the search for missing objects may cost; ``None`` for the limits that every git has.
    """

    commands: int = 100_000
    options: int = 1000
    option_bytes: int = 64 * 1024
    pack: PackLimits = PackLimits()
    walk: Limits | None = None


def _nobody(repository: IRepository) -> None:
    """
    For those who do not keep house.
    """


@frozen
class Means:
    """
    What a push is done with.

    :param clock: for signs of life.
    :param agent: this server's name, for the ``agent`` capability.
    :param packed: told of a repository that got a new pack, so that somebody can see whether it has too many.
    """

    git: IGit
    hooks: IHooks
    threads: Threads
    clock: IReactorTime
    agent: str
    limits: PushLimits = PushLimits()
    packed: Callable[[IRepository], None] = _nobody
