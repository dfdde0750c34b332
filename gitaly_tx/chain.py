"""
What every call passes through, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.interfaces import IReactorTime

from .auth.callers import Callers, Wanted
from .auth.interfaces import IAccess
from .middleware.access import Access
from .middleware.accesslog import AccessLog
from .middleware.authtoken import AuthToken
from .middleware.correlation import Correlation
from .middleware.crash import Crash
from .middleware.flags import Flags
from .middleware.limits import Limits, Rule
from .middleware.metrics import CallMetrics
from .middleware.requestinfo import RequestInfo
from .middleware.status import Status
from .observability.metrics import Metrics
from .rpc.interfaces import IMiddleware


def chain(
    *,
    clock: IReactorTime,
    now: Callable[[], float],
    metrics: Metrics,
    access: IAccess,
    callers: Callers | None = None,
    limits: Mapping[str, Sequence[Rule]] | None = None,
) -> tuple[IMiddleware, ...]:
    """
    The middlewares, outermost first.

    :param clock: measures durations and deadlines.
    :param now: the time of day in Unix seconds.
    :param callers: what gRPC callers have to know; by default nothing.
    :param limits: who must wait, by the method's path.
    """
    return (
        # Outermost: whatever is logged from here on carries the id.
        Correlation(),
        # Around everything that can refuse, so that refused calls are counted and logged like the others.
        CallMetrics(metrics, clock),
        AccessLog(clock),
        # Inside of the log, whose fields it fills; outside of the checks, so that the line of a refused call says what was asked.
        RequestInfo(),
        # Beside it, for the same reason.
        Flags(),
        # The last that sees plain exceptions: the three above know only GitalyErrors.
        Status(clock),
        # Before a message is received and before any work. Whoever may not come in does not learn what there is.
        AuthToken(callers or Callers(Wanted()), now, metrics),
        Access(access, metrics),
        # Inside of the checks: a stranger takes nobody's place. Whoever waits here has been found to be allowed to.
        Limits(limits or {}, metrics, clock),
        # Innermost: what reaches it comes out of the method itself, so it is a bug in the method.
        Crash(),
    )
