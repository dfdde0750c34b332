"""
After a push: who wants to hear of it?
"""

from __future__ import annotations

from protocols.gitaly.hook_pb2 import PostReceiveHookRequest, PostReceiveHookResponse

from ...hooks.interfaces import AfterFailed
from ...rpc.call import Call
from ..validate import given, opened
from .payload import PayloadUnusable, read_payload, variables
from .ports import HookPorts
from .running import Exited, Failed, Hook, run_custom, with_objects
from .streams import Output, first_request, standard_input
from .votes import VoteFailed, synchronize

NAME = "post-receive"


async def post_receive_hook(ports: HookPorts, call: Call) -> None:
    """
    Tell the application, and run custom hooks if it has noted the push. What goes wrong is told with the exit status, and is no
    error of the call.

    :raises GitalyError: as :func:`~gitaly_tx.services.hook.streams.first_request` and
        :func:`~gitaly_tx.services.validate.opened`.
    """
    request: PostReceiveHookRequest = await first_request(call)
    await opened(ports.storage, given(request))
    output = Output(call, PostReceiveHookResponse)
    try:
        await _run(ports, call, request, output)
    except Exited as error:
        await output.exit(error.status)
    except AfterFailed as error:
        await output.exit(1, error.text)
    except (Failed, PayloadUnusable, VoteFailed) as error:
        await output.exit(1, str(error))
    else:
        await output.exit(0)


async def _run(ports: HookPorts, call: Call, request: PostReceiveHookRequest, output: Output) -> None:
    environment = variables(request.environment_variables)
    payload = read_payload(environment)
    changes = await standard_input(call)
    if payload.primary:
        if not changes:
            raise Failed("hook got no reference updates")
        if payload.pusher is None:
            raise Failed("payload has no receive hooks info")
        options = [option.encode("utf-8", "surrogateescape") for option in request.git_push_options]
        if ports.gitlab is not None:
            if not payload.pusher.gl_id:
                raise Failed("user ID not set")
            if not request.repository.gl_repository:
                raise Failed("repository not set")
            name, gl_id = request.repository.gl_repository, payload.pusher.gl_id
            await ports.gitlab.report(name, gl_id, changes, options, output.stdout)
        message, repository = await with_objects(ports, request.repository, environment)
        hook = Hook(NAME, repository, message, payload, payload.pusher, environment, options)
        await run_custom(ports, call, hook, output, stdin=changes)
    synchronize(payload, NAME)
