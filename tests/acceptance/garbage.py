"""
Objects that nothing refers to, and whether they go.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

from . import inspection


def _opened() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@define(eq=False)
class Gate:
    """
    Writers go through, any number at once, but for the time when somebody keeps it shut.
    """

    _open: asyncio.Event = field(factory=_opened, init=False)
    _empty: asyncio.Event = field(factory=_opened, init=False)
    _inside: int = field(default=0, init=False)

    @asynccontextmanager
    async def through(self) -> AsyncIterator[None]:
        """
        Wait until it is open, and be inside.
        """
        while not self._open.is_set():
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def shut(self) -> AsyncIterator[None]:
        """
        Let nobody in any more, and wait until nobody is inside.
        """
        self._open.clear()
        try:
            await self._empty.wait()
            yield
        finally:
            self._open.set()


def only_below(repository: Path, prefix: str) -> list[str]:
    """
    The objects that the refs below a prefix lead to, and no other ref.

    :param prefix: such as ``refs/heads/x/``.
    """
    listed = inspection.git(
        repository, "rev-list", "--objects", "--no-object-names", f"--glob={prefix}*", "--not", f"--exclude={prefix}*", "--all"
    )
    if listed.returncode:
        raise AssertionError(f"{repository}: {listed.stderr}")
    return listed.stdout.split()


def present(repository: Path, oids: Sequence[str]) -> list[str]:
    """
    Those of some objects that are there.
    """
    return [oid for oid in oids if inspection.git(repository, "cat-file", "-e", oid).returncode == 0]


def age(repository: Path, seconds: float) -> None:
    """
    Let all objects be as old as that. The server may be removing some of their files.
    """
    then = time.time() - seconds
    for folder, _, names in os.walk(repository / "objects"):
        for name in names:
            try:
                os.utime(os.path.join(folder, name), (then, then))
            except FileNotFoundError:
                continue
