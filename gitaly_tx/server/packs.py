"""
How packs and bundles are made and kept, from the configuration.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from ..cache.interfaces import IStreamCache
from ..cache.streamcache import Keeping, StreamCache, Told, Unkept
from ..config.model import Config
from ..git.interfaces import IGit, Limits
from ..limits.interfaces import ILimiter
from ..observability.metrics import Metrics
from ..storage.threads import Threads
from ..transport.bundles import Bundles, Often
from ..transport.bundlestore import BundleStore
from ..transport.keptpacks import KeptPacks
from ..transport.keptpacks import Told as PacksTold
from ..wal.interfaces import Partition

DEFAULT_AGE = 300.0
"""Seconds, where the configuration says 0."""


def pack_cache(reactor: Any, config: Config, in_thread: Threads, metrics: Metrics) -> StreamCache | None:
    """
    Where packs are kept, if they are.
    """
    table = config.pack_objects_cache
    if not table.enabled:
        return None
    directory = table.dir or os.path.join(config.data_dir, "PackObjectsCache")

    def kept(count: int, size: int) -> None:
        metrics.packs_kept.set(count)
        metrics.packs_size.set(size)

    told = Told(lambda result: metrics.packs_lookups.labels(result).inc(), metrics.packs_made.inc, kept)
    keeping = Keeping(directory, table.max_age or DEFAULT_AGE, table.max_size, table.min_occurrences)
    return StreamCache(reactor, in_thread, keeping, told)


def kept_packs(
    reactor: Any,
    git: IGit,
    threads: Threads,
    cache: StreamCache | None,
    limiter: ILimiter | None,
    generation: Callable[[Partition], int],
    metrics: Metrics,
) -> KeptPacks | None:
    """
    Who makes packs for several at once; ``None`` if each is made by itself, and any number of them.
    """
    if cache is None and limiter is None:
        return None
    kept: IStreamCache = Unkept() if cache is None else cache
    return KeptPacks(git, reactor, reactor, threads, kept, generation, limiter, PacksTold(metrics.packs_served.inc))


def kept_bundles(reactor: Any, git: IGit, config: Config, threads: Threads) -> Bundles | None:
    """
    Who makes bundles that clones begin with; ``None`` if there are none.
    """
    table = config.bundle_uri
    if not table.enabled:
        return None
    store = BundleStore(table.dir or os.path.join(config.data_dir, "bundles"), table.max_size, table.max_age, threads, time.time)
    often = Often(table.min_clones, table.interval) if table.autogeneration else None
    limits = Limits(memory=config.limits.git_memory or None, file_size=table.max_size)
    return Bundles(git, reactor, reactor, threads, store, often, limits)
