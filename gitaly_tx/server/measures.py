"""
What the lower layers report, as numbers.
"""

from __future__ import annotations

from ..auth.interfaces import Attempted
from ..git.accounting import account
from ..git.interfaces import Ended
from ..observability.metrics import Metrics


class Measures:
    """
    Observers for those who know no metrics.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def child(self, name: str, ended: Ended | None) -> None:
        """
        A child began, or ended.
        """
        account(name, ended)
        if ended is None:
            return
        outcome = "ok" if ended.status == 0 else "killed" if ended.status < 0 else "failed"
        self._metrics.git_commands.labels(name, outcome).inc()
        self._metrics.git_cpu.labels(name, "user").inc(ended.usage.user)
        self._metrics.git_cpu.labels(name, "system").inc(ended.usage.system)

    def fsync(self, seconds: float, entries: int, size: int) -> None:
        """
        The log was made durable.
        """
        self._metrics.wal_fsync.observe(seconds)
        self._metrics.wal_batch.observe(entries)
        self._metrics.wal_bytes.inc(size)

    def hook(self, hook: str, outcome: str) -> None:
        """
        A hook, a policy or the application was asked.
        """
        self._metrics.hooks.labels(hook, outcome).inc()

    def backup_phase(self, phase: str, seconds: float) -> None:
        """
        A part of a backup is done.
        """
        self._metrics.backup_phases.labels(phase).observe(seconds)

    def backup_bundle(self, size: float) -> None:
        """
        A bundle is where it is kept.
        """
        self._metrics.backup_bundles.observe(size)

    def waited(self, seconds: float) -> None:
        """
        A write's turn has come.
        """
        self._metrics.write_queue_wait.observe(seconds)

    def rejected(self, reason: str, service: str, method: str) -> None:
        """
        Somebody was turned away.
        """
        self._metrics.rejections.labels(reason, service, method).inc()

    def attempts(self, protocol: str) -> Attempted:
        """
        :returns: an observer of attempts to prove who one is, at one door.
        """

        def attempted(how: str, good: bool) -> None:
            self._metrics.auth.labels(protocol, how, "ok" if good else "refused").inc()

        return attempted
