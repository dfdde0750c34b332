"""
The methods of ``repository.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import repository_pb2 as pb

from ...backup.backups import Backups
from ...git.interfaces import IGit
from ...hooks.unasked import Unasked
from ...housekeeping.schedule import Housekeeping
from ...linguist.licensefiles import LicenseFiles
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...transport.bundles import Bundles
from ...transport.smudging import Smudging
from ...wal.threads import InThread
from .archive import ArchiveMeans, get_archive
from .backup import backup_repository, restore_repository
from .branches import has_local_branches
from .bundle import create_bundle, create_bundle_from_ref_list
from .bundleuri import generate_bundle_uri
from .checksum import calculate_checksum
from .configfile import get_config, get_info_attributes
from .create import create_repository
from .customhooks import backup_custom_hooks, get_custom_hooks
from .exists import repository_exists
from .fastexport import fast_export
from .fetchremote import fetch_remote
from .fileattributes import get_file_attributes
from .filenames import search_files_by_name
from .fork import create_fork
from .format import object_format
from .frombundle import create_repository_from_bundle, fetch_bundle
from .fromsnapshot import create_repository_from_snapshot
from .fromurl import create_repository_from_url
from .fsck import fsck
from .info import repository_info
from .license import find_license
from .mergebase import find_merge_base
from .migraterefs import MigrationMeans, migrate_reference_backend
from .objectssize import objects_size
from .optimize import optimize_repository, prune_unreachable_objects
from .outward import Outward
from .rawchanges import get_raw_changes
from .remove import remove_repository
from .replicate import replicate_repository
from .search import search_files_by_content
from .sethooks import restore_custom_hooks, set_custom_hooks
from .sizes import get_object_directory_size, repository_size
from .snapshot import get_snapshot
from .sourcebranch import fetch_source_branch
from .writeref import write_ref


@implementer(IMethods)
@frozen
class RepositoryService:
    """
    What Gitaly's clients do with whole repositories.

    :param git: for what walks, compresses or compares.
    :param in_thread: where files are read.
    :param unasked: writes what nobody has a say in.
    :param licenses: knows licences.
    :param outward: the way to other servers.
    :param housekeeping: keeps repositories small and fast.
    :param smudging: puts files in the place of LFS pointers.
    :param bundles: what clones begin with, if such are kept.
    :param backups: keeps repositories elsewhere, if there is such a place.
    """

    service: ClassVar[str] = "gitaly.RepositoryService"

    _storage: IStorageProvider
    _git: IGit
    _in_thread: InThread
    _unasked: Unasked
    _licenses: LicenseFiles
    _outward: Outward
    _housekeeping: Housekeeping
    _smudging: Smudging
    _bundles: Bundles | None = None
    _backups: Backups | None = None

    async def RepositoryExists(self, call: Call, request: pb.RepositoryExistsRequest) -> pb.RepositoryExistsResponse:
        return await repository_exists(self._storage, request)

    async def RepositorySize(self, call: Call, request: pb.RepositorySizeRequest) -> pb.RepositorySizeResponse:
        return await repository_size(self._storage, self._in_thread, request)

    async def RepositoryInfo(self, call: Call, request: pb.RepositoryInfoRequest) -> pb.RepositoryInfoResponse:
        return await repository_info(self._storage, self._in_thread, request)

    async def ObjectsSize(self, call: Call, requests: AsyncIterator[pb.ObjectsSizeRequest]) -> pb.ObjectsSizeResponse:
        return await objects_size(self._storage, self._git, requests)

    async def ObjectFormat(self, call: Call, request: pb.ObjectFormatRequest) -> pb.ObjectFormatResponse:
        return await object_format(self._storage, request)

    async def FetchRemote(self, call: Call, request: pb.FetchRemoteRequest) -> pb.FetchRemoteResponse:
        return await fetch_remote(self._storage, self._outward, call, request)

    async def CreateRepository(self, call: Call, request: pb.CreateRepositoryRequest) -> pb.CreateRepositoryResponse:
        return await create_repository(self._storage, self._unasked, request)

    def GetArchive(self, call: Call, request: pb.GetArchiveRequest) -> AsyncIterator[pb.GetArchiveResponse]:
        return get_archive(ArchiveMeans(self._storage, self._git, self._in_thread, self._smudging), request)

    async def HasLocalBranches(self, call: Call, request: pb.HasLocalBranchesRequest) -> pb.HasLocalBranchesResponse:
        return await has_local_branches(self._storage, request)

    async def FetchSourceBranch(self, call: Call, request: pb.FetchSourceBranchRequest) -> pb.FetchSourceBranchResponse:
        return await fetch_source_branch(self._storage, self._git, self._outward, call, request)

    async def Fsck(self, call: Call, request: pb.FsckRequest) -> pb.FsckResponse:
        return await fsck(self._storage, self._git, request)

    async def WriteRef(self, call: Call, request: pb.WriteRefRequest) -> pb.WriteRefResponse:
        return await write_ref(self._storage, self._git, self._unasked, request)

    async def FindMergeBase(self, call: Call, request: pb.FindMergeBaseRequest) -> pb.FindMergeBaseResponse:
        return await find_merge_base(self._storage, self._git, request)

    async def CreateFork(self, call: Call, request: pb.CreateForkRequest) -> pb.CreateForkResponse:
        return await create_fork(self._outward, call, request)

    async def CreateRepositoryFromURL(
        self, call: Call, request: pb.CreateRepositoryFromURLRequest
    ) -> pb.CreateRepositoryFromURLResponse:
        return await create_repository_from_url(self._storage, self._outward, request)

    def CreateBundle(self, call: Call, request: pb.CreateBundleRequest) -> AsyncIterator[pb.CreateBundleResponse]:
        return create_bundle(self._storage, self._git, request)

    def CreateBundleFromRefList(
        self, call: Call, requests: AsyncIterator[pb.CreateBundleFromRefListRequest]
    ) -> AsyncIterator[pb.CreateBundleFromRefListResponse]:
        return create_bundle_from_ref_list(self._storage, self._git, requests)

    async def GenerateBundleURI(self, call: Call, request: pb.GenerateBundleURIRequest) -> pb.GenerateBundleURIResponse:
        return await generate_bundle_uri(self._storage, self._bundles, request)

    async def FetchBundle(self, call: Call, requests: AsyncIterator[pb.FetchBundleRequest]) -> pb.FetchBundleResponse:
        return await fetch_bundle(self._storage, self._git, self._outward, requests)

    async def CreateRepositoryFromBundle(
        self, call: Call, requests: AsyncIterator[pb.CreateRepositoryFromBundleRequest]
    ) -> pb.CreateRepositoryFromBundleResponse:
        return await create_repository_from_bundle(self._outward, requests)

    def GetConfig(self, call: Call, request: pb.GetConfigRequest) -> AsyncIterator[pb.GetConfigResponse]:
        return get_config(self._storage, self._in_thread, request)

    async def FindLicense(self, call: Call, request: pb.FindLicenseRequest) -> pb.FindLicenseResponse:
        return await find_license(self._storage, self._licenses, request)

    def GetInfoAttributes(self, call: Call, request: pb.GetInfoAttributesRequest) -> AsyncIterator[pb.GetInfoAttributesResponse]:
        return get_info_attributes(self._storage, self._in_thread, request)

    async def CalculateChecksum(self, call: Call, request: pb.CalculateChecksumRequest) -> pb.CalculateChecksumResponse:
        return await calculate_checksum(self._storage, self._git, self._in_thread, request)

    def GetSnapshot(self, call: Call, request: pb.GetSnapshotRequest) -> AsyncIterator[pb.GetSnapshotResponse]:
        return get_snapshot(self._storage, self._in_thread, request)

    async def CreateRepositoryFromSnapshot(
        self, call: Call, request: pb.CreateRepositoryFromSnapshotRequest
    ) -> pb.CreateRepositoryFromSnapshotResponse:
        return await create_repository_from_snapshot(self._outward, request)

    def GetRawChanges(self, call: Call, request: pb.GetRawChangesRequest) -> AsyncIterator[pb.GetRawChangesResponse]:
        return get_raw_changes(self._storage, self._git, request)

    def SearchFilesByContent(
        self, call: Call, request: pb.SearchFilesByContentRequest
    ) -> AsyncIterator[pb.SearchFilesByContentResponse]:
        return search_files_by_content(self._storage, self._git, request)

    def SearchFilesByName(self, call: Call, request: pb.SearchFilesByNameRequest) -> AsyncIterator[pb.SearchFilesByNameResponse]:
        return search_files_by_name(self._storage, self._git, self._in_thread, request)

    async def RestoreCustomHooks(
        self, call: Call, requests: AsyncIterator[pb.RestoreCustomHooksRequest]
    ) -> pb.RestoreCustomHooksResponse:
        return await restore_custom_hooks(self._storage, self._in_thread, requests)

    async def SetCustomHooks(self, call: Call, requests: AsyncIterator[pb.SetCustomHooksRequest]) -> pb.SetCustomHooksResponse:
        return await set_custom_hooks(self._storage, self._in_thread, requests)

    def BackupCustomHooks(self, call: Call, request: pb.BackupCustomHooksRequest) -> AsyncIterator[pb.BackupCustomHooksResponse]:
        return backup_custom_hooks(self._storage, self._in_thread, request)

    def GetCustomHooks(self, call: Call, request: pb.GetCustomHooksRequest) -> AsyncIterator[pb.GetCustomHooksResponse]:
        return get_custom_hooks(self._storage, self._in_thread, request)

    async def GetObjectDirectorySize(
        self, call: Call, request: pb.GetObjectDirectorySizeRequest
    ) -> pb.GetObjectDirectorySizeResponse:
        return await get_object_directory_size(self._storage, self._in_thread, request)

    async def RemoveRepository(self, call: Call, request: pb.RemoveRepositoryRequest) -> pb.RemoveRepositoryResponse:
        return await remove_repository(self._storage, self._unasked, request)

    async def ReplicateRepository(self, call: Call, request: pb.ReplicateRepositoryRequest) -> pb.ReplicateRepositoryResponse:
        return await replicate_repository(self._storage, self._git, self._outward, call, request)

    async def OptimizeRepository(self, call: Call, request: pb.OptimizeRepositoryRequest) -> pb.OptimizeRepositoryResponse:
        return await optimize_repository(self._storage, self._housekeeping, request)

    async def PruneUnreachableObjects(
        self, call: Call, request: pb.PruneUnreachableObjectsRequest
    ) -> pb.PruneUnreachableObjectsResponse:
        return await prune_unreachable_objects(self._storage, self._housekeeping, request)

    async def BackupRepository(self, call: Call, request: pb.BackupRepositoryRequest) -> pb.BackupRepositoryResponse:
        return await backup_repository(self._storage, self._backups, request)

    async def RestoreRepository(self, call: Call, request: pb.RestoreRepositoryRequest) -> pb.RestoreRepositoryResponse:
        return await restore_repository(self._storage, self._backups, request)

    async def GetFileAttributes(self, call: Call, request: pb.GetFileAttributesRequest) -> pb.GetFileAttributesResponse:
        return await get_file_attributes(self._storage, self._git, self._in_thread, request)

    def FastExport(self, call: Call, request: pb.FastExportRequest) -> AsyncIterator[pb.FastExportResponse]:
        return fast_export(self._storage, self._git, request)

    async def MigrateReferenceBackend(
        self, call: Call, request: pb.MigrateReferenceBackendRequest
    ) -> pb.MigrateReferenceBackendResponse:
        means = MigrationMeans(self._storage, self._git, self._in_thread, self._unasked, self._outward.clock)
        return await migrate_reference_backend(means, request)
