from . import lint_pb2 as _lint_pb2
from . import shared_pb2 as _shared_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckBlobsGeneratedRequest(_message.Message):
    __slots__ = ("repository", "blobs")
    class Blob(_message.Message):
        __slots__ = ("revision", "path")
        REVISION_FIELD_NUMBER: _ClassVar[int]
        PATH_FIELD_NUMBER: _ClassVar[int]
        revision: bytes
        path: bytes
        def __init__(self, revision: _Optional[bytes] = ..., path: _Optional[bytes] = ...) -> None: ...
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    repository: _shared_pb2.Repository
    blobs: _containers.RepeatedCompositeFieldContainer[CheckBlobsGeneratedRequest.Blob]
    def __init__(self, repository: _Optional[_Union[_shared_pb2.Repository, _Mapping]] = ..., blobs: _Optional[_Iterable[_Union[CheckBlobsGeneratedRequest.Blob, _Mapping]]] = ...) -> None: ...

class CheckBlobsGeneratedResponse(_message.Message):
    __slots__ = ("blobs",)
    class Blob(_message.Message):
        __slots__ = ("revision", "generated")
        REVISION_FIELD_NUMBER: _ClassVar[int]
        GENERATED_FIELD_NUMBER: _ClassVar[int]
        revision: bytes
        generated: bool
        def __init__(self, revision: _Optional[bytes] = ..., generated: _Optional[bool] = ...) -> None: ...
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    blobs: _containers.RepeatedCompositeFieldContainer[CheckBlobsGeneratedResponse.Blob]
    def __init__(self, blobs: _Optional[_Iterable[_Union[CheckBlobsGeneratedResponse.Blob, _Mapping]]] = ...) -> None: ...
