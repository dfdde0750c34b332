"""
What git's children say on standard error, made fit for the client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..streams import IByteSink

_LONGEST = 4096
"""How long a line may be before its beginning is passed on without its end."""


def secrets_of(directory: GitDirectory) -> tuple[bytes, ...]:
    """
    The paths that git may name in its messages about a repository, and that are nobody's business.
    """
    paths = {directory.path, directory.object_directory or directory.objects, *directory.alternates}
    return tuple(sorted((path.encode("utf-8", "surrogateescape") for path in paths), key=len, reverse=True))


@implementer(IByteSink)
@define(eq=False)
class Messages:
    """
    Passes on what a child says, line by line, without the server's paths. The lines of progress, which end in a carriage return,
    count as lines. What is left when the child has ended is passed on by :func:`finish`.

    :param tell: where it goes; ``None`` for nowhere.
    :param secrets: what is cut out, longest first.
    :param input_ended: called when the child says (with a NUL, as ``--report-end-of-input`` makes it) that it needs no more
        input.
