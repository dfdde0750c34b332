"""
Children in Linux control groups (version 2): a share of memory and processor time for all of them, and for each repository's.

::

    MOUNTPOINT/HIERARCHY_ROOT/gitaly-PID            limits for all children of this server
    MOUNTPOINT/HIERARCHY_ROOT/gitaly-PID/repos-N    limits for those of the repositories that belong here

A child is moved into its group right after it was started, which the kernel needs a moment for, so it is done in a thread. Where
there are no such groups, or this server may not make any, children run as they would without; the log says why, in words.
"""

from __future__ import annotations

import errno
import os
import re
import zlib
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from attrs import define, field, frozen
from twisted.logger import Logger

PERIOD = 100_000
"""Microseconds of which a quota is a part; Gitaly's and the kernel's default."""

MOUNTPOINT = "/sys/fs/cgroup"

_OURS = re.compile(r"gitaly-([0-9]+)")


class NotPossible(Exception):
    """
    There are no control groups for this server. The text says why, and what to do.
    """


@frozen
class Share:
    """
    What a group may use; 0 is no limit.

    :param memory: bytes.
    :param cpu_shares: weight, in version 1's numbers, as Gitaly's configuration has it: 1024 is usual.
    :param cpu_quota: microseconds of each 100 ms.
    """

    memory: int = 0
    cpu_shares: int = 0
    cpu_quota: int = 0

    def files(self) -> dict[str, str]:
        """
        What is to be written.
        """
        found = {}
        if self.memory > 0:
            found["memory.max"] = str(self.memory)
        if self.cpu_shares:
            shares = min(max(self.cpu_shares, 2), 262144)
            # The conversion that runtimes use: https://github.com/containers/crun/blob/main/crun.1.md
            found["cpu.weight"] = str(1 + (shares - 2) * 9999 // 262142)
        if self.cpu_quota > 0:
            found["cpu.max"] = f"{self.cpu_quota} {PERIOD}"
        return found


@frozen
class Hierarchy:
    """
    :param mountpoint: where the kernel's groups are.
    :param root: the group below which ours are made; it may have several parts.
    :param whole: for all children.
    :param each: for each group of repositories.
    :param groups: how many of these there are; 0 for none at all.
    :param spread: over how many of them one repository's children are spread.
    """

    mountpoint: str = MOUNTPOINT
    root: str = "gitaly"
    whole: Share = Share()
    each: Share = Share()
    groups: int = 0
    spread: int = 1

    @property
    def parent(self) -> str:
        """
        The group of this server.
        """
        return os.path.join(self.mountpoint, self.root, f"gitaly-{os.getpid()}")

    def group(self, number: int) -> str:
        """
        One of the groups of repositories.
        """
        return os.path.join(self.parent, f"repos-{number}")


@define(eq=False)
class ControlledChildren:
    """
    :param hierarchy: what is wanted.
    :param in_thread: does what may block in a thread.
    :ivar active: there are groups, and children are put into them.
    """

    _hierarchy: Hierarchy
    _in_thread: Callable[..., Awaitable[Any]]
    active: bool = field(default=False, init=False)
    _turn: count[int] = field(factory=count, init=False)

    _log = Logger()

    async def start(self) -> None:
        """
        Make the groups.
        """
        try:
            await self._in_thread(make, self._hierarchy)
        except NotPossible as why:
            self._log.warn("git runs outside of control groups: {why}", why=str(why))
        else:
            self.active = True

    def place(self, pid: int, key: str) -> None:
        """
        Put a child that was just started into its group.

        :param key: the repository that it runs for.
        """
        if not self.active:
            return
        first = zlib.crc32(os.fsencode(key))
        spread = max(1, min(self._hierarchy.spread, self._hierarchy.groups))
        number = (first + next(self._turn) % spread) % self._hierarchy.groups
        self._in_thread(self._move, pid, self._hierarchy.group(number))

    async def stop(self) -> None:
        """
        Remove the groups, when no child is left.
        """
        if self.active:
            self.active = False
            await self._in_thread(remove, self._hierarchy.parent)

    def _move(self, pid: int, group: str) -> None:
        try:
            _write(os.path.join(group, "cgroup.procs"), str(pid))
        except OSError as error:
            if error.errno != errno.ESRCH:  # It has ended already.
                self._log.error("a child stays outside of its control group: {error}", error=str(error))


def make(hierarchy: Hierarchy) -> None:
    """
    Make all groups, with their limits, and remove those that servers left that were killed.

    :raises NotPossible: if that cannot be done.
    """
    top = hierarchy.mountpoint
    try:
        with open(os.path.join(top, "cgroup.controllers"), encoding="ascii") as file:
            there = set(file.read().split())
    except OSError:
        raise NotPossible(
            f"there is no cgroup v2 at {top}; boot with systemd.unified_cgroup_hierarchy=1, correct [cgroups] mountpoint,"
            " or remove [cgroups]"
        ) from None
    wanted = {name.partition(".")[0] for share in (hierarchy.whole, hierarchy.each) for name in share.files()}
    if wanted - there:
        missing = " and ".join(sorted(wanted - there))
        raise NotPossible(f"cgroup v2 at {top} has no {missing} controller, which [cgroups] sets limits for")
    try:
        _make(hierarchy, sorted(wanted))
    except OSError as error:
        raise NotPossible(_why(error, hierarchy)) from None


def _make(hierarchy: Hierarchy, controllers: list[str]) -> None:
    path = hierarchy.mountpoint
    for part in [*hierarchy.root.split("/"), os.path.basename(hierarchy.parent)]:
        _hand_down(path, controllers)
        path = os.path.join(path, part)
        os.makedirs(path, exist_ok=True)
    _sweep(os.path.dirname(path))
    _hand_down(path, controllers)
    _limit(path, hierarchy.whole)
    for number in range(hierarchy.groups):
        os.makedirs(hierarchy.group(number), exist_ok=True)
        _limit(hierarchy.group(number), hierarchy.each)


def _hand_down(path: str, controllers: list[str]) -> None:
    if controllers:
        _write(os.path.join(path, "cgroup.subtree_control"), " ".join(f"+{name}" for name in controllers))


def _limit(path: str, share: Share) -> None:
    for name, value in share.files().items():
        _write(os.path.join(path, name), value)


def _sweep(root: str) -> None:
    for name in os.listdir(root):
        found = _OURS.fullmatch(name)
        if found and int(found[1]) != os.getpid() and not os.path.exists(f"/proc/{found[1]}"):
            remove(os.path.join(root, name))


def remove(path: str) -> None:
    """
    Remove a group and those below it, as far as no process is in them.
    """
    try:
        for entry in list(os.scandir(path)):
            if entry.is_dir(follow_symlinks=False):
                remove(entry.path)
        os.rmdir(path)
    except OSError:
        pass  # Somebody is in it still, or it is gone; the next start tries again.


def _write(path: str, text: str) -> None:
    # In one write: that is how the kernel wants it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def _why(error: OSError, hierarchy: Hierarchy) -> str:
    where = f"below {os.path.join(hierarchy.mountpoint, hierarchy.root)}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"this server's user may not make groups {where}; let systemd delegate them (Delegate=yes), or remove [cgroups]"
    if error.errno == errno.EBUSY:
        return f"a group {where} holds processes itself, so it cannot share anything out; choose another [cgroups] hierarchy_root"
    return f"groups {where} cannot be made: {error.strerror}"
