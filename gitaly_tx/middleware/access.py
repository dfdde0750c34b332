"""
May this user do this to that repository? Asked before any work, for the doors that have users.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, NoReturn

from zope.interface import implementer

from protocols.gitaly.shared_pb2 import Repository

from ..auth.interfaces import Decision, IAccess, Verb
from ..errors import Code, GitalyError
from ..observability.metrics import Metrics
from ..rpc.call import Call, Door
from ..rpc.exchanges import PeekedExchange
from ..rpc.interfaces import IMiddleware, Proceed
from ..rpc.method import Operation

FOR_WRITERS: Final = frozenset({"/gitaly.SmartHTTPService/InfoRefsReceivePack"})
"""Methods that only read and are of use to nobody but a writer: they say what a push may build upon."""


@implementer(IMiddleware)
class Access:
    """
    Asks :class:`~gitaly_tx.auth.interfaces.IAccess` about every call that comes in over HTTP or SSH. Callers over gRPC are
    applications that decide for their users themselves; their token is checked elsewhere.

    A refused user is told nothing about a repository that they may not read: missing and forbidden look the same. Somebody who
    did not say who they are is asked to, whether the repository exists or not.

    :param access: decides.
    :param metrics: counts refusals.
    """

    def __init__(self, access: IAccess, metrics: Metrics) -> None:
        self._access = access
        self._metrics = metrics

    def __call__(self, call: Call, proceed: Proceed) -> Awaitable[None]:
        return proceed() if call.door is Door.GRPC else self._asked(call, proceed)

    async def _asked(self, call: Call, proceed: Proceed) -> None:
        await self._ask(call)
        await proceed()

    async def _ask(self, call: Call) -> None:
        call.exchange = exchange = PeekedExchange(call.exchange)
        first = await exchange.peek()
        repository = None if first is None else call.method.repository(first)
        if repository is None:
            self._refuse(
                call, "permission", GitalyError("permission denied", Code.PERMISSION_DENIED, {"access": "no repository"})
            )
        try:
            path = _path(repository)
        except GitalyError as error:
            self._refuse(call, "invalid", error)
        verb = Verb.READ
        if call.method.operation is not Operation.ACCESSOR or call.method.path in FOR_WRITERS:
            verb = Verb.WRITE
        decision = await self._access.decide(call.identity.user, verb, repository.storage_name, path)
        call.fields["access"] = decision.reason
        if not decision.allowed:
            await self._refuse_user(call, verb, decision, repository.storage_name, path)
        if verb is Verb.WRITE:
            create = await self._access.decide(call.identity.user, Verb.CREATE, repository.storage_name, path)
            call.may_create = create.allowed

    async def _refuse_user(self, call: Call, verb: Verb, decision: Decision, storage: str, path: str) -> NoReturn:
        facts = {"access": decision.reason}
        if call.identity.user is None:
            self._refuse(call, "unauthenticated", GitalyError("authentication required", Code.UNAUTHENTICATED, facts))
        if verb is Verb.WRITE and (await self._access.decide(call.identity.user, Verb.READ, storage, path)).allowed:
            message = decision.message or "you may not write to this repository"
            self._refuse(call, "permission", GitalyError(message, Code.PERMISSION_DENIED, facts))
        self._refuse(call, "permission", GitalyError("repository not found", Code.NOT_FOUND, facts))

    def _refuse(self, call: Call, reason: str, error: GitalyError) -> NoReturn:
        self._metrics.rejections.labels(reason, call.method.service, call.method.name).inc()
        call.fields["rejection"] = reason
        raise error


def _path(repository: Repository) -> str:
    """
    The repository's path as rules name it. A path that is spelled in a roundabout way could match one rule and name a repository
    that another rule is about, so it is refused, not straightened.

    :raises GitalyError: INVALID_ARGUMENT.
    """
    path = repository.relative_path.strip("/")
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise GitalyError("invalid repository path", Code.INVALID_ARGUMENT)
    return path.removesuffix("/.git").removesuffix(".git")
