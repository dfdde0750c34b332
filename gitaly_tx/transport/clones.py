"""
Repositories that are made of others: cloned beside, and put into their place as one write.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from posixpath import join

from attrs import frozen

from protocols.gitaly.shared_pb2 import Repository

from ..errors import GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..git.objectid import ObjectFormat, ObjectID
from ..git.options import ConfigPair
from ..storage.interfaces import IRepository, IStaging, IStorageProvider
from ..wal.threads import InThread
from .handed import NOTHING, Handed
from .remotefetch import RemoteFetch
from .remotes import RemoteFailed

DEFAULT = b"refs/heads/main"

_BRANCHES = b"refs/heads/"

_CREATING = "creating repository: "


@frozen
class Wish:
    """
    What is to be cloned.

    :param url: as git takes it.
    :param environment: how git gets there.
    :param mirror: take all refs, and not only branches and tags.
    :param branch: take only this one; its short name.
    :param checked: look at the objects as a push does.
    :param handed: what git is given, for a URL that names it.
    """

    url: str
    environment: Mapping[str, str]
    mirror: bool = False
    branch: bytes | None = None
    checked: bool = True
    handed: Handed = NOTHING


@frozen
class Contents:
    """
    What a repository that was made beside has, apart from its objects.

    :param head: the ref that its HEAD is a name for; ``None`` if it is none.
    """

    object_format: ObjectFormat
    refs: Mapping[bytes, ObjectID]
    head: bytes | None


@frozen
class Clones:
    """
    Makes repositories.
    """

    _storage: IStorageProvider
    _git: IGit
    _fetches: RemoteFetch
    _in_thread: InThread

    async def begin(self, message: Repository | None, doing: str) -> IStaging:
        """
        A place to make a repository in.

        :param doing: what stands before ``repository exists already``.
        :raises GitalyError: as :func:`gitaly_tx.storage.interfaces.IStorageProvider.prepare`.
        """
        try:
            return await self._storage.prepare(message)
        except GitalyError as error:
            if not error.message.startswith(_CREATING):
                raise
            raise unprefixed(error).wrapped(doing) from error

    async def clone(self, staging: IStaging, wish: Wish) -> GitDirectory:
        """
        Clone.

        :returns: where the clone is, below ``staging``.
        :raises RemoteFailed: if git fails.
        """
        path = join(staging.directory.path, "clone")
        options = ["--mirror" if wish.mirror else "--bare", "--quiet", "--template="]
        if wish.branch is not None:
            options += ["--no-tags", "--single-branch", f"--branch={os.fsdecode(wish.branch)}"]
        config = [ConfigPair("core.fsync", "none"), ConfigPair("init.defaultBranch", "master")]
        if not wish.checked:
            config.append(ConfigPair("fetch.fsckObjects", "false"))
        command = Command("clone", options, [wish.url, path], config=config)
        ended = await self._fetches.run(command, wish.environment, wish.handed)
        if ended.status != 0:
            raise RemoteFailed(ended.stderr, str(ended))
        return GitDirectory(path)

    async def contents(self, made: GitDirectory) -> Contents:
        """
        Ask git what a repository has.
        """
        output, _ = await self._git.run(Command("rev-parse", ["--show-object-format"], directory=made))
        head, ended = await self._git.run(Command("symbolic-ref", ["--quiet"], ["HEAD"], directory=made), check=False)
        refs = await self._fetches.refs_of(made)
        return Contents(ObjectFormat(output.decode().strip()), refs, head.removesuffix(b"\n") if ended.status == 0 else None)

    async def create(self, message: Repository | None, staging: IStaging, made: GitDirectory, contents: Contents) -> IRepository:
        """
        Give a repository that was made beside its name, with everything that is in it.

        :param staging: where it is; used up.
        :raises GitalyError: as :func:`gitaly_tx.storage.interfaces.IStorageProvider.create`, without ``creating repository``.
        """
        head = contents.head
        if head is None or not head.startswith(b"refs/"):
            head = await self._guessed(made, contents.refs)
        target = staging
        try:
            if contents.object_format is not ObjectFormat.SHA1:
                target = await self._storage.prepare(message, object_format=contents.object_format)
            await self._in_thread(_move_objects, made.objects, target.directory.objects)
            repository = await self._fetches.unasked.create(
                self._storage,
                message,
                object_format=contents.object_format,
                default_branch=head,
                staging=target,
                refs=contents.refs,
            )
        except GitalyError as error:
            raise unprefixed(error) from error
        finally:
            if target is not staging:
                await target.discard()
        self._fetches.packed(repository)
        return repository

    async def _guessed(self, made: GitDirectory, refs: Mapping[bytes, ObjectID]) -> bytes:
        """
        A branch for a HEAD that is none: one that is at the same commit.
        """
        output, ended = await self._git.run(Command("rev-parse", ["--verify", "--quiet"], ["HEAD"], directory=made), check=False)
        if ended.status != 0:
            return DEFAULT
        return branch_at(refs, ObjectID(output.strip())) or DEFAULT


def branch_at(refs: Mapping[bytes, ObjectID], oid: ObjectID) -> bytes | None:
    """
    The branch that HEAD is most likely a name for, if all that is known is its commit.
    """
    for name in (b"refs/heads/main", b"refs/heads/master"):
        if refs.get(name) == oid:
            return name
    return next((name for name in sorted(refs) if name.startswith(_BRANCHES) and refs[name] == oid), None)


def unprefixed(error: GitalyError) -> GitalyError:
    """
    An error of making a repository, without the words that it begins with.
    """
    return GitalyError(error.message.removeprefix(_CREATING), error.given_code, error.facts, error.details)


def _move_objects(source: str, target: str) -> None:
    shutil.rmtree(target)
    os.rename(source, target)


__all__ = ["Clones", "Contents", "Wish", "branch_at", "unprefixed"]
