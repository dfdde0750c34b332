"""
While refs are locked: do all servers want the same?
"""

from __future__ import annotations

from typing import Final

from protocols.gitaly.hook_pb2 import ReferenceTransactionHookRequest, ReferenceTransactionHookResponse

from ...errors import Code, GitalyError
from ...git.objectid import ObjectFormat
from ...rpc.call import Call
from ..validate import given, opened
from .formats import format_named
from .payload import Payload, PayloadUnusable, read_payload, variables
from .ports import HookPorts
from .running import Failed
from .streams import Output, first_request, standard_input
from .votes import VoteFailed, vote

State = ReferenceTransactionHookRequest.State

VOTING: Final = frozenset({State.PREPARED, State.COMMITTED})


async def reference_transaction_hook(ports: HookPorts, call: Call) -> None:
    """
    Vote on changes of refs, if they are part of a transaction over several servers.

    :raises GitalyError: as :func:`~gitaly_tx.services.hook.streams.first_request` and
        :func:`~gitaly_tx.services.validate.opened`; INVALID_ARGUMENT ``invalid hook state``; INTERNAL ``reference-transaction
        hook: …`` if no vote can be given.
    """
    request: ReferenceTransactionHookRequest = await first_request(call)
    await opened(ports.storage, given(request))
    if request.state not in State.values():
        raise GitalyError("invalid hook state", Code.INVALID_ARGUMENT)
    try:
        payload = read_payload(variables(request.environment_variables))
        object_format = format_named(payload.object_format)
        changes = await standard_input(call)
        _check_transaction(payload)
        if request.state in VOTING and not only_forced_deletions(changes, object_format):
            _vote(payload)
    except (Failed, PayloadUnusable) as error:
        raise GitalyError(f"reference-transaction hook: {error}", Code.INTERNAL) from error
    await Output(call, ReferenceTransactionHookResponse).exit(0)


def only_forced_deletions(changes: bytes, object_format: ObjectFormat) -> bool:
    """
    Whether all changes are deletions of refs whatever they are. git makes such a transaction of its own when it removes refs from
    the packed ones before it deletes them; whether there are any differs between servers that are otherwise alike.
    """
    start = b"%b %b " % (object_format.zero, object_format.zero)
    return all(line.startswith(start) for line in changes.splitlines())


def _check_transaction(payload: Payload) -> None:
    """
    Commands that run as part of a transaction of the log record what they do to refs. Here none does: refs are moved by the log
    itself.
    """
    if payload.transaction:
        raise Failed("get transaction: transaction not found")


def _vote(payload: Payload) -> None:
    try:
        vote(payload)
    except VoteFailed as error:
        raise Failed(f"error voting on transaction: {error}") from error
