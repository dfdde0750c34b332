"""
Tests for :mod:`gitaly_tx.server.packs` and :mod:`gitaly_tx.server.groups`.
"""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.load import parse
from gitaly_tx.config.model import Config
from gitaly_tx.git.cgroups import MOUNTPOINT, Hierarchy, Share
from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.limit import Limit
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.server.groups import control_groups
from gitaly_tx.server.packs import kept_bundles, kept_packs, pack_cache
from gitaly_tx.transport.bundles import Bundles, Often


class PacksTests(SynchronousTestCase):
    """
    What the configuration says of packs.
    """

    def config(self, text: str = "") -> Config:
        return parse(text, None, "data")

    def cache(self, text: str = "") -> Any:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, process=False)
        threads: Any = None
        return pack_cache(Clock(), self.config(text), threads, self.metrics)

    def test_cache(self) -> None:
        """
        Packs are kept in the data directory, unless the file says otherwise.
        """
        keeping = self.cache().keeping
        self.assertEqual(keeping.directory, os.path.abspath("data/PackObjectsCache"))
        self.assertEqual((keeping.max_age, keeping.max_size, keeping.min_occurrences), (300, 10 << 30, 1))
        text = '[pack_objects_cache]\ndir = "/x"\nmax_age = "0s"\nmin_occurrences = 3\nmax_size = "1MiB"\n'
        keeping = self.cache(text).keeping
        self.assertEqual((keeping.directory, keeping.max_age, keeping.max_size, keeping.min_occurrences), ("/x", 300, 1 << 20, 3))
        self.assertIsNone(self.cache("[pack_objects_cache]\nenabled = false\n"))

    def test_measured(self) -> None:
        """
        What is kept, and how often that was of use, is measured.
        """
        told = self.cache().told
        told.looked_up("hit")
        told.made(17)
        told.kept(2, 34)
        value = self.registry.get_sample_value
        self.assertEqual(value("gitaly_pack_objects_cache_lookups_total", {"result": "hit"}), 1)
        self.assertEqual(value("gitaly_pack_objects_generated_bytes_total"), 17)
        self.assertEqual(value("gitaly_streamcache_index_entries"), 2)
        self.assertEqual(value("gitaly_streamcache_filestore_disk_usage_bytes"), 34)

    def test_taken_over(self) -> None:
        """
        Nobody takes over from upload-pack where packs are neither kept nor limited.
        """
        cache, limiter = self.cache(), ConcurrencyLimiter(Clock(), Limit("packs", 1))
        anything: Any = None
        for kept, limited, expected in ((None, None, False), (cache, None, True), (None, limiter, True), (cache, limiter, True)):
            made = kept_packs(anything, anything, anything, kept, limited, anything, self.metrics)
            self.assertEqual(made is not None, expected)

    def test_bundles(self) -> None:
        """
        Bundles are kept where that is wanted, and made by themselves where that is wanted, too.
        """
        anything: Any = None

        def made(text: str) -> Bundles | None:
            return kept_bundles(Clock(), anything, self.config("[bundle_uri]\n" + text), anything)

        for text in ("", "autogeneration = true\n", 'go_cloud_url = "gs://x"\n'):
            self.assertIsNone(made(text))
        bundles = made("enabled = true\n")
        assert bundles is not None
        store = bundles.store
        self.assertEqual((store.directory, store.max_size, store.max_age), (os.path.abspath("data/bundles"), 10 << 30, 86400))
        self.assertIsNone(bundles._often)
        text = 'enabled = true\ndir = "/x"\nmax_size = "1MiB"\nmax_age = "1h"\n'
        bundles = made(text + 'autogeneration = true\nmin_clones = 3\ninterval = "1m"\n')
        assert bundles is not None
        store = bundles.store
        self.assertEqual((store.directory, store.max_size, store.max_age), ("/x", 1 << 20, 3600))
        self.assertEqual((bundles._often, bundles._limits.file_size), (Often(3, 60), 1 << 20))

    def test_groups(self) -> None:
        """
        There are control groups if a number of them is given.
        """
        anything: Any = None
        self.assertIsNone(control_groups(self.config("[cgroups]\nmemory_bytes = 100\n"), anything))
        text = '[cgroups]\nhierarchy_root = "/a/b/"\nmemory_bytes = 100\n[cgroups.repositories]\ncount = 3\ncpu_shares = 2\n'
        groups = control_groups(self.config(text), anything)
        assert groups is not None
        self.assertEqual(groups._hierarchy, Hierarchy(MOUNTPOINT, "a/b", Share(memory=100), Share(cpu_shares=2), 3, 1))
