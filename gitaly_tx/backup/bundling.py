"""
Bundles of a repository as it was at one moment.

git works in a scratch repository, whose refs are a list that was made before and whose objects are the repository's: nothing that
becomes of refs meanwhile matters to it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from posixpath import join

from ..errors import Code, GitalyError
from ..git.attending import ended_or_killed, feeding
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..git.objectid import ObjectFormat
from ..git.options import Flag, Option, StandardOutput
from ..git.packedrefs import UNPEELED_HEADER
from ..wal.building import skeleton
from ..wal.interfaces import Creation
from .refsfile import Refs

NO_HEAD = b"refs/heads/main"
"""What HEAD is a name for in a repository that is empty and says nothing of it."""


class NothingNew(Exception):
    """
    There would be nothing in a bundle.
    """


class BundleFailed(GitalyError):
    """
    git could not make a bundle.
    """

    def __init__(self, ended: str, stderr: bytes) -> None:
        facts = {"stderr": stderr.decode("utf-8", "replace")}
        super().__init__(f"write bundle: create bundle: {ended}", Code.INTERNAL, facts)


def make_view(repository: GitDirectory, root: str, object_format: ObjectFormat, refs: Refs, head: bytes | None) -> GitDirectory:
    """
    Make a scratch repository. Blocking.

    :param root: an empty directory.
    :param head: the ref that HEAD is a name for; ``None`` if it is none.
    :raises GitalyError: FAILED_PRECONDITION if the history is cut: no bundle of it would be whole.
    """
    if os.path.exists(join(repository.path, "shallow")):
        raise GitalyError("write bundle: history is not complete", Code.FAILED_PRECONDITION)
    skeleton(root, Creation(object_format, head or NO_HEAD))
    if head is None and refs.head is not None:
        with open(join(root, "HEAD"), "wb") as file:
            file.write(refs.head + b"\n")
    write_refs(root, refs)
    return GitDirectory(root, repository.object_directory or repository.objects, repository.alternates)


def write_refs(root: str, refs: Refs) -> None:
    """
    Give a scratch repository these refs instead of those that it has. Blocking.
    """
    with open(join(root, "packed-refs"), "wb") as file:
        file.write(UNPEELED_HEADER)
        file.writelines(b"%s %s\n" % (oid, name) for name, oid in sorted(refs.names.items()))


async def write_bundle(git: IGit, view: GitDirectory, descriptor: int, words: Sequence[str], stdin: bytes = b"") -> None:
    """
    Let git write a bundle into a file. Nothing of it passes through this process.

    :param words: what is to be in it, as ``git rev-list`` takes it.
    :raises NothingNew: if that is nothing; something may have been written all the same.
    :raises BundleFailed: for all else.
    """
    options: list[Option] = [Flag("--quiet"), StandardOutput(), *map(Flag, words)]
    command = Command("bundle", options, action="create", directory=view)
    child = git.spawn(command, stdout=descriptor, stdin=bool(stdin))
    fed = feeding(child, stdin) if stdin else None
    try:
        ended = await ended_or_killed(child)
    finally:
        if fed is not None:
            fed.cancel()
    if ended.status != 0:
        if b"Refusing to create empty bundle" in ended.stderr:
            raise NothingNew
        raise BundleFailed(str(ended), ended.stderr)


def without(known: Refs) -> bytes:
    """
    What tells git to leave out all that these lead to. Blocking.
    """
    ids = {*known.names.values(), *([] if known.head is None else [known.head])}
    return b"".join(b"^%s\n" % oid for oid in sorted(ids))


__all__ = ["NO_HEAD", "BundleFailed", "NothingNew", "make_view", "without", "write_bundle", "write_refs"]
