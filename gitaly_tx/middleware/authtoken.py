"""
Nobody gets further over gRPC without the configured token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zope.interface import implementer

from ..auth.token import TokenRefused, check_authorization, in_time
from ..errors import Code
from ..observability.metrics import Metrics
from ..rpc.call import Call, Door
from ..rpc.interfaces import IMiddleware, Proceed

REMEMBERED: Final = 256
"""How many good tokens are remembered: a client makes a new one each second and uses it for all its calls of that second."""


@implementer(IMiddleware)
class AuthToken:
    """
    Checks the token of every call that comes in over gRPC, health and reflection included, before a message of it is received.
    The other doors have users, not tokens.

    :param secret: the configured token.
    :param now: the time of day in Unix seconds: tokens carry it.
    :param transitioning: refusals are only counted: the state in which a token is introduced on a running installation.
    """

    def __init__(self, secret: bytes, now: Callable[[], float], metrics: Metrics, transitioning: bool = False) -> None:
        self._secret = secret
        self._now = now
        self._metrics = metrics
        self._transitioning = transitioning
        self._good: dict[str, int] = {}
        self._accepted = metrics.auth.labels("grpc", "grpc", "ok")
        self._refused = metrics.auth.labels("grpc", "grpc", "refused")

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        if call.door is Door.GRPC:
            self._check(call)
        await proceed()

    def _check(self, call: Call) -> None:
        values = call.metadata.get("authorization", ())
        first = values[0] if values and isinstance(values[0], str) else ""
        try:
            self._check_token(first)
        except TokenRefused as error:
            self._refused.inc()
            if self._transitioning:
                call.fields["grpc.meta.auth_version"] = "refused"
                return
            reason = "unauthenticated" if error.code is Code.UNAUTHENTICATED else "permission"
            self._metrics.rejections.labels(reason, call.method.service, call.method.name).inc()
            call.fields["rejection"] = reason
            raise
        self._accepted.inc()
        call.fields["grpc.meta.auth_version"] = "v2"

    def _check_token(self, authorization: str) -> None:
        now = self._now()
        issued = self._good.get(authorization)
        if issued is not None and in_time(issued, now):
            return
        issued = check_authorization(authorization, self._secret, now)
        if len(self._good) >= REMEMBERED:
            self._good.clear()
        self._good[authorization] = issued
