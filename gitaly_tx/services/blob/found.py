"""
Which blobs a repository has: those that can be reached from some revisions, and all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

from attrs import frozen

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit, ObjectInfo
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.parse.revlist import CHECK_FORMAT, parse_info, parse_object
from ...git.records import batches
from ...git.revlist import walked
from ...storage.interfaces import IRepository

_BLOBS_ONLY = ("--in-commit-order", "--objects", "--filter=object:type=blob", "--filter-provided-objects")


@frozen
class Found:
    """
    :param path: where it was met first; empty if that is not known.
    :param size: in bytes, if that is known.
    """

    oid: ObjectID
    path: bytes = b""
    size: int | None = None


def checked_revisions(given: Iterable[str]) -> list[bytes]:
    """
    The revisions of a request.

    :raises GitalyError: INVALID_ARGUMENT if there are none, or for one that is none.
    """
    revisions = [revision.encode("utf-8") for revision in given]
    if not revisions:
        raise GitalyError("missing revisions", Code.INVALID_ARGUMENT)
    for revision in revisions:
        try:
            validate_revision(revision, allow_path=True, allow_pseudo=True)
        except GitalyError as error:
            raise error.wrapped("invalid revision") from error
    return revisions


async def reachable(
    git: IGit, repository: IRepository, revisions: Sequence[bytes], *, with_paths: bool = False, below: int | None = None
) -> AsyncGenerator[list[Found], None]:
    """
    The blobs that a walk meets, each once, in the walk's order.

    :param below: only blobs of fewer bytes.
    :raises WalkFailed: if a revision does not resolve.
    """
    options = [*_BLOBS_ONLY, "--object-names" if with_paths else "--no-object-names"]
    if below is not None:
        options.append(f"--filter=blob:limit={below}")
    async with aclosing(walked(git, repository.directory, options, revisions)) as source:
        async for lines in source:
            yield [Found(*parse_object(line)) for line in lines]


async def every(git: IGit, repository: IRepository, up_to: int | None = None) -> AsyncGenerator[list[Found], None]:
    """
    All blobs of the repository, its alternates and its quarantine, whether anything refers to them or not.

    :param up_to: only blobs of at most so many bytes.
    :raises GitalyError: INTERNAL if git fails.
    """
    options = ["--batch-all-objects", f"--batch-check={CHECK_FORMAT}", "--buffer", "--unordered"]
    child = git.spawn(Command("cat-file", options, directory=repository.directory), stdin=False)
    try:
        async with aclosing(batches(child)) as source:
            async for lines in source:
                infos = map(parse_info, lines)
                some = [Found(info.oid, b"", info.size) for info in infos if _wanted(info, up_to)]
                if some:
                    yield some
        ended = await child.wait()
    finally:
        child.kill()
    if ended.status:
        raise GitalyError(f"cat-file: {ended}", Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})


def _wanted(info: ObjectInfo, up_to: int | None) -> bool:
    return info.type == b"blob" and (up_to is None or info.size <= up_to)
