"""
Fetches from elsewhere into a repository.

git does not get to see the repository's refs: it fetches in a scratch repository that has a copy of them, whose new objects are a
quarantine. What it makes of the copy (what is forwarded, forced, rejected, pruned, which tags come along) is what the write is
made of, so all of git's rules are git's own, and the write goes through the log as one transaction.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Container, Mapping, Sequence
from posixpath import dirname, join

from attrs import frozen

from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import Ended, IGit, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..git.options import ConfigPair
from ..git.packedrefs import UNPEELED_HEADER
from ..git.refchecks import in_the_way
from ..hooks.unasked import Unasked
from ..storage.interfaces import IRepository, IStaging
from ..wal.building import skeleton
from ..wal.interfaces import Creation, FileChange
from ..wal.threads import InThread
from .handed import NOTHING, Handed
from .remotes import NAME, Connection, RemoteFailed

SETTINGS = (
    # The log makes durable what is taken out of the scratch repository.
    ConfigPair("core.fsync", "none"),
    # Packs stay packs, however few objects are in them.
    ConfigPair("fetch.unpackLimit", "1"),
    ConfigPair("fetch.writeCommitGraph", "false"),
    ConfigPair("fetch.recurseSubmodules", "no"),
)
"""Settings of every fetch into something that is not a repository yet."""

_MAXIMUM = 1 << 30

REJECTED = 1
"""The exit status of a fetch of which some refs were not updated."""

_CONFLICT = re.compile(rb"exists; cannot create '|some local refs could not be updated")


@frozen
class Wanted:
    """
    What is to be fetched.

    :param refspecs: as git takes them.
    :param force: take what is no fast-forward.
    :param prune: delete what the refspecs lead to and the other side does not have.
    :param tags: take all tags, too.
    :param checked: look at the objects as a push does; not needed for what comes out of another Gitaly.
    :param without: refs of the repository that will go, and are in nobody's way any more.
    """

    refspecs: Sequence[str]
    force: bool = False
    prune: bool = False
    tags: bool = False
    checked: bool = True
    without: Container[bytes] = ()


@frozen
class Fetched:
    """
    What came of a fetch.

    :param updates: what is to be changed in the repository, with what was there before.
    :param ended: how git ended: well, or with :data:`REJECTED` if there are refs that it would not write.
    """

    updates: list[RefUpdate]
    ended: Ended


class NoRoomForRef(GitalyError):
    """
    A ref's name is the directory of another one.
    """

    def __init__(self) -> None:
        super().__init__("file directory conflict", Code.INTERNAL)


@frozen
class RemoteFetch:
    """
    Runs fetches.

    :param unasked: writes what was fetched.
    :param packed: told of a repository that got a new pack, so that somebody can see whether it has too many.
    """

    _git: IGit
    _in_thread: InThread
    unasked: Unasked
    packed: Callable[[IRepository], None]

    async def fetch(
        self,
        repository: IRepository,
        staging: IStaging,
        connection: Connection,
        wanted: Wanted,
        handed: Handed = NOTHING,
    ) -> list[RefUpdate]:
        """
        Fetch into a quarantine. Refs that would not be forwarded are left as they are.

        :param staging: gets the objects.
        :param handed: what git is given, for a URL that names it.
        :returns: what is to be changed in the repository, with what was there before.
        :raises RemoteFailed: if git fails.
        :raises NoRoomForRef: if two refs cannot be there at once.
        """
        fetched = await self.attempt(repository, staging, connection, wanted, handed)
        if fetched.ended.status and (stderr := fetched.ended.stderr):
            if _CONFLICT.search(stderr):
                raise NoRoomForRef
            raise RemoteFailed(stderr, str(fetched.ended))
        return fetched.updates

    async def attempt(
        self,
        repository: IRepository,
        staging: IStaging,
        connection: Connection,
        wanted: Wanted,
        handed: Handed = NOTHING,
    ) -> Fetched:
        """
        :meth:`fetch`, whatever became of single refs.

        :raises RemoteFailed: if git fails.
        """
        listed = await repository.refs()
        symbolic = {ref.name for ref in listed if ref.symbolic is not None}
        before = {ref.name: ref.target for ref in listed if ref.symbolic is None and ref.name not in wanted.without}
        scratch = await self._in_thread(_make_scratch, repository, staging, before)
        settings = [(f"remote.{NAME}.url", connection.url)]
        settings += [(f"remote.{NAME}.fetch", refspec) for refspec in wanted.refspecs]
        options = ["--quiet", "--no-write-fetch-head", "--tags" if wanted.tags else "--no-tags"]
        options += ["--force"] if wanted.force else []
        options += ["--prune"] if wanted.prune else ["--no-prune"]
        config = SETTINGS if wanted.checked else (*SETTINGS, ConfigPair("fetch.fsckObjects", "false"))
        command = Command("fetch", options, [NAME], directory=scratch, config=config)
        ended = await self.run(command, connection.with_settings(settings).environment, handed)
        if ended.status not in (0, REJECTED):
            raise RemoteFailed(ended.stderr, str(ended))
        after = await self.refs_of(scratch)
        return Fetched(_changes(before, after, symbolic, repository.object_format), ended)

    async def run(self, command: Command, environment: Mapping[str, str], handed: Handed = NOTHING) -> Ended:
        """
        Run a git that says nothing on standard output. It is gone when this ends, however it does.
        """
        child = self._git.spawn(command, environment=environment, descriptors=handed.numbers)
        handed.close()
        try:
            child.close_stdin()
            while await child.stdout.read():
                pass
            return await child.wait()
        finally:
            child.kill()
            await child.wait()

    async def refs_of(self, directory: GitDirectory) -> dict[bytes, ObjectID]:
        """
        The refs of a repository that git has made or changed.
        """
        command = Command("for-each-ref", ["--format=%(objectname) %(refname)"], directory=directory)
        output, _ = await self._git.run(command, maximum=_MAXIMUM)
        lines = (line.split(b" ", 1) for line in output.splitlines())
        return {name: ObjectID(oid) for oid, name in lines}

    async def commit(
        self,
        repository: IRepository,
        staging: IStaging,
        updates: Sequence[RefUpdate],
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
    ) -> None:
        """
        Write what was fetched: all at once, as a rule. Only if a ref must go before another can have its place, the deletions
        come first, on their own.

        :param head: the ref that HEAD shall be a name for.
        :param files: what is written beside.
        :raises GitalyError: INTERNAL, if a ref is not what it was any more; nothing of its batch is written then.
        """
        await self.unasked.carry(self._commit(repository, staging, updates, head, files))

    async def _commit(
        self,
        repository: IRepository,
        staging: IStaging,
        updates: Sequence[RefUpdate],
        head: bytes | None,
        files: Sequence[FileChange],
    ) -> None:
        deleting = [update for update in updates if update.new.is_zero]
        setting = [update for update in updates if not update.new.is_zero]
        batches: list[tuple[list[RefUpdate], str]] = [([*deleting, *setting], "update")]
        gone, made = {update.name for update in deleting}, {update.name for update in setting}
        if await self._in_thread(in_the_way, gone, made):
            batches = [(deleting, "prune"), (setting, "update")]
        for batch, kind in batches:
            last = kind == "update"
            outcome = (
                await self.unasked.commit(repository, batch, staging, head=head, files=files)
                if last
                else await self.unasked.commit(repository, batch)
            )
            for refused in outcome.refused.values():
                text = "reference is already locked" if refused.actual is None else "reference does not point to expected object"
                raise GitalyError(f"preparing reference {kind}: {text}", Code.INTERNAL, {"ref": refused.name})
        if setting:
            self.packed(repository)


def _changes(
    before: Mapping[bytes, ObjectID], after: Mapping[bytes, ObjectID], left: set[bytes], object_format: ObjectFormat
) -> list[RefUpdate]:
    """
    :param left: names that are left alone.
    """
    zero = object_format.zero
    names = [name for name in {**before, **after} if name not in left and before.get(name) != after.get(name)]
    return [RefUpdate(name, before.get(name, zero), after.get(name, zero)) for name in sorted(names)]


def _make_scratch(repository: IRepository, staging: IStaging, refs: Mapping[bytes, ObjectID]) -> GitDirectory:
    """
    Make the directory around a quarantine's object directory a repository with refs of its own.
    """
    quarantine = staging.directory
    assert quarantine.object_directory is not None
    root = dirname(quarantine.object_directory)
    skeleton(root, Creation(repository.object_format, b"refs/heads/main"))
    with open(join(root, "packed-refs"), "wb") as file:
        file.write(UNPEELED_HEADER)
        file.writelines(b"%s %s\n" % (oid, name) for name, oid in sorted(refs.items()))
    shallow = join(repository.directory.path, "shallow")
    if os.path.exists(shallow):
        shutil.copyfile(shallow, join(root, "shallow"))
    return GitDirectory(root, quarantine.object_directory, quarantine.alternates)


__all__ = ["REJECTED", "SETTINGS", "Fetched", "NoRoomForRef", "RemoteFetch", "Wanted"]
