"""
How long a start takes.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.gitclient import GitClient
from tests.support.server import Server

from .report import Figure, Target

REPOSITORIES = 1000
STARTS = 3


def ready(cache: Path) -> Iterator[Figure]:
    """
    From the start of twistd to readiness, with 1,000 repositories
    """
    folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-load-"))
    server = Server()
    try:
        git = GitClient(folder)
        work = git.repository("work")
        git.history(work, 20)
        git.run("clone", "-q", "--bare", str(work), "bare")
        for number in range(REPOSITORIES):
            shutil.copytree(folder / "bare", server.storage / f"team{number % 20}" / f"thing{number}.git")
        taken = []
        for _ in range(STARTS):
            began = time.monotonic()
            server.start()
            taken.append(time.monotonic() - began)
            git.run("ls-remote", server.http + "team0/thing0.git")
            server.stop()
    finally:
        server.dispose()
        shutil.rmtree(folder)
    what = f"{REPOSITORIES} repositories; median of {STARTS}, {min(taken):.2f} to {max(taken):.2f} s"
    yield Figure("start until ready", statistics.median(taken), None, "s", Target(2.0), what)
