"""
A git child that a call runs, and that never outlives it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager

from twisted.internet.defer import Deferred

from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.interfaces import Ended, IChild, IGit
from ..streams import StreamBroken


class Failed(GitalyError):
    """
    A git child ended badly.

    :param prefix: what Gitaly says before that, with the colon.
    """

    def __init__(self, ended: Ended, code: Code, prefix: str = "") -> None:
        super().__init__(f"{prefix}{ended}", code, {"stderr": ended.stderr.decode("utf-8", "replace")})


@contextmanager
def running(git: IGit, command: Command, stdin: Iterable[bytes] | AsyncGenerator[bytes, None] | None = ()) -> Iterator[IChild]:
    """
    Run a child for as long as the block lasts. It is killed if the block is left by an exception, by a cancellation, or before
    the child has ended.

    :param stdin: what it is given to read; ``None`` if that is done in the block.
    """
    fed = stdin != ()
    child = git.spawn(command, stdin=fed)
    feeding: Deferred[None] | None = None
    if fed and stdin is not None:
        feeding = Deferred.fromCoroutine(_feed(child, stdin))
        # The exit status says whether it could read all.
        feeding.addErrback(lambda _: None)
    try:
        yield child
    finally:
        child.kill()
        if feeding is not None:
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
