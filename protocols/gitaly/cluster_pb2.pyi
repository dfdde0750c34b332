from . import lint_pb2 as _lint_pb2
from .raftpb import raft_pb2 as _raft_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RaftEntry(_message.Message):
    __slots__ = ("id", "data")
    class LogData(_message.Message):
        __slots__ = ("local_path", "packed")
        LOCAL_PATH_FIELD_NUMBER: _ClassVar[int]
        PACKED_FIELD_NUMBER: _ClassVar[int]
        local_path: bytes
        packed: bytes
        def __init__(self, local_path: _Optional[bytes] = ..., packed: _Optional[bytes] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: int
    data: RaftEntry.LogData
    def __init__(self, id: _Optional[int] = ..., data: _Optional[_Union[RaftEntry.LogData, _Mapping]] = ...) -> None: ...

class RaftPartitionKey(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class ReplicaID(_message.Message):
    __slots__ = ("partition_key", "member_id", "storage_name", "metadata", "type")
    class ReplicaType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REPLICA_TYPE_UNSPECIFIED: _ClassVar[ReplicaID.ReplicaType]
        REPLICA_TYPE_VOTER: _ClassVar[ReplicaID.ReplicaType]
        REPLICA_TYPE_LEARNER: _ClassVar[ReplicaID.ReplicaType]
    REPLICA_TYPE_UNSPECIFIED: ReplicaID.ReplicaType
    REPLICA_TYPE_VOTER: ReplicaID.ReplicaType
    REPLICA_TYPE_LEARNER: ReplicaID.ReplicaType
    class Metadata(_message.Message):
        __slots__ = ("address",)
        ADDRESS_FIELD_NUMBER: _ClassVar[int]
        address: str
        def __init__(self, address: _Optional[str] = ...) -> None: ...
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    STORAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    partition_key: RaftPartitionKey
    member_id: int
    storage_name: str
    metadata: ReplicaID.Metadata
    type: ReplicaID.ReplicaType
    def __init__(self, partition_key: _Optional[_Union[RaftPartitionKey, _Mapping]] = ..., member_id: _Optional[int] = ..., storage_name: _Optional[str] = ..., metadata: _Optional[_Union[ReplicaID.Metadata, _Mapping]] = ..., type: _Optional[_Union[ReplicaID.ReplicaType, str]] = ...) -> None: ...

class RaftMessageRequest(_message.Message):
    __slots__ = ("cluster_id", "replica_id", "message")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    replica_id: ReplicaID
    message: _raft_pb2.Message
    def __init__(self, cluster_id: _Optional[str] = ..., replica_id: _Optional[_Union[ReplicaID, _Mapping]] = ..., message: _Optional[_Union[_raft_pb2.Message, _Mapping]] = ...) -> None: ...

class RaftMessageResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RaftSnapshotMessageRequest(_message.Message):
    __slots__ = ("raft_msg", "chunk")
    RAFT_MSG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    raft_msg: RaftMessageRequest
    chunk: bytes
    def __init__(self, raft_msg: _Optional[_Union[RaftMessageRequest, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class RaftSnapshotMessageResponse(_message.Message):
    __slots__ = ("destination", "snapshot_size")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    destination: str
    snapshot_size: int
    def __init__(self, destination: _Optional[str] = ..., snapshot_size: _Optional[int] = ...) -> None: ...

class JoinClusterRequest(_message.Message):
    __slots__ = ("partition_key", "leader_id", "member_id", "storage_name", "relative_path", "replicas")
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    STORAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_PATH_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    partition_key: RaftPartitionKey
    leader_id: int
    member_id: int
    storage_name: str
    relative_path: str
    replicas: _containers.RepeatedCompositeFieldContainer[ReplicaID]
    def __init__(self, partition_key: _Optional[_Union[RaftPartitionKey, _Mapping]] = ..., leader_id: _Optional[int] = ..., member_id: _Optional[int] = ..., storage_name: _Optional[str] = ..., relative_path: _Optional[str] = ..., replicas: _Optional[_Iterable[_Union[ReplicaID, _Mapping]]] = ...) -> None: ...

class JoinClusterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPartitionsRequest(_message.Message):
    __slots__ = ("cluster_id", "partition_key", "relative_path", "storage", "include_replica_details", "include_relative_paths")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_PATH_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_REPLICA_DETAILS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RELATIVE_PATHS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    partition_key: RaftPartitionKey
    relative_path: str
    storage: str
    include_replica_details: bool
    include_relative_paths: bool
    def __init__(self, cluster_id: _Optional[str] = ..., partition_key: _Optional[_Union[RaftPartitionKey, _Mapping]] = ..., relative_path: _Optional[str] = ..., storage: _Optional[str] = ..., include_replica_details: _Optional[bool] = ..., include_relative_paths: _Optional[bool] = ...) -> None: ...

class ClusterStatistics(_message.Message):
    __slots__ = ("total_partitions", "healthy_partitions", "total_replicas", "healthy_replicas", "storage_stats")
    class StorageStats(_message.Message):
        __slots__ = ("leader_count", "replica_count")
        LEADER_COUNT_FIELD_NUMBER: _ClassVar[int]
        REPLICA_COUNT_FIELD_NUMBER: _ClassVar[int]
        leader_count: int
        replica_count: int
        def __init__(self, leader_count: _Optional[int] = ..., replica_count: _Optional[int] = ...) -> None: ...
    class StorageStatsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ClusterStatistics.StorageStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ClusterStatistics.StorageStats, _Mapping]] = ...) -> None: ...
    TOTAL_PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    STORAGE_STATS_FIELD_NUMBER: _ClassVar[int]
    total_partitions: int
    healthy_partitions: int
    total_replicas: int
    healthy_replicas: int
    storage_stats: _containers.MessageMap[str, ClusterStatistics.StorageStats]
    def __init__(self, total_partitions: _Optional[int] = ..., healthy_partitions: _Optional[int] = ..., total_replicas: _Optional[int] = ..., healthy_replicas: _Optional[int] = ..., storage_stats: _Optional[_Mapping[str, ClusterStatistics.StorageStats]] = ...) -> None: ...

class GetPartitionsResponse(_message.Message):
    __slots__ = ("cluster_id", "partition_key", "replicas", "leader_id", "term", "index", "relative_path", "relative_paths")
    class ReplicaStatus(_message.Message):
        __slots__ = ("replica_id", "is_leader", "is_healthy", "last_index", "match_index", "state")
        REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
        IS_LEADER_FIELD_NUMBER: _ClassVar[int]
        IS_HEALTHY_FIELD_NUMBER: _ClassVar[int]
        LAST_INDEX_FIELD_NUMBER: _ClassVar[int]
        MATCH_INDEX_FIELD_NUMBER: _ClassVar[int]
        STATE_FIELD_NUMBER: _ClassVar[int]
        replica_id: ReplicaID
        is_leader: bool
        is_healthy: bool
        last_index: int
        match_index: int
        state: str
        def __init__(self, replica_id: _Optional[_Union[ReplicaID, _Mapping]] = ..., is_leader: _Optional[bool] = ..., is_healthy: _Optional[bool] = ..., last_index: _Optional[int] = ..., match_index: _Optional[int] = ..., state: _Optional[str] = ...) -> None: ...
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_PATH_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_PATHS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    partition_key: RaftPartitionKey
    replicas: _containers.RepeatedCompositeFieldContainer[GetPartitionsResponse.ReplicaStatus]
    leader_id: int
    term: int
    index: int
    relative_path: str
    relative_paths: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cluster_id: _Optional[str] = ..., partition_key: _Optional[_Union[RaftPartitionKey, _Mapping]] = ..., replicas: _Optional[_Iterable[_Union[GetPartitionsResponse.ReplicaStatus, _Mapping]]] = ..., leader_id: _Optional[int] = ..., term: _Optional[int] = ..., index: _Optional[int] = ..., relative_path: _Optional[str] = ..., relative_paths: _Optional[_Iterable[str]] = ...) -> None: ...

class RaftClusterInfoRequest(_message.Message):
    __slots__ = ("cluster_id",)
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    def __init__(self, cluster_id: _Optional[str] = ...) -> None: ...

class RaftClusterInfoResponse(_message.Message):
    __slots__ = ("cluster_id", "statistics")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    statistics: ClusterStatistics
    def __init__(self, cluster_id: _Optional[str] = ..., statistics: _Optional[_Union[ClusterStatistics, _Mapping]] = ...) -> None: ...
