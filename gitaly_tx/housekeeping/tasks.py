"""
What housekeeping does to a repository.

Repacking never forgets an object, reachable or not, and never holds up a push for longer than it takes to make a few links:

1. ``git pack-objects`` makes one pack of everything that is in the chosen packs, and in the loose objects that there are at its
   beginning. It works in a staging directory, so a crash leaves nothing but what the next start sweeps away. Pushes go on
   meanwhile: what they add was not chosen and stays.
2. Its files are made durable.
3. When its turn in the write queue has come: they are linked into the repository, the directory is made durable, and only then
   the old packs are removed, index first, so that no reader finds an index without a pack. Who has a pack open keeps it; who
   knows its name only looks at the directory again, as git and dulwich do.
4. ``git prune-packed`` removes loose objects that are in a pack.

A log entry that is applied again after a crash may bring back a pack that was merged: nothing but its bytes is lost.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from posixpath import join

from attrs import field, frozen
from twisted.logger import Logger

from ..errors import Code, GitalyError
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.errors import GitCommandError
from ..git.interfaces import IGit
from ..storage.interfaces import IRepository
from ..wal.intents import Intents
from ..wal.threads import InThread
from .statistics import Pack, Statistics, loose_objects
from .strategy import Plan

_NEW = (".pack", ".rev", ".idx")
_OLD = (".idx", ".pack", ".rev", ".bitmap")
_FLAGS = ("--non-empty", "--delta-base-offset", "--quiet")

log = Logger()


@frozen
class Tasks:
    """
    Runs a plan.

    :param intents: by storage; where the locks that git makes are remembered, so that a crash leaves none for long.
    """

    _git: IGit
    _threads: InThread
    _intents: Mapping[str, Intents] = field(factory=dict)

    async def perform(self, repository: IRepository, statistics: Statistics, plan: Plan) -> None:
        """
        :param statistics: what the plan was made of.
        :raises GitalyError: if git failed, or the repository changed in a way that makes the plan wrong; nothing was lost then.
        """
        if plan.repack:
            kept = [pack for pack in statistics.packs if not pack.pinned and pack not in plan.merge]
            await self.repack(repository, plan.merge, kept)
        if plan.refs:
            await self.pack_refs(repository)

    async def repack(self, repository: IRepository, merge: Sequence[Pack], kept: Sequence[Pack]) -> None:
        """
        Make one pack of several, and of all loose objects.

        :param merge: the packs that are replaced.
        :param kept: packs that stay; what is in them is not written again.
        """
        staging = await repository.stage()
        admitted = False

        async def swapping() -> None:
            # Whoever waits for this may be cancelled meanwhile; the files must stay until it is done.
            nonlocal admitted
            admitted = True
            try:
                await self._threads(swap, built, target, name, merge, kept)
            finally:
                await staging.discard()

        try:
            built = join(staging.directory.object_directory or "", "pack")
            target = join(repository.directory.objects, "pack")
            name = await self._build(staging.directory, merge, kept)
            if name is not None:
                await self._threads(_fsync_pack, built, name)
            await repository.maintain(swapping)
        finally:
            if not admitted:
                await staging.discard()
        await self._git.run(Command("prune-packed", ["--quiet"], directory=repository.directory))

    async def _build(self, directory: GitDirectory, merge: Sequence[Pack], kept: Sequence[Pack]) -> str | None:
        """
        :param directory: the repository with the staging directory as its object directory: git makes its temporary files there.
        :returns: the new pack's name; ``None`` if all that it would hold is in kept packs.
        """
        lines = [f"{pack.name}.pack\n" for pack in merge] + [f"^{pack.name}.pack\n" for pack in kept]
        # git looks for loose objects in its object directory only, and that is the staging directory: so they get a pack first.
        loose = await self._threads(lambda: list(loose_objects(directory.objects)))
        if loose:
            try:
                passing = await self._pack(directory, (), "".join(f"{oid}\n" for oid in loose))
                lines += [] if passing is None else [f"{passing}.pack\n"]
            except GitCommandError:
                # One that is damaged must not keep the packs from being merged.
                log.failure("loose objects of {path!r} cannot be packed", path=directory.path)
        return await self._pack(directory, ("--stdin-packs",), "".join(lines))

    async def _pack(self, directory: GitDirectory, flags: Sequence[str], stdin: str) -> str | None:
        base = join(directory.object_directory or "", "pack", "pack")
        command = Command("pack-objects", [*flags, *_FLAGS], [base], directory=directory)
        output, _ = await self._git.run(command, stdin=stdin.encode("ascii"))
        digest = output.strip().decode("ascii")
        return f"pack-{digest}" if digest else None

    async def pack_refs(self, repository: IRepository) -> None:
        """
        Put all loose refs into ``packed-refs``, while no write is under way.
        """
        await repository.maintain(partial(self._pack_refs, repository))

    async def _pack_refs(self, repository: IRepository) -> None:
        intents = self._intents.get(repository.partition.storage)
        intent = None if intents is None else intents.new()
        locks = await self._threads(_locks_of_refs, repository.directory.path)
        try:
            if intent is not None:
                await self._threads(intent.announce, locks)
            await self._git.run(Command("pack-refs", ["--all", "--prune"], directory=repository.directory))
        finally:
            if intent is not None:
                await self._threads(intent.withdraw)


def swap(built: str, target: str, name: str | None, merged: Sequence[Pack], kept: Sequence[Pack]) -> None:
    """
    Let a new pack take the place of old ones; blocks.

    :param built: the directory where the new pack lies.
    :param target: the repository's directory of packs.
    :param name: the new pack; ``None`` if everything in the old ones is in kept ones.
    :param kept: packs that must still be there, because the new pack was made without what is in them.
    :raises GitalyError: ABORTED if they are not; the old packs stay.
    """
    if not all(os.path.exists(join(target, f"{pack.name}.idx")) for pack in kept):
        raise GitalyError("packs have changed", Code.ABORTED, {"directory": target})
    if name is not None:
        for suffix in _NEW:
            _link(join(built, name + suffix), join(target, name + suffix))
        _fsync(target)
    old = [pack.name for pack in merged if pack.name != name]
    if old:
        _forget_multi_pack_index(target)
    for stem in old:
        for suffix in _OLD:
            _unlink(join(target, stem + suffix))


def _locks_of_refs(path: str) -> list[str]:
    """
    The locks that git may make while it packs all refs.
    """
    packed = join(path, "packed-refs")
    if not os.path.lexists(f"{packed}.lock"):
        # Left behind by a crash; git would stop at it.
        _unlink(f"{packed}.new")
    loose = [join(directory, name) for directory, _, names in os.walk(join(path, "refs")) for name in names]
    return [f"{name}.lock" for name in (packed, *loose)]


def _forget_multi_pack_index(target: str) -> None:
    """
    An index over several packs must not name one that is gone. git reads the packs' own indices instead.
    """
    for name in sorted(os.listdir(target)):
        if name.startswith("multi-pack-index"):
            _unlink(join(target, name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        pass
    except FileNotFoundError:
        # An older git writes no ``.rev``; the two others were fsynced a moment ago, so they are there.
        if not source.endswith(".rev"):
            raise


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _fsync_pack(built: str, name: str) -> None:
    for suffix in _NEW:
        path = join(built, name + suffix)
        if suffix != ".rev" or os.path.exists(path):
            _fsync(path)


def _fsync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
