"""
Who asks for what: the log fields of a call, under the names that Gitaly gives them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from google.protobuf.message import Message
from zope.interface import implementer

from ..rpc.call import Call, Door
from ..rpc.exchanges import NotedExchange
from ..rpc.interfaces import IMiddleware, Proceed
from ..rpc.method import MethodInfo, Operation

METADATA: Final[Mapping[str, str]] = {
    "user_id": "user_id",
    "username": "username",
    "remote_ip": "remote_ip",
    "x-gitlab-client-name": "grpc.meta.client_name",
    "client_name": "grpc.meta.client_name",
    "call_site": "grpc.meta.call_site",
    "deadline_type": "grpc.meta.deadline_type",
}
"""Metadata key → log field. Of two keys for one field the later counts; what is empty is left out."""

POOL: Final = "object_pool"
"""The field of a request that names an object pool."""


@implementer(IMiddleware)
class RequestInfo:
    """
    Fills ``call.fields``: at once with what the method and the metadata say, and with the repository as soon as the method has
    received the first request.
    """

    def __init__(self) -> None:
        self._constant: dict[str, dict[str, Any]] = {}

    def __call__(self, call: Call, proceed: Proceed) -> Awaitable[None]:
        fields = call.fields
        constant = self._constant.get(call.method.path)
        if constant is None:
            constant = self._constant[call.method.path] = _of_method(call.method)
        fields.update(constant)
        metadata = call.metadata
        for key, name in METADATA.items():
            if key in metadata and (value := call.metadatum(key)):
                fields[name] = value
        if call.deadline is None:
            # Whatever the caller says: a deadline that is not there is of no type.
            fields["grpc.meta.deadline_type"] = "none"
        if call.door is not Door.GRPC and call.identity.user is not None:
            fields["username"] = call.identity.user
            fields["user_id"] = call.identity.gl_id
        if call.method.target or call.method.storage:
            call.exchange = NotedExchange(call.exchange, lambda request: _note(call, request))
        return proceed()


def _of_method(method: MethodInfo) -> dict[str, Any]:
    fields = {
        "grpc.service": method.service,
        "grpc.method": method.name,
        "grpc.request.fullMethod": method.path,
        "grpc.meta.method_type": method.kind,
    }
    if method.operation is not Operation.UNKNOWN:
        fields["grpc.meta.method_operation"] = method.operation.name.lower()
        fields["grpc.meta.method_scope"] = method.scope.name.lower()
    return fields


def _note(call: Call, request: Message) -> None:
    repository = call.method.repository(request)
    if repository is None:
        storage = call.method.storage_name(request)
        if storage:
            call.fields["grpc.request.StorageName"] = storage
        return
    call.fields.update(
        {
            "grpc.request.repoStorage": repository.storage_name,
            "grpc.request.repoPath": repository.relative_path,
            "grpc.request.glRepository": repository.gl_repository,
            "grpc.request.glProjectPath": repository.gl_project_path,
        }
    )
    if call.method.target[0] == POOL:
        call.fields.update(
            {
                "grpc.request.pool.storage": repository.storage_name,
                "grpc.request.pool.relativePath": repository.relative_path,
                "grpc.request.pool.sourceProjectPath": repository.gl_project_path,
            }
        )
