"""
Before a push: may it happen?
"""

from __future__ import annotations

from protocols.gitaly.hook_pb2 import PreReceiveHookRequest, PreReceiveHookResponse

from ...hooks.gitlab import Gitlab
from ...hooks.gitlabapi import Asked
from ...hooks.interfaces import AccessDenied, Unanswered
from ...rpc.call import Call
from ..validate import given, opened
from .payload import PayloadUnusable, read_payload, variables
from .ports import HookPorts
from .running import Exited, Failed, Hook, run_custom, with_objects
from .streams import Output, first_request, standard_input
from .votes import VoteFailed, synchronize

NAME = "pre-receive"


async def pre_receive_hook(ports: HookPorts, call: Call) -> None:
    """
    Ask the application, run custom hooks, tell the application; in this order, and each only if those before let the push pass.
    What is against it is told with the exit status, and is no error of the call.

    :raises GitalyError: as :func:`~gitaly_tx.services.hook.streams.first_request` and
        :func:`~gitaly_tx.services.validate.opened`.
    """
    request: PreReceiveHookRequest = await first_request(call)
    await opened(ports.storage, given(request))
    output = Output(call, PreReceiveHookResponse)
    try:
        await _run(ports, call, request, output)
    except Exited as error:
        await output.exit(error.status)
    except AccessDenied as error:
        await output.exit(1, error.words)
    except Unanswered as error:
        await output.exit(1, error.text)
    except (Failed, PayloadUnusable, VoteFailed) as error:
        await output.exit(1, str(error))
    else:
        await output.exit(0)


async def _run(ports: HookPorts, call: Call, request: PreReceiveHookRequest, output: Output) -> None:
    environment = variables(request.environment_variables)
    payload = read_payload(environment)
    changes = await standard_input(call)
    if payload.primary:
        message, repository = await with_objects(ports, request.repository, environment)
        if not changes:
            raise Failed("hook got no reference updates")
        if ports.gitlab is not None and not message.gl_repository:
            raise Failed("repository not set")
        if payload.pusher is None:
            raise Failed("payload has no receive hooks info")
        hook = Hook(
            name=NAME,
            repository=repository,
            message=message,
            payload=payload,
            pusher=payload.pusher,
            environment=environment,
            options=[option.encode("utf-8", "surrogateescape") for option in request.git_push_options],
        )
        if ports.gitlab is not None:
            await _ask(ports.gitlab, hook, changes)
        await run_custom(ports, call, hook, output, stdin=changes)
        if ports.gitlab is not None:
            await ports.gitlab.announce(message.gl_repository)
    synchronize(payload, NAME)


async def _ask(gitlab: Gitlab, hook: Hook, changes: bytes) -> None:
    message, pusher = hook.message, hook.pusher
    if not pusher.gl_id:
        raise Failed("user ID not set")
    if not pusher.protocol:
        raise Failed("protocol not set")
    await gitlab.ask(
        Asked(
            repository_path=hook.repository.directory.path,
            relative_path=message.relative_path,
            object_directory=message.git_object_directory,
            alternates=list(message.git_alternate_object_directories),
            gl_repository=message.gl_repository,
            gl_id=pusher.gl_id,
            protocol=pusher.protocol,
            changes=changes,
        )
    )
