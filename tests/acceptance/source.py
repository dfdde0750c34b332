"""
Commits to push: as many as one wants, each different from all others.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.gitclient import GitClient

SMALL, LARGE, WIDE = 8_000, 12, 6
"""How many commits there are of each kind."""

NOISE = 1_600_000
"""Bytes in a large commit: more than the log takes into itself."""

FILES = 400
"""Files in a wide commit."""


class Source:
    """
    A repository with one root commit and many children of it, so that any of them is a small push wherever the root is. Clients
    push from it at the same time; nobody changes it. The same seed makes the same commits.

    :param folder: made.
    """

    def __init__(self, folder: Path, seed: str) -> None:
        self.path = folder
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        client = GitClient(folder.parent)
        client.run("init", "-q", "--bare", "-b", "main", str(folder))
        marks = folder / "marks"
        client.run("fast-import", "--quiet", "--force", f"--export-marks={marks}", cwd=folder, stdin=b"".join(self._stream()))
        numbered = sorted((int(mark[1:]), oid) for mark, oid in (line.split() for line in marks.read_text().splitlines()))
        self._commits = [oid for _, oid in numbered]
        self.rewind()

    def rewind(self) -> None:
        """
        Begin anew with the first of each kind.
        """
        self._small = iter(self._commits[1 : 1 + SMALL])
        self._large = iter(self._commits[1 + SMALL : 1 + SMALL + LARGE])
        self._wide = iter(self._commits[1 + SMALL + LARGE :])

    @property
    def root(self) -> str:
        """
        The parent of all others.
        """
        return self._commits[0]

    def next(self, large: bool = False, wide: bool = False) -> str:
        """
        A commit that nobody had so far.

        :param large: with a file beyond what the log takes into itself, as long as there are such commits.
        :param wide: with many files, likewise.
        """
        with self._lock:
            found = next(self._large, None) if large else next(self._wide, None) if wide else None
            return found if found is not None else next(self._small)

    def remove(self) -> None:
        """
        It is no longer needed.
        """
        shutil.rmtree(self.path, ignore_errors=True)

    def _stream(self) -> Iterator[bytes]:
        yield self._commit(1, b"root", [(b"root", b"root\n")])
        for number in range(SMALL + LARGE + WIDE):
            if number < SMALL:
                files = [(b"file", b"state %d\n" % number)]
            elif number < SMALL + LARGE:
                files = [(b"large", self._random.randbytes(NOISE))]
            else:
                files = [(b"wide/%d" % i, b"file %d of %d\n" % (i, number)) for i in range(FILES)]
            yield self._commit(2 + number, b"child %d" % number, files, b"from :1\n")

    def _commit(self, mark: int, text: bytes, files: list[tuple[bytes, bytes]], parent: bytes = b"") -> bytes:
        head = b"commit refs/heads/last\nmark :%d\ncommitter alpha <alpha@example.invalid> %d +0000\ndata %d\n%s\n%s" % (
            mark, 1_700_000_000 + mark, len(text), text, parent,
        )  # fmt: skip
        return head + b"".join(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(data), data) for name, data in files)
