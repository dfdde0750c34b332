"""
git's ``uploadpack.packObjectsHook``: a pack, made here instead of by upload-pack itself.
"""

from __future__ import annotations

from protocols.gitaly.hook_pb2 import PackObjectsHookWithSidechannelRequest, PackObjectsHookWithSidechannelResponse

from ...errors import Code, GitalyError
from ...limits.interfaces import LimitReached
from ...rpc.call import Call
from ...streams import StreamBroken
from ...transport.packobjects import pack_request
from ..validate import given, opened
from .ports import HookPorts

SOCKET = "gitaly-sidechannel-socket"
"""The metadata key under which the hook names its socket."""


async def pack_objects_hook_with_sidechannel(
    ports: HookPorts, call: Call, request: PackObjectsHookWithSidechannelRequest
) -> PackObjectsHookWithSidechannelResponse:
    """
    Make a pack. What git says comes from the hook's socket; the pack and git's words for the user go there, in packets of the
    side-band.

    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`; as :func:`~gitaly_tx.transport.packobjects.pack_request`
        and :meth:`~gitaly_tx.transport.hooksocket.HookSockets.connect`; CANCELLED ``pack objects hook: broken pipe`` if the hook
        hung up; RESOURCE_EXHAUSTED if too many packs are made for the same address; INTERNAL ``pack objects hook:
        git-pack-objects: …``.
    """
    repository = await opened(ports.storage, given(request))
    wanted = pack_request(request.args, request.git_protocol)
    hook = await ports.sockets.connect(call.metadatum(SOCKET))
    try:
        await ports.packs.serve(repository, wanted, hook.source, hook.sink, call.address)
    except StreamBroken as error:
        raise GitalyError("pack objects hook: broken pipe", Code.CANCELLED) from error
    except LimitReached:
        raise
    except GitalyError as error:
        raise error.wrapped("pack objects hook") from error
    finally:
        hook.close()
    return PackObjectsHookWithSidechannelResponse()
