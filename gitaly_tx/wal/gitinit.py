"""
Empty repositories in formats that only git knows how to make.
"""

from __future__ import annotations

from ..git.command import Command
from ..git.interfaces import IGit
from .apply import Initialise
from .interfaces import Creation


def by_git(git: IGit) -> Initialise:
    """
    ``git init``, for :class:`~.apply.Applier`.
    """

    async def initialise(path: str, creation: Creation) -> None:
        options = [
            "--bare",
            "--quiet",
            "--template=",
            f"--object-format={creation.object_format.value}",
            f"--ref-format={creation.backend}",
        ]
        await git.run(Command("init", options, [path]))
        head = Command("symbolic-ref", (), [b"HEAD", creation.head], environment={"GIT_DIR": path})
        await git.run(head)

    return initialise
