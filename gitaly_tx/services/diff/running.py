"""
A git child that a call of this service runs, and that never outlives it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager

from twisted.internet.defer import Deferred

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import Ended, IChild, IGit
from ...git.options import ConfigPair, Flag, Option, as_bytes
from ...storage.interfaces import IRepository
from ...streams import StreamBroken

PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv")
"""Options that keep a repository's config and attributes from running programs, and from colours."""

_AS_PARSED = (*PLAIN, "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short")
_CONFIG = (ConfigPair("core.quotePath", "true"), ConfigPair("diff.suppressBlankEmpty", "false"))


class Failed(GitalyError):
    """
    A git child ended badly.

    :param prefix: what Gitaly says before that, with the colon.
    """

    def __init__(self, ended: Ended, code: Code, prefix: str = "") -> None:
        super().__init__(f"{prefix}{ended}", code, {"stderr": ended.stderr.decode("utf-8", "replace")})


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
    given = [option if isinstance(option, Option) else Flag(option) for option in options]
    try:
        return Command(
            name,
            given,
            [as_bytes(word) for word in arguments],
            after_separator=narrowed or None,
            config=config,
            directory=repository.directory,
        )
    except GitalyError as error:
        raise error.wrapped("cmd", Code.INTERNAL) from error


def diff(options: Iterable[str], sides: Iterable[bytes | str], repository: IRepository, paths: Iterable[bytes] = ()) -> Command:
    """
    A ``git diff`` that writes what the parsers here read, whatever a repository's config says.

    :raises GitalyError: as :func:`command`.
    """
    return command("diff", [*options, *_AS_PARSED], sides, repository, paths, _CONFIG)


@contextmanager
def running(git: IGit, command: Command, stdin: Iterable[bytes] | AsyncGenerator[bytes, None] = ()) -> Iterator[IChild]:
    """
    Run a child for as long as the block lasts. It is killed if the block is left by an exception, by a cancellation, or before
    the child has ended.

    :param stdin: what it is given to read.
    """
    child = git.spawn(command)
    feeding = Deferred.fromCoroutine(_feed(child, stdin))
    # The exit status says whether it could read all.
    feeding.addErrback(lambda _: None)
    try:
        yield child
    finally:
        child.kill()
        feeding.cancel()


async def _feed(child: IChild, pieces: Iterable[bytes] | AsyncGenerator[bytes, None]) -> None:
    try:
        if isinstance(pieces, AsyncGenerator):
            async with aclosing(pieces):
                async for piece in pieces:
                    await child.stdin.write(piece)
        else:
            for piece in pieces:
                await child.stdin.write(piece)
    except StreamBroken:
        pass
    finally:
        child.close_stdin()
