"""
A large repository, the same each time: something that a clone takes a while for.

Its history is a line with a side branch merged every 50 commits; refs are branches and annotated tags along it; some commits
carry a mebibyte of noise. One pack with a bitmap, a commit-graph, packed refs: what a server that is looked after has.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from attrs import define, field, frozen

MIB = 1 << 20
EPOCH = 1_600_000_000
VERSION = 1
"""Goes into the cache's names: another history gets another number."""


@frozen
class Shape:
    """
    What the repository is like.

    :param commits: how many there are in all, merges included.
    :param refs: half of them branches, half annotated tags.
    :param noise: mebibytes that do not compress.
    """

    commits: int = 60_000
    refs: int = 1_000
    noise: int = 300

    @property
    def name(self) -> str:
        """
        A directory's name that no other shape has.
        """
        return f"big-{VERSION}-{self.commits}-{self.refs}-{self.noise}.git"


def cached(folder: Path, shape: Shape) -> Path:
    """
    The repository in a cache folder; made if it is not there, which takes about a minute.
    """
    target = folder / shape.name
    if not target.exists():
        making = folder / (shape.name + f".{os.getpid()}")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            make(making, shape)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return target


def make(path: Path, shape: Shape) -> None:
    """
    Write the repository to a new directory.
    """
    _git(path.parent, "init", "-q", "--bare", "-b", "main", str(path))
    child = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE, env=environment())
    assert child.stdin is not None
    History(child.stdin, shape).write()
    child.stdin.close()
    if child.wait():
        raise AssertionError(f"fast-import failed in {path}")
    _git(path, "-c", "repack.writeBitmaps=true", "repack", "-a", "-d", "-q")
    _git(path, "commit-graph", "write", "--reachable", "--no-progress")
    _git(path, "pack-refs", "--all")


def link(repository: Path, target: Path) -> None:
    """
    Let a second directory have the same repository: packs are hard links where that is possible.
    """

    def one(source: str, copy: str) -> str:
        if source.endswith((".pack", ".idx", ".bitmap", ".rev", ".graph")):
            try:
                os.link(source, copy)
                return copy
            except OSError:
                pass
        return shutil.copy2(source, copy)

    shutil.copytree(repository, target, copy_function=one)


def pack_size(repository: Path) -> int:
    """
    Bytes of all packs: what a clone transfers, within a percent.
    """
    return sum(pack.stat().st_size for pack in repository.glob("objects/pack/*.pack"))


def environment() -> dict[str, str]:
    """
    Nothing of the caller's git configuration.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=environment(), check=True)


def incompressible(path: Path, mebibytes: int) -> Path:
    """
    A new bare repository whose branch ``main`` is so large, in files of 8 MiB of noise; not the same each time.
    """
    _git(path.parent, "init", "-q", "--bare", "-b", "main", str(path))
    for key, value in (("core.compression", "0"), ("pack.window", "0")):  # nobody shall try to make noise smaller
        _git(path, "config", key, value)
    child = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--depth=0"],
        cwd=path, stdin=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(b"commit refs/heads/main\ncommitter alpha <alpha@example.invalid> 1700000000 +0000\ndata 5\nnoise\n")
    for number in range(mebibytes // 8):
        child.stdin.write(b"M 100644 inline noise%03d.bin\ndata %d\n" % (number, 8 << 20))
        shutil.copyfileobj(Noise(8 << 20), child.stdin, 1 << 20)
        child.stdin.write(b"\n")
    child.stdin.close()
    if child.wait():
        raise AssertionError("fast-import failed")
    return path


class Noise:
    """
    A file of random bytes.
    """

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        """
        Some more of it.
        """
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return os.urandom(size)


@define
class History:
    """
    The fast-import stream.
    """

    _to: IO[bytes]
    _shape: Shape
    _rng: random.Random = field(factory=lambda: random.Random(20_24), init=False)
    _mark: int = field(default=0, init=False)
    _when: int = field(default=EPOCH, init=False)

    def write(self) -> None:
        """
        All of it.
        """
        paths = [f"src/part{i // 40:02}/unit{i:04}.txt" for i in range(1_600)] + [f"note{i:03}.md" for i in range(200)]
        line = [self._commit(b"main", b"begin\n", [(path, self._text(path, 0)) for path in paths], ())]
        every = max(2, self._shape.commits // max(1, self._shape.noise + 1))
        noise = 0
        while self._mark < self._shape.commits:
            number = len(line)
            path = self._rng.choice(paths)
            changes = [(path, self._text(path, number))]
            if noise < self._shape.noise and number % every == 0:
                changes.append((f"noise/{noise % 16:02}.bin", self._rng.randbytes(MIB)))
                noise += 1
            subject = b"change %s, step %d\n\nA sentence about it that is not very long.\n" % (path.encode(), number)
            if number % 50 == 0 and number > 20 and self._mark + 2 <= self._shape.commits:
                side = self._commit(b"side", subject, changes, (line[-20],))
                line.append(self._commit(b"main", b"merge side\n", (), (line[-1], side)))
            else:
                line.append(self._commit(b"main", subject, changes, (line[-1],)))
        self._refs(line)

    def _refs(self, line: Sequence[int]) -> None:
        half = self._shape.refs // 2
        step = max(1, len(line) // max(1, half))
        for number, mark in enumerate(line[::step][:half]):
            who = b"alpha <alpha@example.invalid> %d +0000" % (EPOCH + number)
            self._to.write(b"reset refs/heads/topic/%04d\nfrom :%d\n\n" % (number, mark))
            self._to.write(b"tag v%d\nfrom :%d\ntagger %s\n" % (number, mark, who) + _data(b"release %d\n" % number))

    def _text(self, path: str, number: int) -> bytes:
        changed = number % 40
        return b"".join(b"%s: line %d, state %d\n" % (path.encode(), i, number if i == changed else 0) for i in range(40))

    def _commit(self, ref: bytes, text: bytes, changes: Sequence[tuple[str, bytes]], parents: Sequence[int]) -> int:
        self._mark += 1
        self._when += 30 + self._rng.randrange(600)
        who = b"author%d <author%d@example.invalid> %d +0000" % (self._mark % 41, self._mark % 41, self._when)
        parts = [b"commit refs/heads/%s\nmark :%d\nauthor %s\ncommitter %s\n" % (ref, self._mark, who, who), _data(text)]
        parts += [b"%s :%d\n" % (word, parent) for word, parent in zip((b"from", b"merge"), parents, strict=False)]
        for path, content in changes:
            parts += [b"M 100644 inline %s\n" % path.encode(), _data(content)]
        self._to.write(b"".join(parts))
        return self._mark


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
