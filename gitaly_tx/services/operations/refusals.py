"""
Why a write was refused, as the typed details of errors say it.
"""

from __future__ import annotations

from typing import Final

from protocols.gitaly.errors_pb2 import AccessCheckError, CustomHookError, ReferenceUpdateError

from ...errors import Code, GitalyError
from ...hooks.updateref import AccessError, HookError, Stage, UpdateError

_HOOKS: Final = {
    Stage.PRE_RECEIVE: CustomHookError.HOOK_TYPE_PRERECEIVE,
    Stage.UPDATE: CustomHookError.HOOK_TYPE_UPDATE,
}


def custom_hook(error: HookError) -> CustomHookError:
    """
    A hook said no.
    """
    return CustomHookError(stdout=error.stdout, stderr=error.stderr, hook_type=_HOOKS[error.stage])


def access_check(error: AccessError) -> AccessCheckError:
    """
    The application said no.
    """
    return AccessCheckError(error_message=error.message, protocol=error.protocol, user_id=error.user_id, changes=error.changes)


def reference_update(error: UpdateError) -> ReferenceUpdateError:
    """
    The ref could not be moved.
    """
    update = error.update
    old = update.new.format.zero if update.old is None else update.old
    return ReferenceUpdateError(reference_name=update.name, old_oid=str(old), new_oid=str(update.new))


def described(error: HookError | AccessError | UpdateError) -> str:
    """
    The text with what was being done in front.
    """
    return error.text if isinstance(error, UpdateError) else error.chain


def invalid(text: str) -> GitalyError:
    """
    A request that makes no sense.
    """
    return GitalyError(text, Code.INVALID_ARGUMENT)


def shown(name: bytes) -> str:
    """
    A name as it stands in a message.
    """
    return name.decode("utf-8", "replace")
