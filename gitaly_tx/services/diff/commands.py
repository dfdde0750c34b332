"""
git commands with arguments that callers sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.options import ConfigPair, Flag, Option, as_bytes
from ...storage.interfaces import IRepository

PLAIN: Final = tuple(map(Flag, ("--no-color", "--no-ext-diff", "--no-textconv")))
"""Options that keep a repository's config and attributes from running programs, and from colours."""

_AS_PARSED: Final = (*PLAIN, *map(Flag, ("--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short")))
_CONFIG: Final = (
    ConfigPair("core.quotePath", "true"),
    ConfigPair("diff.suppressBlankEmpty", "false"),
    # Two commits are read and none is looked for: opening the graph costs more than it saves.
    ConfigPair("core.commitGraph", "false"),
)


def command(
    name: str,
    options: Iterable[str | Option],
    arguments: Iterable[bytes | str],
    repository: IRepository,
    paths: Iterable[bytes] = (),
    config: Iterable[ConfigPair] = (),
) -> Command:
    """
    A git command with arguments that a caller sent.

    :param paths: patterns of paths, if it is to be narrowed to some.
    :raises GitalyError: INTERNAL ``cmd: …`` for an argument that git could take for an option.
    """
    narrowed = list(paths)
    try:
        return Command(
            name,
            options,
            [as_bytes(word) for word in arguments],
            after_separator=narrowed or None,
            config=config,
            directory=repository.directory,
        )
    except GitalyError as error:
        raise error.wrapped("cmd", Code.INTERNAL) from error


def diff(
    options: Iterable[str | Option], sides: Iterable[bytes | str], repository: IRepository, paths: Iterable[bytes] = ()
) -> Command:
    """
    A ``git diff`` that writes what the parsers here read, whatever a repository's config says.

    :raises GitalyError: as :func:`command`.
    """
    return command("diff", [*options, *_AS_PARSED], sides, repository, paths, _CONFIG)
