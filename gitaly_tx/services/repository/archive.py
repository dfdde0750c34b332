"""
A tree as an archive.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

from attrs import frozen

from protocols.gitaly.repository_pb2 import GetArchiveRequest, GetArchiveResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit, IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.options import ConfigPair, Flag, ValueFlag
from ...git.peeling import below
from ...git.quoting import quoted
from ...git.records import pieces
from ...git.revisions import find
from ...storage.interfaces import IRepository, IStorageProvider
from ...transport.smudging import Smudging
from ...wal.threads import InThread
from ..chunked import chunked
from ..validate import given, opened
from .bzip2 import bzip2
from .treepaths import cleaned

_FORMATS = {
    GetArchiveRequest.ZIP: b"zip",
    GetArchiveRequest.TAR: b"tar",
    GetArchiveRequest.TAR_GZ: b"tar.gz",
    # git makes none; it is compressed here.
    GetArchiveRequest.TAR_BZ2: b"tar",
}

_EMPTY_TREES = (
    b"4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    b"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
)

_OWN_GZIP = ConfigPair("tar.tar.gz.command", "git archive gzip")
"""git's name for its own gzip: what a repository's config says is not run."""


@frozen
class Selection:
    """
    What of a tree goes into an archive.

    :param path: ``.`` for everything.
    :param excludes: below it.
    """

    path: bytes
    excludes: tuple[bytes, ...]

    def elided(self) -> Selection:
        """
        The same, with the excludes relative to the path.

        :raises GitalyError: INVALID_ARGUMENT for one that is not below it; so ``.`` goes with none.
        """
        start = self.path + b"/"
        for exclude in self.excludes:
            if not exclude.startswith(start):
                text = f"invalid exclude: {quoted(exclude)} is not a subdirectory of {quoted(self.path)}"
                raise GitalyError(text, Code.INVALID_ARGUMENT)
        return Selection(self.path, tuple(exclude[len(start) :] for exclude in self.excludes))

    def pathspecs(self, elide: bool) -> list[bytes]:
        """
        What stands after ``--``. Paths are names here and not patterns.
        """
        found = [] if elide else [b":(literal)" + self.path]
        return found + [b":(exclude,literal)" + exclude for exclude in self.excludes]


@frozen
class ArchiveMeans:
    """
    What this works with.

    :param in_thread: where is compressed what git does not.
    :param smudging: puts files in the place of LFS pointers.
    """

    storage: IStorageProvider
    git: IGit
    in_thread: InThread
    smudging: Smudging


async def get_archive(means: ArchiveMeans, request: GetArchiveRequest) -> AsyncGenerator[GetArchiveResponse, None]:
    """
    ``git archive`` of a revision, or of a path in it, piece by piece.

    A prefix that leads upwards is refused, where Gitaly hands the caller an archive that writes outside of where it is unpacked.

    :raises GitalyError: INVALID_ARGUMENT and FAILED_PRECONDITION for paths, revisions and formats that cannot be; INTERNAL
        ``exit status 128`` if git fails, perhaps after some data.
    """
    repository = await opened(means.storage, given(request))
    selection = Selection(cleaned(request.path), tuple(map(cleaned, request.exclude)))
    _validate(request)
    commit = request.commit_id.encode("utf-8", "surrogateescape")
    await _check_paths(means.git, repository, commit, selection)
    treeish = commit
    if request.elide_path:
        selection = selection.elided()
        if selection.path != b".":
            treeish += b":" + selection.path
    async with AsyncExitStack() as stack:
        config = [_OWN_GZIP]
        if request.include_lfs_blobs:
            config += await stack.enter_async_context(means.smudging.configured(request.repository.gl_repository))
        archive = _archived(means, repository, request, selection, treeish, config)
        async for data in await stack.enter_async_context(aclosing(archive)):
            for chunk in chunked(data):
                yield GetArchiveResponse(data=chunk)


async def _archived(
    means: ArchiveMeans,
    repository: IRepository,
    request: GetArchiveRequest,
    selection: Selection,
    treeish: bytes,
    config: Sequence[ConfigPair],
) -> AsyncGenerator[bytes, None]:
    """
    :raises GitalyError: INTERNAL ``exit status 128`` if git fails, perhaps after some data.
    """
    command = Command(
        "archive",
        [Flag(b"--format=" + _FORMATS[request.format]), ValueFlag(b"--prefix", request.prefix.encode("utf-8") + b"/")],
        [treeish],
        after_separator=selection.pathspecs(request.elide_path),
        config=config,
        directory=repository.directory,
    )
    child = means.git.spawn(command, stdin=False)
    output = pieces(child)
    if request.format == GetArchiveRequest.TAR_BZ2:
        output = bzip2(means.in_thread, output)
    async with aclosing(output):
        async for data in output:
            yield data
    ended = await child.wait()
    if ended.status != 0:
        raise GitalyError(str(ended), Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})


def _validate(request: GetArchiveRequest) -> None:
    try:
        validate_revision(request.commit_id.encode("utf-8", "surrogateescape"))
    except GitalyError as error:
        raise GitalyError(f"invalid commitId: {error.message}", Code.INVALID_ARGUMENT, error.facts) from error
    if request.format not in _FORMATS:
        raise GitalyError("invalid format", Code.INVALID_ARGUMENT)
    if "\0" in request.prefix or ".." in request.prefix.replace("\\", "/").split("/"):
        raise GitalyError("invalid prefix", Code.INVALID_ARGUMENT)


async def _check_paths(git: IGit, repository: IRepository, commit: bytes, selection: Selection) -> None:
    found = await find(git, repository, commit, b"tree")
    if found is None:
        if selection.path == b".":
            raise GitalyError("object not found", Code.INTERNAL)
        raise GitalyError("path doesn't exist", Code.FAILED_PRECONDITION)
    tree = found.oid

    def missing(objects: IObjects) -> str | None:
        if not _there(objects, tree, selection.path):
            return "path doesn't exist"
        for index, exclude in enumerate(selection.excludes):
            if not _there(objects, tree, exclude):
                return f"exclude[{index}] doesn't exist"
        return None

    wrong = await repository.look(missing)
    if wrong is not None:
        raise GitalyError(wrong, Code.FAILED_PRECONDITION)


def _there(objects: IObjects, tree: ObjectID, path: bytes) -> bool:
    if path == b".":
        return tree not in _EMPTY_TREES
    return below(objects, tree, path) is not None
