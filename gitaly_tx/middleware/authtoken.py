"""
Nobody gets further over gRPC without the configured token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from zope.interface import implementer

from ..auth.callers import Callers, Wanted
from ..auth.token import Shown, TokenRefused, check_any, in_time
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

    Each decision is counted, and stands on the call's line: ``grpc.meta.auth_version`` is ``v2`` for a good token. One that was
    made with an earlier secret is marked there, so that whoever exchanges secrets sees when nobody uses the old one any more.

    :param callers: what callers have to know. While they are ``transitioning``, the state in which a token is introduced on a
        running installation, refusals are only counted.
    :param now: the time of day in Unix seconds: tokens carry it.
    """

    def __init__(self, callers: Callers, now: Callable[[], float], metrics: Metrics) -> None:
        self._callers = callers
        self._now = now
        self._metrics = metrics
        self._good: dict[str, Shown] = {}
        self._good_for = callers.wanted
        self._accepted = metrics.auth.labels("grpc", "grpc", "ok")
        self._refused = metrics.auth.labels("grpc", "grpc", "refused")

    def __call__(self, call: Call, proceed: Proceed) -> Awaitable[None]:
        if call.door is Door.GRPC:
            self._check(call, self._callers.wanted)
        return proceed()

    def _check(self, call: Call, wanted: Wanted) -> None:
        fields = call.fields
        if not wanted.secrets:
            self._count("server disabled authentication", wanted)
            return
        values = call.metadata.get("authorization", ())
        first = values[0] if values and isinstance(values[0], str) else ""
        try:
            shown = self._check_token(first, wanted)
        except TokenRefused as error:
            self._refused.inc()
            missing = error.code is Code.UNAUTHENTICATED
            self._count("unauthenticated" if missing else "denied", wanted)
            if wanted.transitioning:
                fields["auth.refused"] = error.facts["refused"]
                return
            reason = "unauthenticated" if missing else "permission"
            self._metrics.rejections.labels(reason, call.method.service, call.method.name).inc()
            raise
        self._accepted.inc()
        self._count("would be ok" if wanted.transitioning else "ok", wanted)
        fields["grpc.meta.auth_version"] = "v2"
        if shown.secret:
            fields["auth.made_with"] = "previous"

    def _check_token(self, authorization: str, wanted: Wanted) -> Shown:
        now = self._now()
        if wanted is not self._good_for:
            self._good.clear()
            self._good_for = wanted
        known = self._good.get(authorization)
        if known is not None and in_time(known.issued, now):
            return known
        shown = check_any(authorization, wanted.secrets, now)
        if len(self._good) >= REMEMBERED:
            self._good.clear()
        self._good[authorization] = shown
        return shown

    def _count(self, status: str, wanted: Wanted) -> None:
        self._metrics.authentications.labels("false" if wanted.transitioning else "true", status).inc()
