import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import wrappers_pb2 as _wrappers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServiceConfig(_message.Message):
    __slots__ = ("load_balancing_config", "method_config")
    LOAD_BALANCING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    METHOD_CONFIG_FIELD_NUMBER: _ClassVar[int]
    load_balancing_config: _containers.RepeatedCompositeFieldContainer[LoadBalancingConfig]
    method_config: _containers.RepeatedCompositeFieldContainer[MethodConfig]
    def __init__(self, load_balancing_config: _Optional[_Iterable[_Union[LoadBalancingConfig, _Mapping]]] = ..., method_config: _Optional[_Iterable[_Union[MethodConfig, _Mapping]]] = ...) -> None: ...

class LoadBalancingConfig(_message.Message):
    __slots__ = ("pick_first", "round_robin")
    PICK_FIRST_FIELD_NUMBER: _ClassVar[int]
    ROUND_ROBIN_FIELD_NUMBER: _ClassVar[int]
    pick_first: PickFirstConfig
    round_robin: RoundRobinConfig
    def __init__(self, pick_first: _Optional[_Union[PickFirstConfig, _Mapping]] = ..., round_robin: _Optional[_Union[RoundRobinConfig, _Mapping]] = ...) -> None: ...

class PickFirstConfig(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RoundRobinConfig(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MethodConfig(_message.Message):
    __slots__ = ("name", "wait_for_ready", "timeout", "max_request_message_bytes", "max_response_message_bytes", "retry_policy")
    class Name(_message.Message):
        __slots__ = ("service", "method")
        SERVICE_FIELD_NUMBER: _ClassVar[int]
        METHOD_FIELD_NUMBER: _ClassVar[int]
        service: str
        method: str
        def __init__(self, service: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...
    class RetryPolicy(_message.Message):
        __slots__ = ("max_attempts", "initial_backoff", "max_backoff", "backoff_multiplier", "retryable_status_codes")
        MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
        INITIAL_BACKOFF_FIELD_NUMBER: _ClassVar[int]
        MAX_BACKOFF_FIELD_NUMBER: _ClassVar[int]
        BACKOFF_MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
        RETRYABLE_STATUS_CODES_FIELD_NUMBER: _ClassVar[int]
        max_attempts: int
        initial_backoff: _duration_pb2.Duration
        max_backoff: _duration_pb2.Duration
        backoff_multiplier: float
        retryable_status_codes: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, max_attempts: _Optional[int] = ..., initial_backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., backoff_multiplier: _Optional[float] = ..., retryable_status_codes: _Optional[_Iterable[str]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_READY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_RESPONSE_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    RETRY_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: _containers.RepeatedCompositeFieldContainer[MethodConfig.Name]
    wait_for_ready: _wrappers_pb2.BoolValue
    timeout: _duration_pb2.Duration
    max_request_message_bytes: _wrappers_pb2.UInt32Value
    max_response_message_bytes: _wrappers_pb2.UInt32Value
    retry_policy: MethodConfig.RetryPolicy
    def __init__(self, name: _Optional[_Iterable[_Union[MethodConfig.Name, _Mapping]]] = ..., wait_for_ready: _Optional[_Union[_wrappers_pb2.BoolValue, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_request_message_bytes: _Optional[_Union[_wrappers_pb2.UInt32Value, _Mapping]] = ..., max_response_message_bytes: _Optional[_Union[_wrappers_pb2.UInt32Value, _Mapping]] = ..., retry_policy: _Optional[_Union[MethodConfig.RetryPolicy, _Mapping]] = ...) -> None: ...
