"""
Before one ref of a push is moved.
"""

from __future__ import annotations

from protocols.gitaly.hook_pb2 import UpdateHookRequest, UpdateHookResponse

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ..validate import given, object_id, opened
from .formats import format_named
from .payload import PayloadUnusable, read_payload, variables
from .ports import HookPorts
from .running import Exited, Failed, Hook, run_custom, with_objects
from .streams import Output
from .votes import VoteFailed, synchronize

NAME = "update"


async def update_hook(ports: HookPorts, call: Call, request: UpdateHookRequest) -> None:
    """
    Run custom hooks.

    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`; INTERNAL for whatever keeps hooks from being run.
    """
    await opened(ports.storage, given(request))
    output = Output(call, UpdateHookResponse)
    try:
        await _run(ports, call, request, output)
    except Exited as error:
        await output.exit(error.status)
    except (Failed, PayloadUnusable, VoteFailed) as error:
        raise GitalyError(str(error), Code.INTERNAL) from error
    else:
        await output.exit(0)


async def _run(ports: HookPorts, call: Call, request: UpdateHookRequest, output: Output) -> None:
    environment = variables(request.environment_variables)
    payload = read_payload(environment)
    if payload.primary:
        object_format = format_named(payload.object_format)
        if not request.ref:
            raise Failed("hook got no reference")
        values = []
        for what, value in (("old", request.old_value), ("new", request.new_value)):
            try:
                values.append(object_id(value, object_format))
            except GitalyError as error:
                raise Failed(f"hook got invalid {what} value: {error.message}") from error
        if payload.pusher is None:
            raise Failed("payload has no receive hooks info")
        message, repository = await with_objects(ports, request.repository, environment)
        hook = Hook(NAME, repository, message, payload, payload.pusher, environment)
        await run_custom(ports, call, hook, output, arguments=(request.ref, *values))
    synchronize(payload, NAME)
