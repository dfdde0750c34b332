from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LogEntry(_message.Message):
    __slots__ = ("relative_path", "reference_transactions", "repository_deletion", "housekeeping", "operations")
    class ReferenceTransaction(_message.Message):
        __slots__ = ("changes",)
        class Change(_message.Message):
            __slots__ = ("reference_name", "new_oid", "new_target")
            REFERENCE_NAME_FIELD_NUMBER: _ClassVar[int]
            NEW_OID_FIELD_NUMBER: _ClassVar[int]
            NEW_TARGET_FIELD_NUMBER: _ClassVar[int]
            reference_name: bytes
            new_oid: bytes
            new_target: bytes
            def __init__(self, reference_name: _Optional[bytes] = ..., new_oid: _Optional[bytes] = ..., new_target: _Optional[bytes] = ...) -> None: ...
        CHANGES_FIELD_NUMBER: _ClassVar[int]
        changes: _containers.RepeatedCompositeFieldContainer[LogEntry.ReferenceTransaction.Change]
        def __init__(self, changes: _Optional[_Iterable[_Union[LogEntry.ReferenceTransaction.Change, _Mapping]]] = ...) -> None: ...
    class RepositoryDeletion(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Housekeeping(_message.Message):
        __slots__ = ("pack_refs", "offloading")
        class PackRefs(_message.Message):
            __slots__ = ()
            def __init__(self) -> None: ...
        class Offloading(_message.Message):
            __slots__ = ()
            def __init__(self) -> None: ...
        PACK_REFS_FIELD_NUMBER: _ClassVar[int]
        OFFLOADING_FIELD_NUMBER: _ClassVar[int]
        pack_refs: LogEntry.Housekeeping.PackRefs
        offloading: LogEntry.Housekeeping.Offloading
        def __init__(self, pack_refs: _Optional[_Union[LogEntry.Housekeeping.PackRefs, _Mapping]] = ..., offloading: _Optional[_Union[LogEntry.Housekeeping.Offloading, _Mapping]] = ...) -> None: ...
    class Operation(_message.Message):
        __slots__ = ("create_hard_link", "remove_directory_entry", "create_directory", "set_key", "delete_key")
        class CreateHardLink(_message.Message):
            __slots__ = ("source_path", "source_in_storage", "destination_path")
            SOURCE_PATH_FIELD_NUMBER: _ClassVar[int]
            SOURCE_IN_STORAGE_FIELD_NUMBER: _ClassVar[int]
            DESTINATION_PATH_FIELD_NUMBER: _ClassVar[int]
            source_path: bytes
            source_in_storage: bool
            destination_path: bytes
            def __init__(self, source_path: _Optional[bytes] = ..., source_in_storage: _Optional[bool] = ..., destination_path: _Optional[bytes] = ...) -> None: ...
        class RemoveDirectoryEntry(_message.Message):
            __slots__ = ("path",)
            PATH_FIELD_NUMBER: _ClassVar[int]
            path: bytes
            def __init__(self, path: _Optional[bytes] = ...) -> None: ...
        class CreateDirectory(_message.Message):
            __slots__ = ("path", "mode")
            PATH_FIELD_NUMBER: _ClassVar[int]
            MODE_FIELD_NUMBER: _ClassVar[int]
            path: bytes
            mode: int
            def __init__(self, path: _Optional[bytes] = ..., mode: _Optional[int] = ...) -> None: ...
        class SetKey(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: bytes
            value: bytes
            def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...
        class DeleteKey(_message.Message):
            __slots__ = ("key",)
            KEY_FIELD_NUMBER: _ClassVar[int]
            key: bytes
            def __init__(self, key: _Optional[bytes] = ...) -> None: ...
        CREATE_HARD_LINK_FIELD_NUMBER: _ClassVar[int]
        REMOVE_DIRECTORY_ENTRY_FIELD_NUMBER: _ClassVar[int]
        CREATE_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
        SET_KEY_FIELD_NUMBER: _ClassVar[int]
        DELETE_KEY_FIELD_NUMBER: _ClassVar[int]
        create_hard_link: LogEntry.Operation.CreateHardLink
        remove_directory_entry: LogEntry.Operation.RemoveDirectoryEntry
        create_directory: LogEntry.Operation.CreateDirectory
        set_key: LogEntry.Operation.SetKey
        delete_key: LogEntry.Operation.DeleteKey
        def __init__(self, create_hard_link: _Optional[_Union[LogEntry.Operation.CreateHardLink, _Mapping]] = ..., remove_directory_entry: _Optional[_Union[LogEntry.Operation.RemoveDirectoryEntry, _Mapping]] = ..., create_directory: _Optional[_Union[LogEntry.Operation.CreateDirectory, _Mapping]] = ..., set_key: _Optional[_Union[LogEntry.Operation.SetKey, _Mapping]] = ..., delete_key: _Optional[_Union[LogEntry.Operation.DeleteKey, _Mapping]] = ...) -> None: ...
    RELATIVE_PATH_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_DELETION_FIELD_NUMBER: _ClassVar[int]
    HOUSEKEEPING_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    relative_path: str
    reference_transactions: _containers.RepeatedCompositeFieldContainer[LogEntry.ReferenceTransaction]
    repository_deletion: LogEntry.RepositoryDeletion
    housekeeping: LogEntry.Housekeeping
    operations: _containers.RepeatedCompositeFieldContainer[LogEntry.Operation]
    def __init__(self, relative_path: _Optional[str] = ..., reference_transactions: _Optional[_Iterable[_Union[LogEntry.ReferenceTransaction, _Mapping]]] = ..., repository_deletion: _Optional[_Union[LogEntry.RepositoryDeletion, _Mapping]] = ..., housekeeping: _Optional[_Union[LogEntry.Housekeeping, _Mapping]] = ..., operations: _Optional[_Iterable[_Union[LogEntry.Operation, _Mapping]]] = ...) -> None: ...

class LSN(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: int
    def __init__(self, value: _Optional[int] = ...) -> None: ...
