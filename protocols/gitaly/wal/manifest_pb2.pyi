from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RefUpdate(_message.Message):
    __slots__ = ("name", "old", "new", "itself")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    ITSELF_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    old: bytes
    new: bytes
    itself: bool
    def __init__(self, name: _Optional[bytes] = ..., old: _Optional[bytes] = ..., new: _Optional[bytes] = ..., itself: _Optional[bool] = ...) -> None: ...

class FileChange(_message.Message):
    __slots__ = ("path", "content", "mode")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    content: bytes
    mode: int
    def __init__(self, path: _Optional[bytes] = ..., content: _Optional[bytes] = ..., mode: _Optional[int] = ...) -> None: ...

class StagedFile(_message.Message):
    __slots__ = ("path", "size", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    size: int
    sha256: bytes
    def __init__(self, path: _Optional[bytes] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class Creation(_message.Message):
    __slots__ = ("object_format", "head", "backend")
    OBJECT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    object_format: str
    head: bytes
    backend: str
    def __init__(self, object_format: _Optional[str] = ..., head: _Optional[bytes] = ..., backend: _Optional[str] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("path", "create", "files", "staged", "refs", "head", "remove")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    STAGED_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    create: Creation
    files: _containers.RepeatedCompositeFieldContainer[FileChange]
    staged: _containers.RepeatedCompositeFieldContainer[StagedFile]
    refs: _containers.RepeatedCompositeFieldContainer[RefUpdate]
    head: bytes
    remove: bool
    def __init__(self, path: _Optional[bytes] = ..., create: _Optional[_Union[Creation, _Mapping]] = ..., files: _Optional[_Iterable[_Union[FileChange, _Mapping]]] = ..., staged: _Optional[_Iterable[_Union[StagedFile, _Mapping]]] = ..., refs: _Optional[_Iterable[_Union[RefUpdate, _Mapping]]] = ..., head: _Optional[bytes] = ..., remove: _Optional[bool] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("content", "source")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    source: bytes
    def __init__(self, content: _Optional[bytes] = ..., source: _Optional[bytes] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("epoch", "leader", "lsn", "digest", "previous", "manifest", "places")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    leader: str
    lsn: int
    digest: bytes
    previous: bytes
    manifest: bytes
    places: _containers.RepeatedCompositeFieldContainer[Place]
    def __init__(self, epoch: _Optional[int] = ..., leader: _Optional[str] = ..., lsn: _Optional[int] = ..., digest: _Optional[bytes] = ..., previous: _Optional[bytes] = ..., manifest: _Optional[bytes] = ..., places: _Optional[_Iterable[_Union[Place, _Mapping]]] = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    def __init__(self, digest: _Optional[bytes] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("path", "epoch", "leader", "lsn", "digest")
    PATH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    LSN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    epoch: int
    leader: str
    lsn: int
    digest: bytes
    def __init__(self, path: _Optional[bytes] = ..., epoch: _Optional[int] = ..., leader: _Optional[str] = ..., lsn: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...
