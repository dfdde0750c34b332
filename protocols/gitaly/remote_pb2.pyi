from . import lint_pb2 as _lint_pb2
from . import shared_pb2 as _shared_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateRemoteMirrorRequest(_message.Message):
    __slots__ = ("repository", "only_branches_matching", "ssh_key", "known_hosts", "keep_divergent_refs", "remote")
    class Remote(_message.Message):
        __slots__ = ("url", "http_authorization_header", "resolved_address")
        URL_FIELD_NUMBER: _ClassVar[int]
        HTTP_AUTHORIZATION_HEADER_FIELD_NUMBER: _ClassVar[int]
        RESOLVED_ADDRESS_FIELD_NUMBER: _ClassVar[int]
        url: str
        http_authorization_header: str
        resolved_address: str
        def __init__(self, url: _Optional[str] = ..., http_authorization_header: _Optional[str] = ..., resolved_address: _Optional[str] = ...) -> None: ...
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    ONLY_BRANCHES_MATCHING_FIELD_NUMBER: _ClassVar[int]
    SSH_KEY_FIELD_NUMBER: _ClassVar[int]
    KNOWN_HOSTS_FIELD_NUMBER: _ClassVar[int]
    KEEP_DIVERGENT_REFS_FIELD_NUMBER: _ClassVar[int]
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    only_branches_matching: _containers.RepeatedScalarFieldContainer[bytes]
    ssh_key: str
    known_hosts: str
    keep_divergent_refs: bool
    remote: UpdateRemoteMirrorRequest.Remote
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., only_branches_matching: _Optional[_Iterable[bytes]] = ..., ssh_key: _Optional[str] = ..., known_hosts: _Optional[str] = ..., keep_divergent_refs: _Optional[bool] = ..., remote: _Optional[_Union[UpdateRemoteMirrorRequest.Remote, _Mapping]] = ...) -> None: ...

class UpdateRemoteMirrorResponse(_message.Message):
    __slots__ = ("divergent_refs",)
    DIVERGENT_REFS_FIELD_NUMBER: _ClassVar[int]
    divergent_refs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, divergent_refs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FindRemoteRepositoryRequest(_message.Message):
    __slots__ = ("remote", "storage_name")
    REMOTE_FIELD_NUMBER: _ClassVar[int]
    STORAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    remote: str
    storage_name: str
    def __init__(self, remote: _Optional[str] = ..., storage_name: _Optional[str] = ...) -> None: ...

class FindRemoteRepositoryResponse(_message.Message):
    __slots__ = ("exists",)
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    def __init__(self, exists: _Optional[bool] = ...) -> None: ...

class FindRemoteRootRefRequest(_message.Message):
    __slots__ = ("repository", "remote_url", "http_authorization_header", "resolved_address")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    REMOTE_URL_FIELD_NUMBER: _ClassVar[int]
    HTTP_AUTHORIZATION_HEADER_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    remote_url: str
    http_authorization_header: str
    resolved_address: str
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., remote_url: _Optional[str] = ..., http_authorization_header: _Optional[str] = ..., resolved_address: _Optional[str] = ...) -> None: ...

class FindRemoteRootRefResponse(_message.Message):
    __slots__ = ("ref",)
    REF_FIELD_NUMBER: _ClassVar[int]
    ref: str
    def __init__(self, ref: _Optional[str] = ...) -> None: ...
