"""
Gitaly's own tables. Many do not act here yet.

Those are checked like all others, so that a mistake in them is found on the day they are written and not on the day they begin to
act; what a file gives of them is listed at start.
"""

# ruff: noqa: RUF009  (what setting() and table() return is an attrs field, not a default)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from .kinds import (
    ANYTHING,
    BOOL,
    COUNT,
    DURATION,
    INTEGER,
    NUMBER,
    NUMBERS,
    PATH,
    SECRET,
    SIZE,
    TEXT,
    TEXTS,
    setting,
    table,
)


@frozen
class HttpSettings:
    """
    ``[gitlab.http-settings]``: how GitLab's API is reached.
    """

    read_timeout: int = setting(COUNT, 0, "Seconds to wait for an answer.")
    user: str = setting(TEXT, "", "The user of HTTP Basic.")
    password: str = setting(SECRET, "", "The password of HTTP Basic.", secret=True)
    ca_file: str = setting(PATH, "", "Certificates to trust, in one file.")
    ca_path: str = setting(PATH, "", "Certificates to trust, in a directory.")


@frozen
class Gitlab:
    """
    ``[gitlab]``: GitLab's internal API.
    """

    url: str = setting(TEXT, "", "Where it is; http+unix://… for a socket.")
    relative_url_root: str = setting(TEXT, "", "The path below a socket.")
    secret: str = setting(SECRET, "", "The secret shared with it.", secret=True)
    secret_file: str = setting(PATH, "", "The file with the secret.")
    http_settings: HttpSettings = table(HttpSettings, "How it is reached.", name="http-settings")


@frozen
class GitlabShell:
    """
    ``[gitlab-shell]``: where GitLab Shell is.
    """

    dir: str = setting(PATH, "", "Its directory.", used=False)


@frozen
class Prometheus:
    """
    ``[prometheus]``: what is measured.
    """

    scrape_timeout: float = setting(DURATION, 10.0, "How long one scrape may take.", used=False)
    grpc_latency_buckets: tuple[float, ...] = setting(NUMBERS, (), "The buckets of grpc_server_handling_seconds.", used=False)


@frozen
class Concurrency:
    """
    ``[[concurrency]]``: how many calls of a method run at once.
    """

    rpc: str = setting(TEXT, "", "The method: /gitaly.SmartHTTPService/PostUploadPack.")
    adaptive: bool = setting(BOOL, False, "Let the limit follow the machine's load.")
    max_per_repo: int = setting(COUNT, 0, "Calls for one repository; 0 for any number.")
    min_limit: int = setting(COUNT, 0, "The least that an adaptive limit shrinks to.")
    max_limit: int = setting(COUNT, 0, "The most that an adaptive limit grows to.")
    initial_limit: int = setting(COUNT, 0, "Where an adaptive limit begins.")
    max_queue_size: int = setting(COUNT, 0, "Calls that may wait for one repository; 0 for any number.")
    max_queue_wait: float = setting(DURATION, 0.0, "How long a call may wait; 0s for as long as it takes.")


@frozen
class RateLimiting:
    """
    ``[[rate_limiting]]``: how many calls of a method are taken in a time.
    """

    rpc: str = setting(TEXT, "", "The method.")
    interval: float = setting(DURATION, 0.0, "How often one more call is allowed.")
    burst: int = setting(COUNT, 0, "Calls that are allowed at once.")


@frozen
class AdaptiveLimiting:
    """
    ``[adaptive_limiting]``: when adaptive limits shrink.
    """

    cpu_throttled_threshold: float = setting(NUMBER, 0.0, "Part of the time that the CPU was throttled; 0 is 0.5.")
    memory_threshold: float = setting(NUMBER, 0.0, "Part of the memory in use; 0 is 0.9.")


@frozen
class PackObjectsCache:
    """
    ``[pack_objects_cache]``: packs kept for identical fetches.
    """

    enabled: bool = setting(BOOL, True, "Keep them: identical fetches share one pack, and a slow client holds no git.")
    dir: str = setting(PATH, "", "Where; empty is PackObjectsCache in data_dir.")
    max_age: float = setting(DURATION, 300.0, "How long; 0s is 5m.")
    min_occurrences: int = setting(COUNT, 1, "Only what was asked for that often in that time.")
    max_size: int = setting(
        SIZE, 10 << 30, "Bytes on disk, after which the oldest go; 1GiB of the disk is always left to others."
    )


@frozen
class PackObjectsLimiting:
    """
    ``[pack_objects_limiting]``: how many packs are made at once.
    """

    key: str = setting(TEXT, "", "Gitaly's older choice; it is for each address now.", used=False)
    adaptive: bool = setting(BOOL, False, "Let the limit follow the machine's load.")
    max_concurrency: int = setting(COUNT, 0, "Packs at once for one address; 0 for any number.")
    min_limit: int = setting(COUNT, 0, "The least that an adaptive limit shrinks to.")
    max_limit: int = setting(COUNT, 0, "The most that an adaptive limit grows to.")
    initial_limit: int = setting(COUNT, 0, "Where an adaptive limit begins.")
    max_queue_length: int = setting(COUNT, 0, "Fetches that may wait; 0 for any number.")
    max_queue_wait: float = setting(DURATION, 0.0, "How long a fetch may wait; 0s for as long as it takes.")


@frozen
class Backup:
    """
    ``[backup]``: server-side backups.
    """

    go_cloud_url: str = setting(TEXT, "", "Where to: a directory, as a path or as file://PATH. Empty for none.")
    wal_backup_go_cloud_url: str = setting(TEXT, "", "Where log entries go.", used=False)
    wal_worker_count: int = setting(COUNT, 0, "Log entries sent at once.", used=False)
    layout: str = setting(TEXT, "pointer", "How new ones are laid out: pointer or manifest. All are found.")
    buffer_size: int = setting(COUNT, 0, "Bytes of one upload.", used=False)


@frozen
class BundleUri:
    """
    ``[bundle_uri]``: bundles that clones over HTTP begin with, where the client has ``transfer.bundleURI`` set.
    """

    enabled: bool = setting(BOOL, False, "Keep them, and tell clients of them that clone over HTTP with transfer.bundleURI.")
    dir: str = setting(PATH, "", "Where; empty is bundles in data_dir.")
    max_size: int = setting(SIZE, 10 * 2**30, "The most of them that are kept; the oldest go first.")
    max_age: float = setting(DURATION, 86400.0, "How old one gets.")
    autogeneration: bool = setting(BOOL, False, "Make them when clones are frequent; otherwise GenerateBundleURI makes them.")
    min_clones: int = setting(COUNT, 20, "How many clones of a repository are frequent.")
    interval: float = setting(DURATION, 3600.0, "In which time.")
    go_cloud_url: str = setting(TEXT, "", "Where Gitaly keeps them: a bucket's URL.", used=False)
    generation_strategy: str = setting(TEXT, "", "When Gitaly makes them.", used=False)


@frozen
class CgroupRepositories:
    """
    ``[cgroups.repositories]``: a share for each repository.
    """

    count: int = setting(COUNT, 0, "How many groups there are; 0 for none, also of all children.")
    memory_bytes: int = setting(INTEGER, 0, "Memory of one; 0 for any.")
    cpu_shares: int = setting(COUNT, 0, "Weight of one, where 1024 is usual; 0 for the usual one.")
    cpu_quota_us: int = setting(INTEGER, 0, "Microseconds of CPU time of one, of each 100 ms; 0 for any.")
    max_cgroups_per_repo: int = setting(COUNT, 1, "Groups that one repository's children are spread over.")


@frozen
class Cgroups:
    """
    ``[cgroups]``: Linux control groups for children, where the kernel lets us make them.
    """

    mountpoint: str = setting(PATH, "", "Where they are mounted; empty is /sys/fs/cgroup. Version 2 only.")
    hierarchy_root: str = setting(TEXT, "gitaly", "The group above all others.")
    memory_bytes: int = setting(INTEGER, 0, "Memory of all children; 0 for any.")
    cpu_shares: int = setting(COUNT, 0, "Weight of all children, where 1024 is usual; 0 for the usual one.")
    cpu_quota_us: int = setting(INTEGER, 0, "Microseconds of CPU time of all children, of each 100 ms; 0 for any.")
    metrics_enabled: bool = setting(BOOL, False, "Export the groups' figures.", used=False)
    repositories: CgroupRepositories = table(CgroupRepositories, "A share for each repository.")
    count: int = setting(COUNT, 0, "Older spelling of repositories.count.", used=False)
    cpu: Mapping[str, Any] = setting(ANYTHING, {}, "Older spelling.", used=False)
    memory: Mapping[str, Any] = setting(ANYTHING, {}, "Older spelling.", used=False)
    git: Mapping[str, Any] = setting(ANYTHING, {}, "Older spelling.", used=False)


@frozen
class DailyMaintenance:
    """
    ``[daily_maintenance]``: when repositories are looked after. Without the table that is at noon, for ten minutes.
    """

    start_hour: int = setting(COUNT, 0, "The hour, from 0 to 23, of the machine's own time.")
    start_minute: int = setting(COUNT, 0, "The minute.")
    duration: float = setting(DURATION, 0.0, "For how long; no repository is begun afterwards.")
    storages: tuple[str, ...] = setting(TEXTS, (), "In which storages; empty for all.")
    disabled: bool = setting(BOOL, False, "Not at all.")


@frozen
class Timeout:
    """
    ``[timeout]``: how long negotiations take.
    """

    upload_pack_negotiation: float = setting(DURATION, 600.0, "Of a fetch.")
    upload_archive_negotiation: float = setting(DURATION, 60.0, "Of an archive.")


@frozen
class Transactions:
    """
    ``[transactions]``: Gitaly's write-ahead log.
    """

    enabled: bool = setting(BOOL, False, "Ours is always on.", used=False)
    max_inactive_partitions: int = setting(COUNT, 0, "Partitions kept in memory.", used=False)


@frozen
class Raft:
    """
    ``[raft]``: Gitaly's replication.
    """

    enabled: bool = setting(BOOL, False, "There is none here yet.", used=False)
    cluster_id: str = setting(TEXT, "", "The cluster's name.", used=False)
    rtt_milliseconds: int = setting(COUNT, 200, "The time between two members.", used=False)
    election_ticks: int = setting(COUNT, 20, "Until an election.", used=False)
    heartbeat_ticks: int = setting(COUNT, 2, "Until a sign of life.", used=False)
    snapshot_dir: str = setting(PATH, "", "Where snapshots are.", used=False)


@frozen
class Offloading:
    """
    ``[offloading]``: objects kept elsewhere.
    """

    enabled: bool = setting(BOOL, False, "There is none here yet.", used=False)
    cache_root: str = setting(PATH, "", "Where they are kept for a while.", used=False)
    go_cloud_url: str = setting(TEXT, "", "Where they are: a bucket's URL.", used=False)


__all__ = [
    "AdaptiveLimiting",
    "Backup",
    "BundleUri",
    "CgroupRepositories",
    "Cgroups",
    "Concurrency",
    "DailyMaintenance",
    "Gitlab",
    "GitlabShell",
    "HttpSettings",
    "Offloading",
    "PackObjectsCache",
    "PackObjectsLimiting",
    "Prometheus",
    "Raft",
    "RateLimiting",
    "Timeout",
    "Transactions",
]
