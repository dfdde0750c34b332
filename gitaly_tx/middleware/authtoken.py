"""
Nobody gets further over gRPC without the configured token.
"""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from ..auth.token import TokenRefused, check_authorization
from ..errors import Code
from ..observability.metrics import Metrics
from ..rpc.call import Call, Door
from ..rpc.interfaces import IMiddleware, Proceed


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
        self._accepted = metrics.auth.labels("grpc", "grpc", "ok")
        self._refused = metrics.auth.labels("grpc", "grpc", "refused")

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        if call.door is Door.GRPC:
            self._check(call)
        await proceed()

    def _check(self, call: Call) -> None:
        values = call.metadata.get("authorization", ())
        first = values[0] if values else ""
        try:
            check_authorization(first if isinstance(first, str) else "", self._secret, self._now())
        except TokenRefused as error:
            self._refused.inc()
            if self._transitioning:
                call.fields["grpc.meta.auth_version"] = "refused"
                return
            reason = "unauthenticated" if error.code is Code.UNAUTHENTICATED else "permission"
            self._metrics.rejections.labels(reason, call.method.service, call.method.name).inc()
            raise
        self._accepted.inc()
        call.fields["grpc.meta.auth_version"] = "v2"
