"""
Places where tests make the server fail, or wait: between all steps of a write.

``GITALY_TX_FAILPOINTS="wal.append.after_write=kill@3;apply.after_files=error(ENOSPC)"`` in the environment of the server switches
some on; without it a failpoint is one look into an empty dict.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count

from ..errors import Code, GitalyError

VARIABLE = "GITALY_TX_FAILPOINTS"
"""The environment variable that start-up reads."""

POINTS = (
    "push.before_stage",
    "push.after_stage",
    "push.before_commit",
    "push.after_commit",
    "updateref.before_commit",
    "updateref.after_commit",
    "commit.before_secure",
    "secure.after_link",
    "secure.after_fsync",
    "commit.before_prepare",
    "commit.after_prepare",
    "wal.append.before_write",
    "wal.append.after_write",
    "wal.append.after_fsync",
    "wal.segment.after_create",
    "wal.segment.after_rename",
    "commit.after_log",
    "commit.after_coordinator",
    "apply.before",
    "apply.after_create",
    "apply.after_files",
    "apply.after_each_staged",
    "apply.after_staged",
    "apply.before_refs",
    "apply.after_refs",
    "apply.after_remove",
    "commit.after_apply",
    "commit.after_applied_record",
    "commit.after_settle",
    "commit.after_unlock",
    "checkpoint.after_roll",
    "checkpoint.after_persist",
    "checkpoint.after_heads",
    "checkpoint.after_drop",
    "housekeeping.before_swap",
    "housekeeping.after_each_new",
    "housekeeping.after_new",
    "housekeeping.after_each_gone",
    "housekeeping.after_pack_refs",
    "backup.before_publish",
    "backup.after_each_part",
    "backup.after_parts",
    "backup.before_commit",
    "backup.after_step_pointer",
    "backup.after_pointer",
    "backup.after_manifest",
    "restore.before_remove",
    "restore.after_remove",
    "start.after_intents",
    "start.after_log",
    "start.after_sweep",
    "start.after_replay",
)
"""All names there are, roughly in the order in which a write passes them."""

_RULE = re.compile(
    r"(?P<name>[a-z_.]+)=(?:kill|error\((?P<errno>E[A-Z0-9]+)\)|delay\((?P<delay>[0-9]{1,5})\))"
    r"(?:@(?P<first>[1-9][0-9]*)(?P<on>\+)?)?\Z"
)

Action = Callable[[], None]

_active: dict[str, Action] = {}


def failpoint(name: str) -> None:
    """
    Do what was configured for ``name``: nothing, as a rule.

    :raises OSError: if an ``error`` action was configured.
    """
    action = _active.get(name)
    if action is not None:
        action()


def parse(text: str) -> dict[str, Action]:
    """
    Rules, separated by ``;``: ``NAME=ACTION[@K[+]]``.

    ``kill`` ends the whole process group as SIGKILL does, ``error(ENOSPC)`` raises that OSError, ``delay(20)`` takes so many
    milliseconds. ``@3`` means the third time only (``@1`` if nothing is said), ``@3+`` the third time and ever after.

    :raises GitalyError: INVALID_ARGUMENT for anything else, or an unknown name.
    """
    rules: dict[str, Action] = {}
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        match = _RULE.match(rule)
        if match is None or match["name"] not in POINTS or (match["errno"] and not hasattr(errno, match["errno"])):
            raise GitalyError("invalid failpoint", Code.INVALID_ARGUMENT, {"rule": rule})
        rules[match["name"]] = _counted(_effect(match), int(match["first"] or 1), bool(match["on"]))
    return rules


def configure(text: str) -> None:
    """
    Switch on what ``text`` says, and all others off.

    :raises GitalyError: as :func:`parse`; then nothing has changed.
    """
    rules = parse(text)
    _active.clear()
    _active.update(rules)


@contextmanager
def active(actions: Mapping[str, Action]) -> Iterator[None]:
    """
    Switch actions on for a ``with`` block; what was on before is on again after it.
    """
    before = dict(_active)
    _active.update(actions)
    try:
        yield
    finally:
        _active.clear()
        _active.update(before)


def _effect(rule: re.Match[str]) -> Action:
    if rule["errno"]:
        return _raising(getattr(errno, rule["errno"]))
    if rule["delay"]:
        return partial(time.sleep, int(rule["delay"]) / 1000)
    return _kill


def _kill() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _raising(number: int) -> Action:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def _counted(effect: Action, first: int, ever_after: bool) -> Action:
    times = count(1)

    def act() -> None:
        now = next(times)
        if now == first or (ever_after and now > first):
            effect()

    return act


__all__ = ["POINTS", "VARIABLE", "Action", "active", "configure", "failpoint", "parse"]
