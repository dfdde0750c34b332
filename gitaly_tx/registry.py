"""
The services that are built, made from their ports, one line each.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from .backup.backups import Backups
from .client.interfaces import IPeers
from .git.interfaces import IGit
from .git.mailmaps import Mailmaps
from .hooks.custom import CustomHooks
from .hooks.gitlab import Gitlab
from .hooks.unasked import Unasked
from .hooks.updateref import RefUpdater
from .housekeeping.schedule import Housekeeping
from .linguist.interfaces import ILinguist
from .linguist.languages import Languages
from .linguist.licensefiles import LicenseFiles
from .rpc.interfaces import IMethods, ISidechannels
from .services.analysis.generated import Means as AnalysisMeans
from .services.analysis.service import AnalysisService
from .services.blob.service import BlobService
from .services.cleanup.service import CleanupService
from .services.commit.ports import CommitPorts
from .services.commit.service import CommitService
from .services.conflicts.ports import ConflictPorts
from .services.conflicts.service import ConflictsService
from .services.diff.service import DiffService
from .services.hook.ports import HookPorts
from .services.hook.service import HookService
from .services.internal.service import InternalService
from .services.objectpool.service import ObjectPoolService
from .services.operations.ports import OperationPorts
from .services.operations.service import OperationService
from .services.partition.service import PartitionService
from .services.ref.service import RefService
from .services.remote.service import RemoteService
from .services.repository.outward import Outward
from .services.repository.service import RepositoryService
from .services.server.service import ServerService
from .services.smarthttp.service import SmartHTTPService
from .services.ssh.service import SSHService
from .signing.system import UNSIGNED, Signing
from .storage.interfaces import IStorageProvider
from .transport.bundles import Bundles
from .transport.clones import Clones
from .transport.hooksocket import HookSockets
from .transport.interfaces import IPackObjects, ITransport
from .transport.peerpipe import PeerPipes
from .transport.remotefetch import RemoteFetch
from .transport.remotes import Remotes
from .transport.smudging import Smudging
from .wal.threads import InThread


@frozen
class Ports:
    """
    What services work with.

    :param version: this server's version.
    :param in_thread: where blocking work is done.
    :param housekeeping: for those who ask for it.
    :param updater: moves refs for users, with all that has a say in it.
    :param unasked: writes what nobody has a say in.
    :param custom: runs custom hooks.
    :param peers: other Gitalys, which callers name.
    :param sidechannels: ways back to those who call, for bytes.
    :param packs: makes packs for git's upload-pack.
    :param hook_sockets: connects to git's hooks.
    :param pipes: lets git fetch from them.
    :param remotes: repositories on other servers, which callers name.
    :param clock: measures how long something may take.
    :param linguist: tells what files are.
    :param smudging: puts files in the place of LFS pointers.
    :param bundles: what clones begin with, if such are kept.
    :param backups: keeps repositories elsewhere, if there is such a place.
    :param gitlab: the application that is asked about pushes, if there is one.
    :param signing: the keys that commits are signed with.
    """

    version: str
    git: IGit
    storage: IStorageProvider
    transport: ITransport
    in_thread: InThread
    updater: RefUpdater
    unasked: Unasked
    custom: CustomHooks
    peers: IPeers
    sidechannels: ISidechannels
    packs: IPackObjects
    hook_sockets: HookSockets
    pipes: PeerPipes
    remotes: Remotes
    clock: IReactorTime
    linguist: ILinguist
    housekeeping: Housekeeping
    smudging: Smudging
    bundles: Bundles | None = None
    backups: Backups | None = None
    gitlab: Gitlab | None = None
    signing: Signing = UNSIGNED


def services(ports: Ports) -> tuple[IMethods, ...]:
    """
    One object for each service of which at least one method is built.
    """
    mailmaps = Mailmaps()
    fetches = RemoteFetch(ports.git, ports.in_thread, ports.unasked, ports.housekeeping.consider)
    clones = Clones(ports.storage, ports.git, fetches, ports.in_thread)
    outward = Outward(ports.remotes, fetches, clones, ports.peers, ports.pipes, ports.in_thread, ports.clock)
    return (
        AnalysisService(AnalysisMeans(ports.storage, ports.git, ports.linguist)),
        BlobService(ports.git, ports.storage),
        CleanupService(ports.git, ports.storage, ports.in_thread, ports.unasked),
        ConflictsService(ConflictPorts(ports.git, ports.storage, ports.peers, ports.updater, ports.in_thread)),
        DiffService(ports.git, ports.storage, ports.in_thread),
        CommitService(CommitPorts(ports.storage, ports.git, mailmaps, Languages(ports.linguist, ports.git), ports.signing)),
        HookService(HookPorts(ports.git, ports.storage, ports.custom, ports.packs, ports.hook_sockets, ports.gitlab)),
        InternalService(ports.storage.storages, ports.in_thread),
        ObjectPoolService(ports.git, ports.storage, ports.in_thread, ports.unasked, ports.housekeeping),
        OperationService(OperationPorts(ports.git, ports.storage, ports.peers, ports.updater, ports.in_thread, ports.signing)),
        PartitionService(ports.storage.storages, ports.in_thread),
        RefService(ports.git, ports.storage, mailmaps, ports.unasked),
        RemoteService(ports.storage, ports.git, ports.remotes, fetches),
        RepositoryService(
            ports.storage,
            ports.git,
            ports.in_thread,
            ports.unasked,
            LicenseFiles(ports.linguist),
            outward,
            ports.housekeeping,
            ports.smudging,
            ports.bundles,
            ports.backups,
        ),
        ServerService(ports.version, ports.git, ports.storage.storages, ports.in_thread, ports.signing),
        SmartHTTPService(ports.storage, ports.transport, ports.sidechannels),
        SSHService(ports.storage, ports.transport, ports.sidechannels),
    )
