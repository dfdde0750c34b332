"""
What the ``.proto`` files say of a method, read once.

Whether a method reads or writes, at which scope, and which field of its request names the repository are options in the
``.proto`` files; nobody keeps a second list.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Any, cast

from attrs import field, frozen
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from protocols.gitaly import lint_pb2
from protocols.gitaly.shared_pb2 import ObjectPool, Repository


class Operation(enum.Enum):
    """
    What a method does to what it works on.
    """

    UNKNOWN = 0
    MUTATOR = 1
    ACCESSOR = 2
    MAINTENANCE = 3


class Scope(enum.Enum):
    """
    What a method works on.
    """

    REPOSITORY = 0
    STORAGE = 2
    PARTITION = 3


@frozen
class MethodInfo:
    """
    One method of one service.

    :param service: the service's full name: ``gitaly.RefService``.
    :param name: the method's name: ``RefExists``.
    :param request: the class of its requests.
    :param reply: the class of its replies.
    :param intercepted: the service is answered outside of repositories (its methods have no operation).
    :param target: the fields that lead from the request to the repository it works on; empty if none does.
    :param storage: the fields that lead to a storage's name; empty if none does.
    :ivar path: the name on the wire: ``/gitaly.RefService/RefExists``. Kept, because every layer of every call asks for it.
    """

    service: str
    name: str
    request: type[Message]
    reply: type[Message]
    client_streaming: bool
    server_streaming: bool
    operation: Operation
    scope: Scope
    intercepted: bool
    target: tuple[str, ...]
    storage: tuple[str, ...]
    path: str = field(init=False)

    @path.default
    def _path(self) -> str:
        return f"/{self.service}/{self.name}"

    @property
    def kind(self) -> str:
        """
        Its stream kinds in one word, as logs and metrics name them: ``unary``, ``client_stream``, ``server_stream`` or
        ``bidi_stream``.
        """
        if self.client_streaming:
            return "bidi_stream" if self.server_streaming else "client_stream"
        return "server_stream" if self.server_streaming else "unary"

    def repository(self, request: Message) -> Repository | None:
        """
        The repository that a request works on, if it names one.
        """
        found = _follow(request, self.target) if self.target else None
        if isinstance(found, ObjectPool):
            found = found.repository if found.HasField("repository") else None
        return found if isinstance(found, Repository) else None

    def storage_name(self, request: Message) -> str:
        """
        The storage that a request works on: its repository's, or the one it names; else an empty string.
        """
        repository = self.repository(request)
        if repository is not None:
            return repository.storage_name
        if not self.storage:
            return ""
        *way, name = self.storage
        found = _follow(request, way)
        return "" if found is None else str(getattr(found, name))


def methods(file: FileDescriptor) -> Iterator[MethodInfo]:
    """
    All methods of all services of a ``.proto`` file, in its order.
    """
    for service in file.services_by_name.values():
        for method in service.methods:
            yield _describe(service, method)


def _describe(service: ServiceDescriptor, method: MethodDescriptor) -> MethodInfo:
    option = _option(method.GetOptions(), lint_pb2.op_type)
    return MethodInfo(
        service=service.full_name,
        name=method.name,
        request=message_factory.GetMessageClass(method.input_type),
        reply=message_factory.GetMessageClass(method.output_type),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        operation=Operation(option.op),
        scope=Scope(option.scope_level),
        intercepted=bool(_option(service.GetOptions(), lint_pb2.intercepted)),
        target=_find(method, lint_pb2.target_repository, lint_pb2.repository),
        storage=_find(method, lint_pb2.storage),
    )


def _option(options: Message, extension: FieldDescriptor) -> Any:
    """
    What ``options`` say under ``extension``. The stubs know extensions only as mypy-protobuf would type them, hence the cast.
    """
    return options.Extensions[cast(Any, extension)]


def _find(method: MethodDescriptor, *extensions: FieldDescriptor) -> tuple[str, ...]:
    """
    The way to the first field that carries one of ``extensions``, tried in their order, at most two messages deep.
    """
    for extension in extensions:
        for outer in method.input_type.fields:
            if _option(outer.GetOptions(), extension):
                return (outer.name,)
            if outer.message_type is None:
                continue
            for inner in outer.message_type.fields:
                if _option(inner.GetOptions(), extension) and outer.message_type.name != "Repository":
                    return (outer.name, inner.name)
    return ()


def _follow(request: Any, way: Sequence[str]) -> Message | None:
    """
    The message that fields lead to, each of which holds a message; ``None`` if one of them is not set.
    """
    for name in way:
        if not request.HasField(name):
            return None
        request = getattr(request, name)
    found: Message = request
    return found
