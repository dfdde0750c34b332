"""
Where files of a sink are written before they have their names. Everything here blocks.

``<sink>/+gitaly/begun/<random>`` is one server's, which holds a lock on it; whoever finds one that nobody holds removes it, with
all that a killed server left there. Several servers may share a sink.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from posixpath import join

from attrs import define, field

from ..storage.naming import INTERNAL

BEGUN = f"{INTERNAL}/begun"
"""The directory, relative to a sink."""


@define(eq=False)
class Drafts:
    """
    :param root: of the sink.
    """

    root: str
    _guard: threading.Lock = field(factory=threading.Lock, init=False)
    _directory: str = field(default="", init=False)
    _held: int = field(default=-1, init=False)

    def new(self) -> tuple[int, str]:
        """
        :returns: the descriptor and the path of a new file.
        """
        with self._guard:
            if self._held < 0 or not os.path.isdir(self._directory):
                self._begin()
            return tempfile.mkstemp(dir=self._directory)

    def close(self) -> None:
        """
        Let go of the directory. Safe to repeat.
        """
        with self._guard:
            if self._held >= 0:
                shutil.rmtree(self._directory, ignore_errors=True)
                os.close(self._held)
                self._held = -1

    def _begin(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        area = join(self.root, BEGUN)
        os.makedirs(area, mode=0o700, exist_ok=True)
        # It gets the name that others look at once it is held.
        directory = tempfile.mkdtemp(prefix=".", dir=area)
        descriptor = _locked(directory)
        if descriptor < 0:
            raise OSError("a new directory is locked")
        name = os.path.basename(directory)[1:]
        os.rename(directory, join(area, name))
        self._directory, self._held = join(area, name), descriptor
        for other in os.listdir(area):
            if other != name and not other.startswith("."):
                _sweep(join(area, other))


def _locked(directory: str) -> int:
    """
    :returns: a descriptor that holds the lock; -1 if somebody else does, or there is no such directory.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def _sweep(directory: str) -> None:
    descriptor = _locked(directory)
    if descriptor < 0:
        return
    try:
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)


__all__ = ["BEGUN", "Drafts"]
