import datetime

from . import errors_pb2 as _errors_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import lint_pb2 as _lint_pb2
from . import shared_pb2 as _shared_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RepositoryExistsRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class RepositoryExistsResponse(_message.Message):
    __slots__ = ("exists",)
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    def __init__(self, exists: _Optional[bool] = ...) -> None: ...

class RepositorySizeRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class RepositorySizeResponse(_message.Message):
    __slots__ = ("size",)
    SIZE_FIELD_NUMBER: _ClassVar[int]
    size: int
    def __init__(self, size: _Optional[int] = ...) -> None: ...

class RepositoryInfoRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class RepositoryInfoResponse(_message.Message):
    __slots__ = ("size", "references", "objects", "commit_graph", "bitmap", "multi_pack_index", "multi_pack_index_bitmap", "alternates", "is_object_pool", "last_full_repack")
    class ReferencesInfo(_message.Message):
        __slots__ = ("loose_count", "packed_size", "reference_backend")
        class ReferenceBackend(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            REFERENCE_BACKEND_UNSPECIFIED: _ClassVar[RepositoryInfoResponse.ReferencesInfo.ReferenceBackend]
            REFERENCE_BACKEND_FILES: _ClassVar[RepositoryInfoResponse.ReferencesInfo.ReferenceBackend]
            REFERENCE_BACKEND_REFTABLE: _ClassVar[RepositoryInfoResponse.ReferencesInfo.ReferenceBackend]
        REFERENCE_BACKEND_UNSPECIFIED: RepositoryInfoResponse.ReferencesInfo.ReferenceBackend
        REFERENCE_BACKEND_FILES: RepositoryInfoResponse.ReferencesInfo.ReferenceBackend
        REFERENCE_BACKEND_REFTABLE: RepositoryInfoResponse.ReferencesInfo.ReferenceBackend
        LOOSE_COUNT_FIELD_NUMBER: _ClassVar[int]
        PACKED_SIZE_FIELD_NUMBER: _ClassVar[int]
        REFERENCE_BACKEND_FIELD_NUMBER: _ClassVar[int]
        loose_count: int
        packed_size: int
        reference_backend: RepositoryInfoResponse.ReferencesInfo.ReferenceBackend
        def __init__(self, loose_count: _Optional[int] = ..., packed_size: _Optional[int] = ..., reference_backend: _Optional[_Union[RepositoryInfoResponse.ReferencesInfo.ReferenceBackend, str]] = ...) -> None: ...
    class ObjectsInfo(_message.Message):
        __slots__ = ("size", "recent_size", "stale_size", "keep_size", "packfile_count", "reverse_index_count", "cruft_count", "keep_count", "loose_objects_count", "stale_loose_objects_count", "loose_objects_garbage_count")
        SIZE_FIELD_NUMBER: _ClassVar[int]
        RECENT_SIZE_FIELD_NUMBER: _ClassVar[int]
        STALE_SIZE_FIELD_NUMBER: _ClassVar[int]
        KEEP_SIZE_FIELD_NUMBER: _ClassVar[int]
        PACKFILE_COUNT_FIELD_NUMBER: _ClassVar[int]
        REVERSE_INDEX_COUNT_FIELD_NUMBER: _ClassVar[int]
        CRUFT_COUNT_FIELD_NUMBER: _ClassVar[int]
        KEEP_COUNT_FIELD_NUMBER: _ClassVar[int]
        LOOSE_OBJECTS_COUNT_FIELD_NUMBER: _ClassVar[int]
        STALE_LOOSE_OBJECTS_COUNT_FIELD_NUMBER: _ClassVar[int]
        LOOSE_OBJECTS_GARBAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
        size: int
        recent_size: int
        stale_size: int
        keep_size: int
        packfile_count: int
        reverse_index_count: int
        cruft_count: int
        keep_count: int
        loose_objects_count: int
        stale_loose_objects_count: int
        loose_objects_garbage_count: int
        def __init__(self, size: _Optional[int] = ..., recent_size: _Optional[int] = ..., stale_size: _Optional[int] = ..., keep_size: _Optional[int] = ..., packfile_count: _Optional[int] = ..., reverse_index_count: _Optional[int] = ..., cruft_count: _Optional[int] = ..., keep_count: _Optional[int] = ..., loose_objects_count: _Optional[int] = ..., stale_loose_objects_count: _Optional[int] = ..., loose_objects_garbage_count: _Optional[int] = ...) -> None: ...
    class CommitGraphInfo(_message.Message):
        __slots__ = ("commit_graph_chain_length", "has_bloom_filters", "has_generation_data", "has_generation_data_overflow")
        COMMIT_GRAPH_CHAIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
        HAS_BLOOM_FILTERS_FIELD_NUMBER: _ClassVar[int]
        HAS_GENERATION_DATA_FIELD_NUMBER: _ClassVar[int]
        HAS_GENERATION_DATA_OVERFLOW_FIELD_NUMBER: _ClassVar[int]
        commit_graph_chain_length: int
        has_bloom_filters: bool
        has_generation_data: bool
        has_generation_data_overflow: bool
        def __init__(self, commit_graph_chain_length: _Optional[int] = ..., has_bloom_filters: _Optional[bool] = ..., has_generation_data: _Optional[bool] = ..., has_generation_data_overflow: _Optional[bool] = ...) -> None: ...
    class BitmapInfo(_message.Message):
        __slots__ = ("has_hash_cache", "has_lookup_table", "version")
        HAS_HASH_CACHE_FIELD_NUMBER: _ClassVar[int]
        HAS_LOOKUP_TABLE_FIELD_NUMBER: _ClassVar[int]
        VERSION_FIELD_NUMBER: _ClassVar[int]
        has_hash_cache: bool
        has_lookup_table: bool
        version: int
        def __init__(self, has_hash_cache: _Optional[bool] = ..., has_lookup_table: _Optional[bool] = ..., version: _Optional[int] = ...) -> None: ...
    class MultiPackIndexInfo(_message.Message):
        __slots__ = ("packfile_count", "version", "has_large_offsets", "has_bitmapped_packs", "has_reverse_index")
        PACKFILE_COUNT_FIELD_NUMBER: _ClassVar[int]
        VERSION_FIELD_NUMBER: _ClassVar[int]
        HAS_LARGE_OFFSETS_FIELD_NUMBER: _ClassVar[int]
        HAS_BITMAPPED_PACKS_FIELD_NUMBER: _ClassVar[int]
        HAS_REVERSE_INDEX_FIELD_NUMBER: _ClassVar[int]
        packfile_count: int
        version: int
        has_large_offsets: bool
        has_bitmapped_packs: bool
        has_reverse_index: bool
        def __init__(self, packfile_count: _Optional[int] = ..., version: _Optional[int] = ..., has_large_offsets: _Optional[bool] = ..., has_bitmapped_packs: _Optional[bool] = ..., has_reverse_index: _Optional[bool] = ...) -> None: ...
    class AlternatesInfo(_message.Message):
        __slots__ = ("object_directories", "last_modified")
        OBJECT_DIRECTORIES_FIELD_NUMBER: _ClassVar[int]
        LAST_MODIFIED_FIELD_NUMBER: _ClassVar[int]
        object_directories: _containers.RepeatedScalarFieldContainer[str]
        last_modified: _timestamp_pb2.Timestamp
        def __init__(self, object_directories: _Optional[_Iterable[str]] = ..., last_modified: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    SIZE_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_GRAPH_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    MULTI_PACK_INDEX_FIELD_NUMBER: _ClassVar[int]
    MULTI_PACK_INDEX_BITMAP_FIELD_NUMBER: _ClassVar[int]
    ALTERNATES_FIELD_NUMBER: _ClassVar[int]
    IS_OBJECT_POOL_FIELD_NUMBER: _ClassVar[int]
    LAST_FULL_REPACK_FIELD_NUMBER: _ClassVar[int]
    size: int
    references: RepositoryInfoResponse.ReferencesInfo
    objects: RepositoryInfoResponse.ObjectsInfo
    commit_graph: RepositoryInfoResponse.CommitGraphInfo
    bitmap: RepositoryInfoResponse.BitmapInfo
    multi_pack_index: RepositoryInfoResponse.MultiPackIndexInfo
    multi_pack_index_bitmap: RepositoryInfoResponse.BitmapInfo
    alternates: RepositoryInfoResponse.AlternatesInfo
    is_object_pool: bool
    last_full_repack: _timestamp_pb2.Timestamp
    def __init__(self, size: _Optional[int] = ..., references: _Optional[_Union[RepositoryInfoResponse.ReferencesInfo, _Mapping]] = ..., objects: _Optional[_Union[RepositoryInfoResponse.ObjectsInfo, _Mapping]] = ..., commit_graph: _Optional[_Union[RepositoryInfoResponse.CommitGraphInfo, _Mapping]] = ..., bitmap: _Optional[_Union[RepositoryInfoResponse.BitmapInfo, _Mapping]] = ..., multi_pack_index: _Optional[_Union[RepositoryInfoResponse.MultiPackIndexInfo, _Mapping]] = ..., multi_pack_index_bitmap: _Optional[_Union[RepositoryInfoResponse.BitmapInfo, _Mapping]] = ..., alternates: _Optional[_Union[RepositoryInfoResponse.AlternatesInfo, _Mapping]] = ..., is_object_pool: _Optional[bool] = ..., last_full_repack: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ObjectsSizeRequest(_message.Message):
    __slots__ = ("repository", "revisions")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    revisions: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., revisions: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ObjectsSizeResponse(_message.Message):
    __slots__ = ("size",)
    SIZE_FIELD_NUMBER: _ClassVar[int]
    size: int
    def __init__(self, size: _Optional[int] = ...) -> None: ...

class ObjectFormatRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class ObjectFormatResponse(_message.Message):
    __slots__ = ("format",)
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    format: _shared_pb2.ObjectFormat
    def __init__(self, format: _Optional[_Union[_shared_pb2.ObjectFormat, str]] = ...) -> None: ...

class FetchBundleRequest(_message.Message):
    __slots__ = ("repository", "data", "update_head")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    UPDATE_HEAD_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    data: bytes
    update_head: bool
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., data: _Optional[bytes] = ..., update_head: _Optional[bool] = ...) -> None: ...

class FetchBundleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FetchRemoteRequest(_message.Message):
    __slots__ = ("repository", "force", "no_tags", "timeout", "ssh_key", "known_hosts", "no_prune", "remote_params", "check_tags_changed")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    NO_TAGS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SSH_KEY_FIELD_NUMBER: _ClassVar[int]
    KNOWN_HOSTS_FIELD_NUMBER: _ClassVar[int]
    NO_PRUNE_FIELD_NUMBER: _ClassVar[int]
    REMOTE_PARAMS_FIELD_NUMBER: _ClassVar[int]
    CHECK_TAGS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    force: bool
    no_tags: bool
    timeout: int
    ssh_key: str
    known_hosts: str
    no_prune: bool
    remote_params: Remote
    check_tags_changed: bool
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., force: _Optional[bool] = ..., no_tags: _Optional[bool] = ..., timeout: _Optional[int] = ..., ssh_key: _Optional[str] = ..., known_hosts: _Optional[str] = ..., no_prune: _Optional[bool] = ..., remote_params: _Optional[_Union[Remote, _Mapping]] = ..., check_tags_changed: _Optional[bool] = ...) -> None: ...

class FetchRemoteResponse(_message.Message):
    __slots__ = ("tags_changed", "repo_changed")
    TAGS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    REPO_CHANGED_FIELD_NUMBER: _ClassVar[int]
    tags_changed: bool
    repo_changed: bool
    def __init__(self, tags_changed: _Optional[bool] = ..., repo_changed: _Optional[bool] = ...) -> None: ...

class CreateRepositoryRequest(_message.Message):
    __slots__ = ("repository", "default_branch", "object_format")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_BRANCH_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    default_branch: bytes
    object_format: _shared_pb2.ObjectFormat
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., default_branch: _Optional[bytes] = ..., object_format: _Optional[_Union[_shared_pb2.ObjectFormat, str]] = ...) -> None: ...

class CreateRepositoryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetArchiveRequest(_message.Message):
    __slots__ = ("repository", "commit_id", "prefix", "format", "path", "exclude", "elide_path", "include_lfs_blobs")
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ZIP: _ClassVar[GetArchiveRequest.Format]
        TAR: _ClassVar[GetArchiveRequest.Format]
        TAR_GZ: _ClassVar[GetArchiveRequest.Format]
        TAR_BZ2: _ClassVar[GetArchiveRequest.Format]
    ZIP: GetArchiveRequest.Format
    TAR: GetArchiveRequest.Format
    TAR_GZ: GetArchiveRequest.Format
    TAR_BZ2: GetArchiveRequest.Format
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    COMMIT_ID_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    ELIDE_PATH_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LFS_BLOBS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    commit_id: str
    prefix: str
    format: GetArchiveRequest.Format
    path: bytes
    exclude: _containers.RepeatedScalarFieldContainer[bytes]
    elide_path: bool
    include_lfs_blobs: bool
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., commit_id: _Optional[str] = ..., prefix: _Optional[str] = ..., format: _Optional[_Union[GetArchiveRequest.Format, str]] = ..., path: _Optional[bytes] = ..., exclude: _Optional[_Iterable[bytes]] = ..., elide_path: _Optional[bool] = ..., include_lfs_blobs: _Optional[bool] = ...) -> None: ...

class GetArchiveResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class HasLocalBranchesRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class HasLocalBranchesResponse(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: bool
    def __init__(self, value: _Optional[bool] = ...) -> None: ...

class FetchSourceBranchRequest(_message.Message):
    __slots__ = ("repository", "source_repository", "source_branch", "target_ref", "expected_target_old_oid")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_BRANCH_FIELD_NUMBER: _ClassVar[int]
    TARGET_REF_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TARGET_OLD_OID_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    source_repository: _shared_pb2.Repository
    source_branch: bytes
    target_ref: bytes
    expected_target_old_oid: str
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., source_repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., source_branch: _Optional[bytes] = ..., target_ref: _Optional[bytes] = ..., expected_target_old_oid: _Optional[str] = ...) -> None: ...

class FetchSourceBranchResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: bool
    def __init__(self, result: _Optional[bool] = ...) -> None: ...

class FsckRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class FsckResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: bytes
    def __init__(self, error: _Optional[bytes] = ...) -> None: ...

class WriteRefRequest(_message.Message):
    __slots__ = ("repository", "ref", "revision", "old_revision")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OLD_REVISION_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    ref: bytes
    revision: bytes
    old_revision: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., ref: _Optional[bytes] = ..., revision: _Optional[bytes] = ..., old_revision: _Optional[bytes] = ...) -> None: ...

class WriteRefResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FindMergeBaseRequest(_message.Message):
    __slots__ = ("repository", "revisions")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    revisions: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., revisions: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FindMergeBaseResponse(_message.Message):
    __slots__ = ("base",)
    BASE_FIELD_NUMBER: _ClassVar[int]
    base: str
    def __init__(self, base: _Optional[str] = ...) -> None: ...

class CreateForkRequest(_message.Message):
    __slots__ = ("repository", "source_repository", "revision")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    source_repository: _shared_pb2.Repository
    revision: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., source_repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., revision: _Optional[bytes] = ...) -> None: ...

class CreateForkResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateRepositoryFromURLRequest(_message.Message):
    __slots__ = ("repository", "url", "http_authorization_header", "mirror", "resolved_address")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    HTTP_AUTHORIZATION_HEADER_FIELD_NUMBER: _ClassVar[int]
    MIRROR_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    url: str
    http_authorization_header: str
    mirror: bool
    resolved_address: str
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., url: _Optional[str] = ..., http_authorization_header: _Optional[str] = ..., mirror: _Optional[bool] = ..., resolved_address: _Optional[str] = ...) -> None: ...

class CreateRepositoryFromURLResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateRepositoryFromURLError(_message.Message):
    __slots__ = ("remote_not_found",)
    REMOTE_NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    remote_not_found: _errors_pb2.RemoteNotFoundError
    def __init__(self, remote_not_found: _Optional[_Union[_errors_pb2.RemoteNotFoundError, _Mapping]] = ...) -> None: ...

class CreateBundleRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class CreateBundleResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class CreateBundleFromRefListRequest(_message.Message):
    __slots__ = ("repository", "patterns")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    patterns: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., patterns: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CreateBundleFromRefListResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class GenerateBundleURIRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GenerateBundleURIResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetConfigRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GetConfigResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class RestoreCustomHooksRequest(_message.Message):
    __slots__ = ("repository", "data")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    data: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class SetCustomHooksRequest(_message.Message):
    __slots__ = ("repository", "data")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    data: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class RestoreCustomHooksResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetCustomHooksResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupCustomHooksRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GetCustomHooksRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class BackupCustomHooksResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class GetCustomHooksResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class CreateRepositoryFromBundleRequest(_message.Message):
    __slots__ = ("repository", "data")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    data: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class CreateRepositoryFromBundleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FindLicenseRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class FindLicenseResponse(_message.Message):
    __slots__ = ("license_short_name", "license_name", "license_url", "license_path", "license_nickname")
    LICENSE_SHORT_NAME_FIELD_NUMBER: _ClassVar[int]
    LICENSE_NAME_FIELD_NUMBER: _ClassVar[int]
    LICENSE_URL_FIELD_NUMBER: _ClassVar[int]
    LICENSE_PATH_FIELD_NUMBER: _ClassVar[int]
    LICENSE_NICKNAME_FIELD_NUMBER: _ClassVar[int]
    license_short_name: str
    license_name: str
    license_url: str
    license_path: str
    license_nickname: str
    def __init__(self, license_short_name: _Optional[str] = ..., license_name: _Optional[str] = ..., license_url: _Optional[str] = ..., license_path: _Optional[str] = ..., license_nickname: _Optional[str] = ...) -> None: ...

class GetInfoAttributesRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GetInfoAttributesResponse(_message.Message):
    __slots__ = ("attributes",)
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: bytes
    def __init__(self, attributes: _Optional[bytes] = ...) -> None: ...

class CalculateChecksumRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class CalculateChecksumResponse(_message.Message):
    __slots__ = ("checksum",)
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    checksum: str
    def __init__(self, checksum: _Optional[str] = ...) -> None: ...

class GetSnapshotRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GetSnapshotResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class CreateRepositoryFromSnapshotRequest(_message.Message):
    __slots__ = ("repository", "http_url", "http_auth", "resolved_address")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    HTTP_URL_FIELD_NUMBER: _ClassVar[int]
    HTTP_AUTH_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    http_url: str
    http_auth: str
    resolved_address: str
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., http_url: _Optional[str] = ..., http_auth: _Optional[str] = ..., resolved_address: _Optional[str] = ...) -> None: ...

class CreateRepositoryFromSnapshotResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRawChangesRequest(_message.Message):
    __slots__ = ("repository", "from_revision", "to_revision")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    TO_REVISION_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    from_revision: str
    to_revision: str
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., from_revision: _Optional[str] = ..., to_revision: _Optional[str] = ...) -> None: ...

class GetRawChangesResponse(_message.Message):
    __slots__ = ("raw_changes",)
    class RawChange(_message.Message):
        __slots__ = ("blob_id", "size", "operation", "old_mode", "new_mode", "new_path_bytes", "old_path_bytes")
        class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            UNKNOWN: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            ADDED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            COPIED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            DELETED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            MODIFIED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            RENAMED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
            TYPE_CHANGED: _ClassVar[GetRawChangesResponse.RawChange.Operation]
        UNKNOWN: GetRawChangesResponse.RawChange.Operation
        ADDED: GetRawChangesResponse.RawChange.Operation
        COPIED: GetRawChangesResponse.RawChange.Operation
        DELETED: GetRawChangesResponse.RawChange.Operation
        MODIFIED: GetRawChangesResponse.RawChange.Operation
        RENAMED: GetRawChangesResponse.RawChange.Operation
        TYPE_CHANGED: GetRawChangesResponse.RawChange.Operation
        BLOB_ID_FIELD_NUMBER: _ClassVar[int]
        SIZE_FIELD_NUMBER: _ClassVar[int]
        OPERATION_FIELD_NUMBER: _ClassVar[int]
        OLD_MODE_FIELD_NUMBER: _ClassVar[int]
        NEW_MODE_FIELD_NUMBER: _ClassVar[int]
        NEW_PATH_BYTES_FIELD_NUMBER: _ClassVar[int]
        OLD_PATH_BYTES_FIELD_NUMBER: _ClassVar[int]
        blob_id: str
        size: int
        operation: GetRawChangesResponse.RawChange.Operation
        old_mode: int
        new_mode: int
        new_path_bytes: bytes
        old_path_bytes: bytes
        def __init__(self, blob_id: _Optional[str] = ..., size: _Optional[int] = ..., operation: _Optional[_Union[GetRawChangesResponse.RawChange.Operation, str]] = ..., old_mode: _Optional[int] = ..., new_mode: _Optional[int] = ..., new_path_bytes: _Optional[bytes] = ..., old_path_bytes: _Optional[bytes] = ...) -> None: ...
    RAW_CHANGES_FIELD_NUMBER: _ClassVar[int]
    raw_changes: _containers.RepeatedCompositeFieldContainer[GetRawChangesResponse.RawChange]
    def __init__(self, raw_changes: _Optional[_Iterable[_Union[GetRawChangesResponse.RawChange, _Mapping]]] = ...) -> None: ...

class SearchFilesByNameRequest(_message.Message):
    __slots__ = ("repository", "query", "ref", "filter", "limit", "offset")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    query: str
    ref: bytes
    filter: str
    limit: int
    offset: int
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., query: _Optional[str] = ..., ref: _Optional[bytes] = ..., filter: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class SearchFilesByNameResponse(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, files: _Optional[_Iterable[bytes]] = ...) -> None: ...

class SearchFilesByContentRequest(_message.Message):
    __slots__ = ("repository", "query", "ref")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    query: str
    ref: bytes
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., query: _Optional[str] = ..., ref: _Optional[bytes] = ...) -> None: ...

class SearchFilesByContentResponse(_message.Message):
    __slots__ = ("match_data", "end_of_match")
    MATCH_DATA_FIELD_NUMBER: _ClassVar[int]
    END_OF_MATCH_FIELD_NUMBER: _ClassVar[int]
    match_data: bytes
    end_of_match: bool
    def __init__(self, match_data: _Optional[bytes] = ..., end_of_match: _Optional[bool] = ...) -> None: ...

class Remote(_message.Message):
    __slots__ = ("url", "http_authorization_header", "mirror_refmaps", "resolved_address")
    URL_FIELD_NUMBER: _ClassVar[int]
    HTTP_AUTHORIZATION_HEADER_FIELD_NUMBER: _ClassVar[int]
    MIRROR_REFMAPS_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    url: str
    http_authorization_header: str
    mirror_refmaps: _containers.RepeatedScalarFieldContainer[str]
    resolved_address: str
    def __init__(self, url: _Optional[str] = ..., http_authorization_header: _Optional[str] = ..., mirror_refmaps: _Optional[_Iterable[str]] = ..., resolved_address: _Optional[str] = ...) -> None: ...

class GetObjectDirectorySizeRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class GetObjectDirectorySizeResponse(_message.Message):
    __slots__ = ("size",)
    SIZE_FIELD_NUMBER: _ClassVar[int]
    size: int
    def __init__(self, size: _Optional[int] = ...) -> None: ...

class RemoveRepositoryRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class RemoveRepositoryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReplicateRepositoryRequest(_message.Message):
    __slots__ = ("repository", "source")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    source: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., source: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class ReplicateRepositoryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OptimizeRepositoryRequest(_message.Message):
    __slots__ = ("repository", "strategy")
    class Strategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STRATEGY_UNSPECIFIED: _ClassVar[OptimizeRepositoryRequest.Strategy]
        STRATEGY_HEURISTICAL: _ClassVar[OptimizeRepositoryRequest.Strategy]
        STRATEGY_EAGER: _ClassVar[OptimizeRepositoryRequest.Strategy]
        STRATEGY_OFFLOADING: _ClassVar[OptimizeRepositoryRequest.Strategy]
        STRATEGY_REHYDRATION: _ClassVar[OptimizeRepositoryRequest.Strategy]
    STRATEGY_UNSPECIFIED: OptimizeRepositoryRequest.Strategy
    STRATEGY_HEURISTICAL: OptimizeRepositoryRequest.Strategy
    STRATEGY_EAGER: OptimizeRepositoryRequest.Strategy
    STRATEGY_OFFLOADING: OptimizeRepositoryRequest.Strategy
    STRATEGY_REHYDRATION: OptimizeRepositoryRequest.Strategy
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    strategy: OptimizeRepositoryRequest.Strategy
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., strategy: _Optional[_Union[OptimizeRepositoryRequest.Strategy, str]] = ...) -> None: ...

class OptimizeRepositoryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PruneUnreachableObjectsRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class PruneUnreachableObjectsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupRepositoryRequest(_message.Message):
    __slots__ = ("repository", "vanity_repository", "backup_id", "incremental")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    VANITY_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    BACKUP_ID_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    vanity_repository: _shared_pb2.Repository
    backup_id: str
    incremental: bool
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., vanity_repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., backup_id: _Optional[str] = ..., incremental: _Optional[bool] = ...) -> None: ...

class BackupRepositoryResponse(_message.Message):
    __slots__ = ()
    class SkippedError(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    def __init__(self) -> None: ...

class RestoreRepositoryRequest(_message.Message):
    __slots__ = ("repository", "vanity_repository", "backup_id", "always_create")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    VANITY_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    BACKUP_ID_FIELD_NUMBER: _ClassVar[int]
    ALWAYS_CREATE_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    vanity_repository: _shared_pb2.Repository
    backup_id: str
    always_create: bool
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., vanity_repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., backup_id: _Optional[str] = ..., always_create: _Optional[bool] = ...) -> None: ...

class RestoreRepositoryResponse(_message.Message):
    __slots__ = ()
    class SkippedError(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    def __init__(self) -> None: ...

class GetFileAttributesRequest(_message.Message):
    __slots__ = ("repository", "revision", "attributes", "paths")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    revision: bytes
    attributes: _containers.RepeatedScalarFieldContainer[str]
    paths: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., revision: _Optional[bytes] = ..., attributes: _Optional[_Iterable[str]] = ..., paths: _Optional[_Iterable[str]] = ...) -> None: ...

class GetFileAttributesResponse(_message.Message):
    __slots__ = ("attribute_infos",)
    class AttributeInfo(_message.Message):
        __slots__ = ("path", "attribute", "value")
        PATH_FIELD_NUMBER: _ClassVar[int]
        ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        path: str
        attribute: str
        value: str
        def __init__(self, path: _Optional[str] = ..., attribute: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ATTRIBUTE_INFOS_FIELD_NUMBER: _ClassVar[int]
    attribute_infos: _containers.RepeatedCompositeFieldContainer[GetFileAttributesResponse.AttributeInfo]
    def __init__(self, attribute_infos: _Optional[_Iterable[_Union[GetFileAttributesResponse.AttributeInfo, _Mapping]]] = ...) -> None: ...

class FastExportRequest(_message.Message):
    __slots__ = ("repository",)
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ...) -> None: ...

class FastExportResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class MigrateReferenceBackendRequest(_message.Message):
    __slots__ = ("repository", "target_reference_backend")
    class ReferenceBackend(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REFERENCE_BACKEND_UNSPECIFIED: _ClassVar[MigrateReferenceBackendRequest.ReferenceBackend]
        REFERENCE_BACKEND_FILES: _ClassVar[MigrateReferenceBackendRequest.ReferenceBackend]
        REFERENCE_BACKEND_REFTABLE: _ClassVar[MigrateReferenceBackendRequest.ReferenceBackend]
    REFERENCE_BACKEND_UNSPECIFIED: MigrateReferenceBackendRequest.ReferenceBackend
    REFERENCE_BACKEND_FILES: MigrateReferenceBackendRequest.ReferenceBackend
    REFERENCE_BACKEND_REFTABLE: MigrateReferenceBackendRequest.ReferenceBackend
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    TARGET_REFERENCE_BACKEND_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    target_reference_backend: MigrateReferenceBackendRequest.ReferenceBackend
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., target_reference_backend: _Optional[_Union[MigrateReferenceBackendRequest.ReferenceBackend, str]] = ...) -> None: ...

class MigrateReferenceBackendResponse(_message.Message):
    __slots__ = ("time",)
    TIME_FIELD_NUMBER: _ClassVar[int]
    time: _duration_pb2.Duration
    def __init__(self, time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
