"""
What the hooks of a push have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import relpath

from attrs import frozen
from twisted.logger import Logger

from protocols.gitaly.shared_pb2 import Repository

from ...errors import GitalyError
from ...hooks.custom import HookFailed
from ...hooks.environment import push_options
from ...hooks.interfaces import Push
from ...rpc.call import Call
from ...storage.interfaces import IRepository
from .payload import Payload, Pusher
from .ports import HookPorts
from .streams import Output

_log = Logger()


class Failed(Exception):
    """
    A hook's work cannot be done. The text is for whoever runs the hook.
    """


class Exited(Exception):
    """
    A custom hook ended with something else than success. It said itself why.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


@frozen
class Hook:
    """
    One run of a hook of a push.

    :param name: ``pre-receive``, ``update`` or ``post-receive``.
    :param repository: sees the objects that the hook's environment names.
    :param environment: of the hook, as git made it.
    :param options: the push options.
    """

    name: str
    repository: IRepository
    message: Repository
    payload: Payload
    pusher: Pusher
    environment: Mapping[str, str]
    options: Sequence[bytes] = ()


async def run_custom(
    ports: HookPorts, call: Call, hook: Hook, output: Output, *, stdin: bytes = b"", arguments: Sequence[bytes] = ()
) -> None:
    """
    Run the custom hooks.

    :raises Exited: for the first one that did not succeed.
    :raises Failed: for one that came to no exit status.
    """
    named, pusher = hook.payload.repository, hook.pusher
    push = Push(
        repository=hook.repository,
        updates=(),
        options=hook.options,
        user=pusher.username,
        gl_id=pusher.gl_id,
        gl_repository=named.gl_repository,
        project_path=named.gl_project_path,
        protocol=pusher.protocol,
        git=ports.git,
        environment={"CORRELATION_ID": call.correlation_id} if call.correlation_id else {},
    )
    try:
        await ports.custom.run(
            hook.name,
            push,
            output.stdout,
            output.stderr,
            arguments=arguments,
            stdin=stdin,
            variables=push_options(hook.options),
            environ=hook.environment,
        )
    except HookFailed as error:
        _log.info("{hook} hook failed: {why}", hook=hook.name, why=str(error))
        if error.status is not None:
            # A signal is no exit status; Go says -1.
            raise Exited(max(error.status, -1)) from error
        raise Failed(f'executing custom hooks: error executing "{error.label}": {error.why}') from error


async def with_objects(ports: HookPorts, message: Repository, environment: Mapping[str, str]) -> tuple[Repository, IRepository]:
    """
    The repository as the hook sees it: with the object directories of its environment, which are absolute there.

    :returns: how it is named then, and the repository.
    :raises Failed: if it cannot be opened like that.
    """
    named = Repository()
    named.CopyFrom(message)
    first, others = environment.get("GIT_OBJECT_DIRECTORY", ""), environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
    try:
        if first and others:
            path = (await ports.storage.repository(_plain(message))).directory.path
            named.git_object_directory = relpath(first, path)
            named.git_alternate_object_directories[:] = [relpath(each, path) for each in others.split(":") if each]
        return named, await ports.storage.repository(named)
    except GitalyError as error:
        raise Failed(error.message) from error
    except ValueError as error:
        raise Failed("object directory cannot be a path") from error


def _plain(message: Repository) -> Repository:
    return Repository(storage_name=message.storage_name, relative_path=message.relative_path)
