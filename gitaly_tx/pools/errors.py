"""
What goes wrong with pools, in Gitaly's words.
"""

from __future__ import annotations

from ..errors import Code, GitalyError
from ..git.quoting import quoted


class NoPoolPath(GitalyError):
    """
    A path that no pool has.
    """

    def __init__(self, path: str) -> None:
        super().__init__("invalid object pool directory", Code.INVALID_ARGUMENT, {"relative_path": path})


class NoPool(GitalyError):
    """
    There is no repository at a pool's path.
    """

    def __init__(self, path: str) -> None:
        super().__init__("object pool is not a valid git repository", Code.FAILED_PRECONDITION, {"relative_path": path})


class CannotLink(GitalyError):
    """
    A repository cannot borrow from a pool: objects would be found twice, or never.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why, Code.INVALID_ARGUMENT)


class OtherAlternates(GitalyError):
    """
    A repository borrows from elsewhere already.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(f"unexpected alternates content: {quoted(content)}", Code.INTERNAL)


class AlternatesLocked(GitalyError):
    """
    Somebody else is about to change where a repository borrows from.
    """

    def __init__(self) -> None:
        super().__init__("committing alternates: file already locked", Code.INTERNAL)


class NotDisconnected(GitalyError):
    """
    A repository cannot do without its pool. It goes on borrowing.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why, Code.INTERNAL)


class PoolInMotion(GitalyError):
    """
    The pool changed as often as its objects were copied.
    """

    def __init__(self) -> None:
        super().__init__("object pool was changed meanwhile, try again", Code.ABORTED)
