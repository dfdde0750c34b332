"""
What must be true of limits.
"""

from __future__ import annotations

import re

from .gitaly import Concurrency, PackObjectsLimiting
from .lines import KeyPath
from .model import Config
from .problems import Findings

_METHOD = re.compile(r"/[A-Za-z][\w.]*/[A-Za-z]\w*", re.ASCII)


def check_limits(config: Config, findings: Findings) -> None:
    """
    Look at everything that says how much is done at once or how often.
    """
    seen: set[str] = set()
    for index, concurrency in enumerate(config.concurrency):
        at: KeyPath = ("concurrency", index)
        _check_method(concurrency.rpc, at, findings)
        if concurrency.rpc in seen:
            findings.error((*at, "rpc"), f"there are two limits on {concurrency.rpc}", "keep one of them")
        seen.add(concurrency.rpc)
        _check_bounds(concurrency, at, findings)
    for index, rate in enumerate(config.rate_limiting):
        at = ("rate_limiting", index)
        _check_method(rate.rpc, at, findings)
        if bool(rate.burst) != bool(rate.interval):
            missing = "interval" if rate.burst else "burst"
            findings.error((*at, missing), "a rate has an interval and a burst", "give both, or neither")
    _check_bounds(config.pack_objects_limiting, ("pack_objects_limiting",), findings)
    for name in ("cpu_throttled_threshold", "memory_threshold"):
        if not 0 <= getattr(config.adaptive_limiting, name) <= 1:
            findings.error(("adaptive_limiting", name), "it is a part of a whole", "write a number from 0 to 1")


def _check_method(rpc: str, at: KeyPath, findings: Findings) -> None:
    if not _METHOD.fullmatch(rpc):
        findings.error((*at, "rpc"), f"{rpc!r} names no method", 'write it as "/gitaly.SSHService/SSHUploadPack"')


def _check_bounds(table: Concurrency | PackObjectsLimiting, at: KeyPath, findings: Findings) -> None:
    if not table.adaptive:
        return
    if table.min_limit < 1:
        findings.error((*at, "min_limit"), "a limit that adapts stays above nothing", "write 1 or more")
    if table.initial_limit < table.min_limit:
        findings.error((*at, "initial_limit"), "it begins below its least", "write min_limit or more")
    if table.max_limit < table.initial_limit:
        findings.error((*at, "max_limit"), "it begins above its most", "write initial_limit or more")


__all__ = ["check_limits"]
