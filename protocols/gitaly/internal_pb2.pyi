import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import lint_pb2 as _lint_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WalkReposRequest(_message.Message):
    __slots__ = ("storage_name",)
    STORAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    storage_name: str
    def __init__(self, storage_name: _Optional[str] = ...) -> None: ...

class WalkReposResponse(_message.Message):
    __slots__ = ("relative_path", "modification_time")
    RELATIVE_PATH_FIELD_NUMBER: _ClassVar[int]
    MODIFICATION_TIME_FIELD_NUMBER: _ClassVar[int]
    relative_path: str
    modification_time: _timestamp_pb2.Timestamp
    def __init__(self, relative_path: _Optional[str] = ..., modification_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
