"""
A server that is killed between any two steps of what it does, and what the next one makes of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen

from tests.support.stack import Stack

from . import inspection

State = tuple[tuple[str, object], ...]
"""What there is in some storages: repositories and all of them that a reader could tell."""


class NotWhole(AssertionError):
    """
    What is left after a kill is neither the state before nor the one after, or something is wrong with it.
    """


def look(root: str, storages: Sequence[str]) -> State:
    """
    All repositories: refs, HEAD, config, attributes, hooks, where they borrow, and which objects they have.

    :raises NotWhole: if one is broken.
    """
    found: list[tuple[str, object]] = []
    for storage in storages:
        for path in inspection.repositories(Path(root, storage)):
            checked = inspection.git(path, "fsck", "--full", "--strict", "--no-dangling")
            if checked.returncode:
                raise NotWhole(f"{path}: {checked.stdout}{checked.stderr}")
            refs = tuple(sorted((inspection.refs(path) or {}).items()))
            files = tuple((name, _content(path / name)) for name in ("HEAD", "config", "info/attributes"))
            hooks = path / "custom_hooks"
            scripts = tuple((name.name, name.stat().st_mode, _content(name)) for name in sorted(hooks.glob("*")))
            borrows = _content(path / "objects/info/alternates")
            listed = inspection.git(path, "cat-file", "--batch-all-objects", "--batch-check").stdout
            digest = hashlib.sha1(listed.encode()).hexdigest()
            found.append((os.path.relpath(path, root), (refs, files, scripts, borrows, listed.count("\n"), digest)))
    return tuple(found)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def difference(one: State, other: State) -> str:
    """
    In words, for those who read a failure.
    """
    first, second = dict(one), dict(other)
    lines = []
    for path in sorted({*first, *second}):
        if first.get(path) != second.get(path):
            lines += [f"{path}:", f"  - {first.get(path)}", f"  + {second.get(path)}"]
    return "\n".join(lines)


@frozen
class Kill:
    """
    :param number: of the failpoint, among all that were passed, from 0 on.
    :param copy: what was left.
    """

    number: int
    name: str
    copy: str


@define
class Judge:
    """
    Looks at what is left after kills, in their order.

    :param storages: their names; the copies have directories of these names.
    :param between: how many other states there may be between the one before and the one after.
    :param turn: if known, the numbers of the last failpoint with the state before and the first one with the state after.
    :ivar states: those that were found so far, in order.
    :ivar old: how often the state before was found.
    :ivar new: how often the state after was.
    """

    storages: Sequence[str]
    before: State
    after: State
    between: int = 0
    turn: tuple[int, int] | None = None
    states: list[State] = field(factory=list, init=False)
    old: int = field(default=0, init=False)
    new: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.states.append(self.before)

    async def judge(self, kill: Kill) -> None:
        """
        Start on what is left, stop, and look.

        :raises NotWhole: if something is wrong.
        """
        stack = Stack(kill.copy, self.storages)
        await stack.start()
        await stack.stop()
        where = f"killed at {kill.name}, number {kill.number}"
        left = [name for storage in self.storages for name in inspection.litter(Path(kill.copy, storage))]
        if left:
            raise NotWhole(f"{where}: left behind: {left}")
        try:
            state = look(kill.copy, self.storages)
        except AssertionError as error:
            raise NotWhole(f"{where}: {error}") from error
        if state != self.states[-1]:
            if state in self.states:
                raise NotWhole(f"{where}: an old state after a new one")
            self.states.append(state)
            inner = self.states[1:-1] if state == self.after else self.states[1:]
            if len(inner) > self.between:
                raise NotWhole(f"{where}: neither the old state nor the new one\n{difference(self.after, state)}")
        early, late = self.turn or (-1, kill.number + 1)
        if (kill.number <= early and state != self.before) or (kill.number >= late and state != self.after):
            raise NotWhole(f"{where}: the {'old' if state == self.before else 'new'} state; it is written after {early}")
        self.old += state == self.before
        self.new += state == self.after
        shutil.rmtree(kill.copy)


__all__ = ["Judge", "Kill", "NotWhole", "State", "difference", "look"]
