"""
All objects, each with its collaborators: the one place that knows every layer.

Whoever reads this top to bottom has seen how the server hangs together. Nothing here acts by itself:
:meth:`~gitaly_tx.server.assembly.Assembly.start` does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IReactorTime

from .. import __version__
from ..auth.reload import Authority
from ..cache.generations import Generations
from ..chain import chain
from ..client.peers import Peers
from ..cluster.local import LocalCoordinator
from ..config.model import Config
from ..frontends.grpc.origins import Origins
from ..frontends.grpc.service import GRPCService
from ..frontends.grpc.sidechannels import Sidechannels
from ..frontends.grpc.standard import Health, Reflection
from ..frontends.monitoring.resources import MonitoringSite, scrape_in
from ..git.children import Children
from ..git.config import Configurations
from ..git.dulwichreader import ObjectReader
from ..git.environment import GitProgram
from ..git.interfaces import Limits
from ..git.refs import Refs
from ..git.runner import Git
from ..git.watchdog import Watchdog
from ..hooks.chain import Hooks
from ..hooks.custom import CustomHooks
from ..hooks.events import Announcer
from ..hooks.interfaces import IPushPolicy
from ..hooks.intime import HeardInTime, InTime
from ..hooks.plugins import found_policies, found_sinks, load_named
from ..hooks.policies import LargestFile
from ..hooks.unasked import Unasked
from ..hooks.updateref import RefUpdater
from ..limits.kernel import find_groups
from ..linguist.linguist import Linguist
from ..observability.lag import LagSampler
from ..observability.metrics import Metrics
from ..registry import Ports, services
from ..rpc.dispatcher import Dispatcher
from ..signing import system as signing
from ..storage.interfaces import IStorageProvider, StorageInfo
from ..storage.metadata import ensure_filesystem_id
from ..storage.provider import FilesystemStorageProvider
from ..storage.threads import Threads
from ..threads import Pool, Returning
from ..transport.gittransport import GitTransport
from ..transport.hooksocket import HookSockets
from ..transport.inforefs import InfoRefs
from ..transport.lfsfiles import ApplicationFiles
from ..transport.packobjects import PackObjects
from ..transport.packtaking import PackTaking
from ..transport.peerpipe import PeerPipes
from ..transport.pushmeans import Means, PackLimits, PushLimits
from ..transport.receivepack import ReceivePack
from ..transport.remotes import RemotePolicy, Remotes
from ..transport.smudging import Smudging
from ..transport.uploadarchive import UploadArchive
from ..transport.uploadpack import UploadPack
from ..wal.store import make_store
from ..warm import Warm
from ..writequeue.commit import Committer
from ..writequeue.queue import WriteQueue
from ..writequeue.watched import WatchedCommitter
from . import doors
from .application import application
from .assembly import Assembly
from .backups import kept_backups
from .groups import control_groups
from .limiting import Limiting
from .maintenance import Maintenance, make_housekeeping, nightly
from .measures import Measures
from .packs import kept_bundles, kept_packs, pack_cache
from .runtimedir import RuntimeDirectory
from .surroundings import Surroundings

READERS = 16
"""Threads that look things up."""

WORKERS = 16
"""Threads that write, sync, hash and delete: what may take long, so that look-ups need not wait behind it."""


def assemble(reactor: Any, config: Config, surroundings: Surroundings, program: GitProgram) -> Assembly:
    """
    Make everything.

    :param reactor: asyncio's.
    :param program: the git to run.
    """
    clock: IReactorTime = reactor
    metrics = Metrics(CollectorRegistry())
    metrics.build.labels(__version__, program.version_text).set(1)
    measures = Measures(metrics)
    authority = Authority(config)

    returning = Returning()
    readers = Pool(READERS, "reader")
    workers = Pool(WORKERS, "worker")
    writers = {storage.name: Pool(1, f"log-{storage.name}") for storage in config.storages}
    threads, reading = Threads(returning, workers), Threads(returning, readers)

    watchdog = Watchdog()
    groups = control_groups(config, threads)
    children = Children(reactor, clock, watchdog, groups)
    metrics.git_children.set_function(lambda: len(children))
    git = Git(
        program,
        children,
        environment=surroundings.environ,
        config=doors.git_settings(config),
        limits=Limits(memory=config.limits.git_memory or None),
        observer=measures.child,
    )
    configurations = Configurations()
    warm = Warm()
    refs = Refs(returning, readers, clock, git, configurations=configurations, warm=warm)
    objects = ObjectReader(returning, readers, warm=warm)

    stores = {
        storage.name: make_store(
            storage.name,
            storage.path,
            refs=refs,
            git=git,
            clock=clock,
            in_writer=Threads(returning, writers[storage.name]),
            in_thread=threads,
            observer=measures.fsync,
            segment_size=config.wal.segment_size,
            checkpoint_every=config.wal.checkpoint_interval,
        )
        for storage in config.storages
    }
    queue = WriteQueue(clock, config.limits.write_queue, measures.waited, metrics.write_queue_length.set)
    metrics.damaged_partitions.set_function(lambda: sum(len(store.log.refused) for store in stores.values()))
    committer = Committer(stores, refs, LocalCoordinator(), threads, clock)
    generations = Generations()
    storage = FilesystemStorageProvider(
        [StorageInfo(each.name, each.path, _filesystem_id(each.path)) for each in config.storages],
        refs=refs,
        objects=objects,
        queue=queue,
        committers=dict.fromkeys(stores, WatchedCommitter(committer, generations.written)),
        object_format=lambda directory: configurations.read(directory.path).object_format,
        threads=reading,
        counted=metrics.stagings.inc,
        warm=warm,
    )

    housekeeping = make_housekeeping(git, threads, stores)
    asked = application(reactor, config, lambda endpoint, seconds: metrics.gitlab_api.labels(endpoint).observe(seconds))
    gitlab = asked.gitlab if asked is not None else None
    custom = CustomHooks(
        git,
        clock,
        reading,
        surroundings.environ,
        doors.hook_directories(config),
        config.push.hook_timeout,
        observe=measures.hook,
        warm=warm,
    )
    announcer = Announcer([HeardInTime(sink, clock, config.push.hook_timeout) for sink in found_sinks()])
    hooks = Hooks(_policies(config, clock), custom, announcer, gitlab, measures.hook)
    unasked = Unasked(announcer, git)
    pushes = ReceivePack(
        Means(
            git=git,
            hooks=hooks,
            threads=reading,
            clock=clock,
            agent=f"git/{program.version_text}",
            limits=_push_limits(config),
            packed=housekeeping.consider,
        )
    )
    limiting = Limiting(config, clock, metrics, lambda: authority.open_access)
    cache = pack_cache(reactor, config, threads, metrics)
    kept = kept_packs(reactor, git, threads, cache, limiting.packs(), generations.of, metrics)
    taking = None if kept is None else PackTaking(reactor, kept)
    bundles = kept_bundles(reactor, git, config, threads)
    transport = GitTransport(
        InfoRefs(git, reading, generations.of, lambda result: metrics.info_refs.labels(result).inc(), bundles),
        UploadPack(git, clock, config.timeout.upload_pack_negotiation, taking=taking, bundles=bundles),
        UploadArchive(git, clock, config.timeout.upload_archive_negotiation),
        pushes,
    )

    updater = RefUpdater(hooks, git, unasked, housekeeping.consider)
    backups = kept_backups(reactor, git, config, threads, storage, unasked, housekeeping.consider, measures)
    peers = Peers(time.time)
    origins = Origins()
    ports = Ports(
        version=__version__,
        git=git,
        storage=storage,
        transport=transport,
        in_thread=threads,
        updater=updater,
        unasked=unasked,
        custom=custom,
        gitlab=gitlab,
        peers=peers,
        sidechannels=Sidechannels(clock, origins),
        packs=PackObjects(git, kept=kept),
        hook_sockets=HookSockets(reactor),
        pipes=PeerPipes(reactor),
        remotes=_remotes(reactor, config, storage),
        clock=clock,
        housekeeping=housekeeping,
        linguist=Linguist(git, clock),
        bundles=bundles,
        backups=backups,
        smudging=Smudging(reactor, threads, ApplicationFiles(gitlab.api) if gitlab is not None else None),
        signing=signing.load(
            config.git.signing_key,
            config.git.rotated_signing_keys,
            config.git.committer_name,
            config.git.committer_email,
        ),
    )
    built = services(ports)
    health = Health(service.service for service in built)
    middlewares = chain(
        clock=clock, now=time.time, metrics=metrics, access=authority, callers=authority.callers, limits=limiting.rules
    )
    dispatcher = Dispatcher((*built, health, _reflection(built)), middlewares, clock)

    runtime = RuntimeDirectory(config.runtime_dir or tempfile.gettempdir(), threads)
    grace = config.graceful_restart_timeout
    certificate = doors.https_certificate(config)
    behind = doors.Behind(dispatcher, storage.resolve, authority, measures.attempts, measures.rejected, certificate, grace)
    assembly = Assembly(
        config=config,
        reactor=reactor,
        metrics=metrics,
        authority=authority,
        warm=warm,
        returning=returning,
        readers=readers,
        workers=workers,
        writers=tuple(writers.values()),
        stores=stores,
        committer=committer,
        queue=queue,
        children=children,
        groups=groups,
        watchdog=watchdog,
        maintenance=Maintenance(housekeeping, nightly(config.daily_maintenance, clock, storage, threads, housekeeping)),
        pushes=pushes,
        updater=updater,
        unasked=unasked,
        application=asked,
        lag=LagSampler(clock, metrics.reactor_lag),
        peers=peers,
        adaptation=limiting.adaptation(find_groups(), reading),
        cache=cache,
        bundles=bundles,
        backups=backups,
        health=health,
        certificate=certificate,
        monitoring=None,
        runtime=runtime,
        grpc=GRPCService(
            reactor, dispatcher, doors.grpc_listens(config, runtime.path), grace, origins, f"{runtime.path}/sock.d/grpc"
        ),
        http=doors.http(reactor, config, behind),
        ssh=doors.ssh(reactor, config, behind),
    )
    site = MonitoringSite(reactor, scrape_in(returning, readers, metrics.registry), assembly.ready)
    assembly.monitoring = doors.monitoring(reactor, config, site)
    return assembly


def _policies(config: Config, clock: IReactorTime) -> list[IPushPolicy]:
    """
    Our own policy looks at what a push brings, which takes as long as it takes; what others wrote answers soon, or is wrong.
    """
    own: list[IPushPolicy] = [LargestFile(config.push.max_file_size)] if config.push.max_file_size else []
    others = [*(load_named(name, IPushPolicy) for name in config.push.policies), *found_policies()]
    return [*own, *(InTime(policy, clock, config.push.hook_timeout) for policy in others)]


def _remotes(reactor: Any, config: Config, storage: IStorageProvider) -> Remotes:
    policy = RemotePolicy(config.remotes.private_addresses, config.remotes.own_storages)
    # Names that take long to be looked up keep nobody waiting but those who ask for them.
    return Remotes(storage, Threads(reactor, reactor.getThreadPool()), policy)


def _push_limits(config: Config) -> PushLimits:
    child = Limits(memory=config.push.memory or None, seconds=config.push.timeout or None)
    return PushLimits(pack=PackLimits(config.push.max_pack_size or None, child), walk=child)


def _reflection(built: Sequence[Any]) -> Reflection:
    return Reflection(service.service for service in built)


def _filesystem_id(path: str) -> str:
    try:
        return ensure_filesystem_id(path)
    except OSError:
        return ""
