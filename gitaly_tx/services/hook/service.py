"""
The methods of ``hook.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import hook_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from .pack_objects import pack_objects_hook_with_sidechannel
from .ports import HookPorts
from .post_receive import post_receive_hook
from .pre_receive import pre_receive_hook
from .proc_receive import proc_receive_hook
from .reference_transaction import reference_transaction_hook
from .update import update_hook


@implementer(IMethods)
@frozen
class HookService:
    """
    What hooks of a git command ask that somebody runs beside this server, with Gitaly's helper in its ``core.hooksPath``. Pushes
    that come to this server itself need none of it. The methods send their replies themselves, while the hooks run.
    """

    service: ClassVar[str] = "gitaly.HookService"

    _ports: HookPorts

    async def PreReceiveHook(self, call: Call, requests: AsyncIterator[pb.PreReceiveHookRequest]) -> None:
        await pre_receive_hook(self._ports, call)

    async def PostReceiveHook(self, call: Call, requests: AsyncIterator[pb.PostReceiveHookRequest]) -> None:
        await post_receive_hook(self._ports, call)

    async def UpdateHook(self, call: Call, request: pb.UpdateHookRequest) -> None:
        await update_hook(self._ports, call, request)

    async def ReferenceTransactionHook(self, call: Call, requests: AsyncIterator[pb.ReferenceTransactionHookRequest]) -> None:
        await reference_transaction_hook(self._ports, call)

    async def PackObjectsHookWithSidechannel(
        self, call: Call, request: pb.PackObjectsHookWithSidechannelRequest
    ) -> pb.PackObjectsHookWithSidechannelResponse:
        return await pack_objects_hook_with_sidechannel(self._ports, call, request)

    async def ProcReceiveHook(self, call: Call, requests: AsyncIterator[pb.ProcReceiveHookRequest]) -> None:
        await proc_receive_hook(call)
