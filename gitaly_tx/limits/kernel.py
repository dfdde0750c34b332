"""
What the kernel says of memory, processor time and pressure: control groups of either version, and PSI.

Everything here reads small files of the kernel's and is to be called in a thread. What a machine does not have is ``None``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import frozen

ENDLESS = 1 << 60
"""A limit of so many bytes is none: version 1 has a very large number where version 2 says ``max``."""


@frozen
class Memory:
    """
    :param used: bytes in use, without what can be dropped at once.
    :param limit: bytes there are.
    :param failing: the group is out of memory at this moment.
    """

    used: int
    limit: int
    failing: bool = False


@frozen
class ControlGroups:
    """
    The groups that this process is in.

    :param unified: the directory of its group of version 2.
    :param memory: the directory of its group of version 1 that accounts for memory.
    :param cpu: the same for processor time.
    :param proc: where ``/proc`` is.
    """

    unified: str | None = None
    memory: str | None = None
    cpu: str | None = None
    proc: str = "/proc"

    def memory_now(self) -> Memory | None:
        """
        Of the group if it has a limit, otherwise of the machine.

        :raises OSError: or ValueError.
        """
        return self._memory_of_group() or _memory_of_machine(os.path.join(self.proc, "meminfo"))

    def throttled(self) -> float | None:
        """
        For how many seconds, since it exists, the group was kept from running because its time was used up.

        :raises OSError: or ValueError.
        """
        for directory, key, second in ((self.unified, "throttled_usec", 1e6), (self.cpu, "throttled_time", 1e9)):
            figures = {} if directory is None else _figures(os.path.join(directory, "cpu.stat"))
            if key in figures:
                return figures[key] / second
        return None

    def pressure(self, resource: str, kind: str) -> float | None:
        """
        The part of the last ten seconds in which tasks had to wait, from 0 to 1.

        :param resource: ``memory`` or ``cpu``.
        :param kind: ``some`` of them, or all of them: ``full``.
        :raises OSError: or ValueError.
        """
        places = [os.path.join(self.proc, "pressure", resource)]
        if self.unified is not None:
            places.insert(0, os.path.join(self.unified, f"{resource}.pressure"))
        for path in places:
            try:
                text = _text(path)
            except OSError:
                continue  # Version 2 without this controller, or a kernel without PSI, which says so when the file is opened.
            for line in text.splitlines():
                words = line.split()
                if words and words[0] == kind:
                    return float(dict(word.split("=", 1) for word in words[1:])["avg10"]) / 100
        return None

    def _memory_of_group(self) -> Memory | None:
        if self.unified is not None and os.path.exists(os.path.join(self.unified, "memory.max")):
            limit = _text(os.path.join(self.unified, "memory.max")).strip()
            if limit == "max":
                return None
            used = int(_text(os.path.join(self.unified, "memory.current")))
            return Memory(used - _figures(os.path.join(self.unified, "memory.stat"))["inactive_file"], int(limit))
        if self.memory is not None:
            bytes_limit = int(_text(os.path.join(self.memory, "memory.limit_in_bytes")))
            if bytes_limit >= ENDLESS:
                return None
            used = int(_text(os.path.join(self.memory, "memory.usage_in_bytes")))
            inactive = _figures(os.path.join(self.memory, "memory.stat"))["total_inactive_file"]
            failing = _figures(os.path.join(self.memory, "memory.oom_control")).get("under_oom", 0)
            return Memory(used - inactive, bytes_limit, bool(failing))
        return None


def find_groups(proc: str = "/proc") -> ControlGroups:
    """
    Find the groups of this process. Blocking.

    :returns: what there is; nothing where nothing can be read.
    """
    try:
        mounts, paths = _mounts(_text(f"{proc}/self/mountinfo")), _paths(_text(f"{proc}/self/cgroup"))
    except OSError:
        return ControlGroups(proc=proc)
    unified, memory, cpu = (_directory(mounts, paths, name) for name in ("", "memory", "cpu"))
    return ControlGroups(unified, memory, cpu, proc)


def _directory(mounts: Mapping[str, tuple[str, str]], paths: Mapping[str, str], controller: str) -> str | None:
    if controller not in mounts or controller not in paths:
        return None
    root, point = mounts[controller]
    below = os.path.relpath(paths[controller], root)
    directory = point if below.startswith("..") else os.path.normpath(os.path.join(point, below))
    # In a container the path can be one that only the machine around it sees; then its own group is what is mounted.
    return directory if os.path.isdir(directory) else point


def _mounts(text: str) -> dict[str, tuple[str, str]]:
    """
    Controller → the part of the hierarchy that is mounted, and where; the empty string for version 2.
    """
    found: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if kinds[:1] == ["cgroup2"]:
            found.setdefault("", (fields[3], fields[4]))
        elif kinds[:1] == ["cgroup"]:
            for controller in kinds[2].split(","):
                found.setdefault(controller, (fields[3], fields[4]))
    return found


def _paths(text: str) -> dict[str, str]:
    """
    Controller → the group's path; the empty string for version 2.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _memory_of_machine(path: str) -> Memory | None:
    try:
        text = _text(path)
    except FileNotFoundError:
        return None
    figures = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in text.splitlines()) if rest}
    if "MemAvailable" not in figures:
        return None
    return Memory(figures["MemTotal"] - figures["MemAvailable"], figures["MemTotal"])


def _figures(path: str) -> dict[str, int]:
    """
    A file of names and numbers; nothing if there is no such file.
    """
    try:
        lines = _text(path).splitlines()
    except FileNotFoundError:
        return {}
    return {name: int(figure) for name, figure in (line.split() for line in lines)}


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
