"""
The server's parts in motion: how they are started, reloaded and stopped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred

from ..auth.reload import Authority
from ..backup.backups import Backups
from ..bridge import reactor_loop
from ..cache.streamcache import StreamCache
from ..client.peers import Peers
from ..config.model import Config
from ..frontends.grpc.service import GRPCService
from ..frontends.grpc.standard import Health
from ..frontends.http.service import HTTPService
from ..frontends.monitoring.resources import Readiness
from ..frontends.monitoring.service import MonitoringService
from ..frontends.ssh.service import SSHService
from ..frontends.tls import RenewableCertificate
from ..git.cgroups import ControlledChildren
from ..git.children import Children
from ..git.watchdog import Watchdog
from ..hooks.unasked import Unasked
from ..hooks.updateref import RefUpdater
from ..limits.adaptive import Adaptation
from ..observability.lag import LagSampler
from ..observability.metrics import Metrics
from ..storage.filesystems import LOCAL, filesystem_name
from ..threads import Pool, Returning, loop_wake
from ..transport.bundles import Bundles
from ..transport.receivepack import ReceivePack
from ..wal.layout import Layout
from ..wal.lock import StorageLock, prepare_layout
from ..wal.store import Store
from ..warm import Warm
from ..writequeue.commit import Committer
from ..writequeue.queue import WriteQueue
from .application import Application
from .maintenance import Maintenance
from .runtimedir import RuntimeDirectory


@define(eq=False)
class Assembly:
    """
    The server's parts that have to be started, reloaded or stopped.
    """

    config: Config
    reactor: Any
    metrics: Metrics
    authority: Authority
    warm: Warm
    returning: Returning
    readers: Pool
    workers: Pool
    writers: Sequence[Pool]
    stores: dict[str, Store]
    committer: Committer
    queue: WriteQueue
    children: Children
    groups: ControlledChildren | None
    watchdog: Watchdog
    maintenance: Maintenance
    pushes: ReceivePack
    updater: RefUpdater
    unasked: Unasked
    application: Application | None
    lag: LagSampler
    peers: Peers
    adaptation: Adaptation
    cache: StreamCache | None
    bundles: Bundles | None
    backups: Backups | None
    health: Health
    certificate: RenewableCertificate | None
    monitoring: MonitoringService | None
    runtime: RuntimeDirectory
    grpc: GRPCService
    http: HTTPService | None
    ssh: SSHService | None
    readiness: list[str] = field(factory=lambda: ["starting"])
    looking: Deferred[None] | None = None

    def take_storages(self) -> None:
        """
        Make the storages' directories where they may be made, and see that each can be had. Blocks for some milliseconds.

        :raises GitalyError: if another server has one, or it was made by a version that this one does not know.
        """
        os.makedirs(self.config.data_dir, exist_ok=True)
        for storage in self.config.storages:
            if storage.path.startswith(self.config.data_dir):
                os.makedirs(storage.path, exist_ok=True)
            layout = Layout(storage.path)
            lock = StorageLock(layout)
            lock.acquire()
            try:
                prepare_layout(layout)
            finally:
                lock.release()

    async def start(self) -> str:
        """
        Recover, then listen.

        :returns: the SSH host key's fingerprint; empty without SSH.
        :raises GitalyError: or CannotListenError, if something cannot be had.
        """
        for storage in self.config.storages:
            if filesystem_name(storage.path) in LOCAL:
                self.warm.trust(storage.path)
        self.returning.wake = self.reactor.callFromThread  # the loop does not run yet
        for pool in (self.readers, self.workers, *self.writers):
            pool.start()
        self.watchdog.start()
        if self.groups is not None:
            await self.groups.start()
        self.lag.startService()
        self.adaptation.startService()
        if self.monitoring is not None:
            await self.monitoring.listen()
        self.readiness[:] = ["recovering"]
        for store in self.stores.values():
            await store.start()
        if self.bundles is not None:
            await self.bundles.start()
        self.returning.wake = loop_wake(reactor_loop().call_soon_threadsafe)
        await self.runtime.start()
        self.grpc.startService()
        await self.grpc.listening()
        if self.http is not None:
            await self.http.listen()
        if self.ssh is not None:
            await self.ssh.listen()
        self.maintenance.start()
        self.health.serving()
        self.readiness.clear()
        self.metrics.ready.set(1)
        if self.application is not None:
            self.looking = Deferred.fromCoroutine(self.application.look())
        return self.ssh.fingerprint if self.ssh is not None else ""

    async def stop(self) -> None:
        """
        Go down: no new work, then no work, then nothing.
        """
        self.readiness[:] = ["stopping"]
        self.metrics.ready.set(0)
        self.health.stopping()
        if self.looking is not None:
            self.looking.addErrback(lambda failure: failure.trap(CancelledError))
            self.looking.cancel()
        fronts = [front.stopService() for front in (self.grpc, self.http, self.ssh) if front is not None]
        for stopped in fronts:
            await stopped
        await self.peers.close()
        await self.maintenance.stop()
        await self.pushes.settle()
        await self.updater.settle()
        await self.unasked.settle()
        if self.cache is not None:
            self.cache.stop()
        if self.bundles is not None:
            await self.bundles.stop()
        if self.backups is not None:
            await self.backups.stop()
        self.committer.stop()
        await self.queue.stop()
        for store in self.stores.values():
            await store.stop()
        await self.runtime.stop()
        self.children.kill_all()
        await self.children.wait_all()
        if self.groups is not None:
            await self.groups.stop()
        self.watchdog.stop()
        if self.monitoring is not None:
            await self.monitoring.stopService()
        for service in (self.lag, self.adaptation):
            if service.running:
                service.stopService()
        for pool in (self.readers, self.workers, *self.writers):
            pool.stop()

    def reload(self, config: Config) -> list[str]:
        """
        Take users, rules and the secrets of gRPC callers from another configuration, and read the certificates and the
        application's secret again. The certificate of the gRPC listener is also read again by itself when its file changes.

        :returns: what changed, in words.
        :raises ConfigError: or GitalyError; then everything stays as it was.
        """
        if self.certificate is not None:
            self.certificate.renew()
        secret = self.application.secret_in(config) if self.application is not None else None
        self.grpc.renew()
        changes = self.authority.replace(config)
        if self.application is not None and secret is not None and self.application.http.renew(secret):
            changes.append("the application's secret changed")
        return changes

    def ready(self) -> Readiness:
        """
        Whether the server takes work.
        """
        if self.readiness:
            return Readiness(False, self.readiness[0])
        failing = self.committer.failing
        if failing:
            return Readiness(False, f"{len(failing)} repositories have writes that cannot be applied: see the log")
        return Readiness(True, "ready")
