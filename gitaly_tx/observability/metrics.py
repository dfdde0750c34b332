"""
The server's numbers, as Prometheus families on a registry of one's own.

Names and labels of the gRPC families are those of go-grpc-prometheus, which Gitaly exports, so that dashboards made for Gitaly
work. Only metrics that exist here may stand in ``etc/prometheus-rules.yml``; a test compares the two.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from .tallies import Spreads, Tally

LATENCY_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 10.0, 30.0, 60.0, 300.0, 1500.0)
"""Seconds that a call takes; Gitaly's defaults."""

WAIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds of things that should take milliseconds: an fsync, a place in a line, a turn of the reactor."""

PHASE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds that a part of a backup takes; Gitaly's."""

BUNDLE_BUCKETS = tuple(float(10 * 2**30) ** (step / 19) for step in range(20))
"""Bytes of a bundle, from 1 to 10 GiB; Gitaly's."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Entries that share one fsync."""

_METHOD = ("grpc_type", "grpc_service", "grpc_method")


class Metrics:
    """
    Every family that the server exports. An attribute is a family; who measures it takes this object as an argument.

    :param registry: where the families are registered. Each server (and each test) has its own, so two never meet.
    :param process: also export the process's own figures (CPU, memory, descriptors, Python's garbage collector).
    """

    def __init__(self, registry: CollectorRegistry, process: bool = True) -> None:
        self.registry = registry
        self._calls(registry)
        self._bytes(registry)
        self._writes(registry)
        self._limits(registry)
        self._packs(registry)
        self._children(registry)
        self._backups(registry)
        self._server(registry)
        if process:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)

    def _calls(self, registry: CollectorRegistry) -> None:
        """
        Calls over every door, by the method that they are: an HTTP push is one of ``SmartHTTPService/PostReceivePack``.
        ``grpc_type`` is ``unary``, ``client_stream``, ``server_stream`` or ``bidi_stream``; ``grpc_code`` is Go's spelling:
        ``NotFound``.
        """
        self.calls_started = Tally("grpc_server_started_total", "Calls begun.", _METHOD, registry=registry)
        self.calls_handled = Tally(
            "grpc_server_handled_total", "Calls ended, by the status they ended with.", (*_METHOD, "grpc_code"), registry=registry
        )
        self.calls_seconds = Spreads(
            "grpc_server_handling_seconds",
            "Seconds from a call's beginning to its end.",
            _METHOD,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.client_requests = Tally(
            "gitaly_service_client_requests_total",
            "Calls ended, by who made them and how they ended, as Gitaly counts them.",
            (
                "client_name",
                "grpc_service",
                "grpc_method",
                "call_site",
                "auth_version",
                "grpc_code",
                "deadline_type",
                "method_operation",
                "method_scope",
            ),
            registry=registry,
        )
        self.calls_in_flight = Gauge(
            "gitaly_tx_calls_in_flight",
            "Calls that have begun and not ended.",
            ("grpc_service", "grpc_method"),
            registry=registry,
        )
        self.rejections = Counter(
            "gitaly_tx_rejections_total",
            "Calls refused before any work, by reason: unauthenticated, permission, limit, shutdown, invalid.",
            ("reason", "service", "method"),
            registry=registry,
        )
        self.auth = Tally(
            "gitaly_tx_auth_total",
            "Attempts to prove who one is: how (key, token, grpc, anonymous) and with what outcome (ok, refused).",
            ("protocol", "method", "outcome"),
            registry=registry,
        )
        self.authentications = Tally(
            "gitaly_authentications_total",
            "Tokens of gRPC callers, as Gitaly counts them: are they enforced, and were they good.",
            ("enforced", "status"),
            registry=registry,
        )
        self.connections = Gauge("gitaly_tx_connections", "Open client connections.", ("protocol",), registry=registry)

    def _bytes(self, registry: CollectorRegistry) -> None:
        """
        What crosses the wire: ``protocol`` is ``grpc``, ``http`` or ``ssh``; ``direction`` is ``in`` or ``out``.
        """
        self.bytes = Tally(
            "gitaly_tx_bytes_total", "Bytes of git and message traffic.", ("protocol", "direction"), registry=registry
        )

    def _writes(self, registry: CollectorRegistry) -> None:
        """
        The way of a write: queue, log, fsync.
        """
        self.write_queue_length = Gauge(
            "gitaly_tx_write_queue_length", "Writes that wait for their turn, over all partitions.", registry=registry
        )
        self.write_queue_wait = Histogram(
            "gitaly_tx_write_queue_wait_seconds",
            "Seconds a write waited for its turn.",
            buckets=(*WAIT_BUCKETS, 30.0, 60.0),
            registry=registry,
        )
        self.wal_fsync = Histogram(
            "gitaly_tx_wal_fsync_seconds", "Seconds of one fsync of the log.", buckets=WAIT_BUCKETS, registry=registry
        )
        self.wal_batch = Histogram(
            "gitaly_tx_wal_batch_entries", "Entries made durable by one fsync.", buckets=BATCH_BUCKETS, registry=registry
        )
        self.wal_bytes = Counter("gitaly_tx_wal_bytes_total", "Bytes appended to the log.", registry=registry)
        self.damaged_partitions = Gauge(
            "gitaly_tx_damaged_partitions",
            "Partitions that take no writes because their log cannot be trusted.",
            registry=registry,
        )
        self.stagings = Gauge("gitaly_tx_stagings", "Staging directories in use: pushes under way.", registry=registry)

    def _limits(self, registry: CollectorRegistry) -> None:
        """
        Who waits and who is turned away. The families that begin with ``gitaly_`` and not with ``gitaly_tx_`` are Gitaly's.
        """
        labels = ("system", "grpc_service", "grpc_method")
        self.limit_queued = Gauge("gitaly_concurrency_limiting_queued", "Calls that wait for a place.", labels, registry=registry)
        self.limit_in_progress = Gauge(
            "gitaly_concurrency_limiting_in_progress",
            "Calls that have a place.",
            labels,
            registry=registry,
        )
        self.limit_acquiring = Histogram(
            "gitaly_concurrency_limiting_acquiring_seconds",
            "Seconds until a call has a place.",
            labels,
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.requests_dropped = Counter(
            "gitaly_requests_dropped_total", "Calls that were turned away.", (*labels, "reason"), registry=registry
        )
        self.adaptive_limit = Gauge(
            "gitaly_concurrency_limiting_current_limit",
            "A limit that follows the load, as it is now.",
            ("limit",),
            registry=registry,
        )
        self.adaptive_backoffs = Counter(
            "gitaly_concurrency_limiting_backoff_events_total",
            "How often limits were cut, by who saw pressure.",
            ("watcher",),
            registry=registry,
        )
        self.adaptive_errors = Counter(
            "gitaly_concurrency_limiting_watcher_errors_total",
            "How often a resource could not be looked at.",
            ("watcher",),
            registry=registry,
        )
        self.pool_queued = Gauge("gitaly_tx_pool_queued", "Calls that wait for a place in a pool.", ("pool",), registry=registry)
        self.pool_in_progress = Gauge(
            "gitaly_tx_pool_in_progress", "Calls that have a place in a pool.", ("pool",), registry=registry
        )
        self.pool_acquiring = Histogram(
            "gitaly_tx_pool_acquiring_seconds",
            "Seconds until a call has a place in a pool.",
            ("pool",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.pool_dropped = Counter(
            "gitaly_tx_pool_dropped_total", "Calls that a pool had no place for.", ("pool", "reason"), registry=registry
        )

    def _packs(self, registry: CollectorRegistry) -> None:
        """
        Packs made for fetches: Gitaly's families.
        """
        self.packs_queued = Gauge("gitaly_pack_objects_queued", "Packs that wait to be made.", registry=registry)
        self.packs_in_progress = Gauge("gitaly_pack_objects_in_progress", "Packs that are being made.", registry=registry)
        self.packs_acquiring = Histogram(
            "gitaly_pack_objects_acquiring_seconds",
            "Seconds until a pack begins to be made.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.packs_lookups = Counter(
            "gitaly_pack_objects_cache_lookups_total",
            "Packs asked for, by whether they were kept.",
            ("result",),
            registry=registry,
        )
        self.packs_made = Counter(
            "gitaly_pack_objects_generated_bytes_total", "Bytes of packs that were made.", registry=registry
        )
        self.packs_served = Counter("gitaly_pack_objects_served_bytes_total", "Bytes of packs that were sent.", registry=registry)
        self.info_refs = Counter(
            "gitaly_inforef_cache_attempt_total", "Long lists of refs, by whether they were kept.", ("type",), registry=registry
        )
        self.packs_kept = Gauge("gitaly_streamcache_index_entries", "Packs that are kept.", registry=registry)
        self.packs_size = Gauge(
            "gitaly_streamcache_filestore_disk_usage_bytes", "Bytes of packs that are kept.", registry=registry
        )
        self.packs_dropped = Counter(
            "gitaly_pack_objects_dropped_total", "Packs that were not made.", ("reason",), registry=registry
        )

    def _children(self, registry: CollectorRegistry) -> None:
        """
        Programs that the server runs. ``outcome`` is ``ok``, ``failed``, ``killed`` or ``unstarted``.
        """
        self.git_children = Gauge("gitaly_tx_git_children", "git processes that are alive.", registry=registry)
        self.git_commands = Counter(
            "gitaly_tx_git_commands_total", "git processes that ended.", ("subcommand", "outcome"), registry=registry
        )
        self.git_cpu = Counter(
            "gitaly_tx_git_cpu_seconds_total", "CPU seconds of git processes.", ("subcommand", "mode"), registry=registry
        )
        self.hooks = Counter(
            "gitaly_tx_hooks_total",
            "Custom hooks, policies and the application, whenever asked.",
            ("hook", "outcome"),
            registry=registry,
        )

        self.gitlab_api = Histogram(
            "gitaly_gitlab_api_latency_seconds",
            "Seconds until the application answered: allowed, pre-receive, post-receive, check.",
            ("endpoint",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    def _backups(self, registry: CollectorRegistry) -> None:
        """
        Backups that the server makes: Gitaly's families.
        """
        self.backup_phases = Histogram(
            "gitaly_backup_latency_seconds",
            "Seconds that a part of a backup took: refs, bundle, custom_hooks.",
            ("phase",),
            buckets=PHASE_BUCKETS,
            registry=registry,
        )
        self.backup_bundles = Histogram(
            "gitaly_backup_bundle_bytes", "Bytes of a bundle of a backup.", buckets=BUNDLE_BUCKETS, registry=registry
        )

    def _server(self, registry: CollectorRegistry) -> None:
        """
        The process as such.
        """
        self.reactor_lag = Histogram(
            "gitaly_tx_reactor_lag_seconds",
            "How much later than asked the reactor ran a timed call.",
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self.reactor_turn = Gauge(
            "gitaly_tx_reactor_longest_turn_seconds",
            "CPU seconds of the reactor's longest turn; 0 unless GITALY_TX_WATCH_TURNS is set.",
            registry=registry,
        )
        self.reactor_disk = Gauge(
            "gitaly_tx_reactor_disk_touches",
            "How often the reactor's thread may have waited for the disk; 0 unless GITALY_TX_WATCH_TURNS is set.",
            registry=registry,
        )
        self.ready = Gauge("gitaly_tx_ready", "1 while the server takes work.", registry=registry)
        self.build = Gauge("gitaly_tx_build_info", "Always 1; the labels say what runs.", ("version", "git"), registry=registry)
        self.reloads = Counter("gitaly_tx_config_reloads_total", "Reloads of users and rules.", ("outcome",), registry=registry)


__all__ = ["BATCH_BUCKETS", "BUNDLE_BUCKETS", "LATENCY_BUCKETS", "PHASE_BUCKETS", "WAIT_BUCKETS", "Metrics"]
