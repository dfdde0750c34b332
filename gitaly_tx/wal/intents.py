"""
Lock files that a crash leaves behind.

Before refs are locked, the names of the lock files are written into a small file, which is removed after the locks. Whatever such
files are there at start speak of locks whose owner is dead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from posixpath import join

from attrs import define, field, frozen
from twisted.logger import Logger
from zope.interface import implementer

from ..git.interfaces import IIntent
from .layout import Layout

log = Logger()

_ENDINGS = (".lock", "/packed-refs.new")


@implementer(IIntent)
@define(eq=False)
class Intent:
    """
    One writer's locks.
    """

    _layout: Layout
    _path: str | None = field(default=None, init=False)

    def announce(self, locks: Sequence[str]) -> None:
        """
        Remember lock files that are about to be made. No fsync: what survives is what the kernel had when the process died.

        :param locks: absolute.
        """
        if self._path is None:
            self._path = join(self._layout.intents, os.path.basename(self._layout.scratch("locks")))
        inside = self._layout.root + "/"
        names = [os.fsdecode(os.fsencode(lock)).removeprefix(inside) for lock in locks]
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, json.dumps(names).encode("ascii") + b"\n")
        finally:
            os.close(descriptor)

    def withdraw(self) -> None:
        """
        The locks are gone.
        """
        path, self._path = self._path, None
        if path is not None:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass


@frozen
class Intents:
    """
    All writers of one storage.
    """

    _layout: Layout

    def new(self) -> Intent:
        """
        For one write.
        """
        return Intent(self._layout)

    def sweep(self) -> int:
        """
        Remove the locks of the dead, at start. Blocks.

        :returns: how many lock files there were.
        """
        removed = 0
        for name in os.listdir(self._layout.intents):
            path = join(self._layout.intents, name)
            with open(path, "rb") as file:
                content = file.read()
            for lock in _named(content):
                removed += self._remove(lock)
            os.unlink(path)
        return removed

    def _remove(self, lock: str) -> int:
        if not lock.endswith(_ENDINGS) or lock.startswith("/") or ".." in lock.split("/"):
            return 0
        try:
            os.unlink(join(self._layout.root, lock))
        except (FileNotFoundError, NotADirectoryError):
            return 0
        return 1


def _named(content: bytes) -> list[str]:
    """
    The lock files named in an intent; of one that a crash cut short, as far as it goes.
    """
    found: list[str] = []
    for line in content.splitlines():
        try:
            found += [name for name in json.loads(line) if isinstance(name, str)]
        except (ValueError, TypeError):
            continue
    return found
