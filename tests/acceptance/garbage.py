"""
Objects that nothing refers to, and whether they go.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

from . import inspection

DIGEST = 20
"""Bytes of SHA-1."""


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
            path = Path(folder, name)
            try:
                if path.suffix == ".mtimes":
                    _age_each(path, int(then))
                os.utime(path, (then, then))
            except FileNotFoundError:
                continue


def _age_each(path: Path, then: int) -> None:
    """
    A pack of what nothing refers to says how old each object is (gitformat-pack(5)): behind 12 bytes, and before the checksums of
    the pack and of the file itself.
    """
    content = path.read_bytes()
    ages, ending = content[12 : -2 * DIGEST], content[-2 * DIGEST : -DIGEST]
    changed = content[:12] + then.to_bytes(4, "big") * (len(ages) // 4) + ending
    aside = path.with_name(f".{path.name}")
    aside.write_bytes(changed + hashlib.sha1(changed).digest())
    aside.replace(path)
