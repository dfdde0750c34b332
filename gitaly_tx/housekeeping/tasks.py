"""
What housekeeping does to a repository.

Nothing that takes long is done in the repository itself, and no push waits for more than a few links:

1. A view of the repository is made in a staging directory: its refs of one moment, and the same objects under other names. git
   repacks, prunes and writes its indices there. A crash leaves nothing but what the next start sweeps away. Pushes go on
   meanwhile: what they add is not in the view and stays.
2. When its turn in the write queue has come, what became of the view is brought back: new files get their names, durably, and
   then those that git removed go. Who has a pack open keeps it; who knows its name only looks at the directory again, as git and
   dulwich do.

If git was to drop objects that nothing refers to, the turn must find the refs as they were, and nobody preparing a write:
otherwise somebody may be about to refer to them. Then it is done once more, and in the end without dropping anything. Writes that
looked at the objects before they were dropped are refused.

A log entry that is applied again after a crash may bring back a pack that was merged: nothing but its bytes is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from posixpath import join
from time import monotonic

from attrs import evolve, field, frozen
from twisted.logger import Logger

from ..errors import Code, GitalyError
from ..git.alternates import object_directories, read_alternates
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.errors import GitCommandError
from ..git.interfaces import IGit
from ..observability.failpoints import failpoint
from ..storage.interfaces import IRepository, IStaging, ITurn
from ..wal.intents import Intents
from ..wal.threads import InThread
from . import view
from .statistics import FULL_REPACK, packs_in
from .strategy import Graph, Plan, Repack

ATTEMPTS = 3
"""How often something is dropped at most if others write meanwhile."""

LONG = 60.0
"""Seconds after which an attempt that was in vain is not made again, unless somebody insists."""

_OPTIMIZING = ("could not prune", "could not repack", "could not write commit-graph")
_PRUNING = ("pruning objects", "repacking objects", "rewriting commit-graph")

_REPACK = ["-d", "-l", "-n", "-q", "--no-write-bitmap-index"]
_INCREMENTAL = ("--pack-loose-unreachable", "--local", "--incremental", "--unpacked", "--non-empty", "--all", "--reflog")

_NO_HEAD = b"refs/heads/main"

log = Logger()


class StillWritten(GitalyError):
    """
    There was no moment to drop objects in.
    """

    def __init__(self) -> None:
        super().__init__("repository is written to all the time, try again", Code.ABORTED)


@frozen
class Tasks:
    """
    Runs a plan.

    :param intents: by storage; where the locks that git makes are remembered, so that a crash leaves none for long.
    :param now: a clock in seconds.
    """

    _git: IGit
    _threads: InThread
    _intents: Mapping[str, Intents] = field(factory=dict)
    _now: Callable[[], float] = monotonic

    async def perform(self, repository: IRepository, plan: Plan, insist: bool = False) -> None:
        """
        :param insist: if nothing can be dropped because others write all the time, that is an error.
        :raises GitalyError: if git failed, or the repository changed in a way that makes the plan wrong; nothing was lost then.
        """
        if plan.expire is not None and await self._threads(view.has_other_roots, repository.directory.path):
            # They are not in a view: what only they refer to would be dropped.
            if insist:
                raise GitalyError("repository has work trees", Code.FAILED_PRECONDITION)
            plan = evolve(plan, expire=None, prune=False)
        if plan.rebuilds and not await self._rebuild(repository, plan, insist):
            if insist:
                raise StillWritten()
            graph = Graph.NONE if plan.graph is Graph.NONE else Graph.REPLACE
            gentle = evolve(plan, expire=None, prune=False, graph=graph)
            await _Rebuilding(self._git, self._threads, repository, gentle).run()
        if plan.refs:
            await self.pack_refs(repository)

    async def _rebuild(self, repository: IRepository, plan: Plan, insist: bool) -> bool:
        for _ in range(ATTEMPTS):
            began = self._now()
            if await _Rebuilding(self._git, self._threads, repository, plan, insist).run():
                return True
            if self._now() - began > LONG and not insist:
                break
        return False

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
            with _told("could not pack refs"):
                await self._git.run(Command("pack-refs", ["--all", "--prune"], directory=repository.directory))
            failpoint("housekeeping.after_pack_refs")
        finally:
            if intent is not None:
                await self._threads(intent.withdraw)


@frozen
class _Rebuilding:
    """
    One view, from its making to its end.
    """

    _git: IGit
    _threads: InThread
    _repository: IRepository
    _plan: Plan
    _insist: bool = False

    async def run(self) -> bool:
        """
        :returns: whether it is done; ``False`` if others wrote meanwhile and objects were to be dropped, or if the repository
            borrows from elsewhere now.
        """
        before = await self._refs()
        lenders = await self._lenders()
        staging = await self._repository.stage()
        admitted = False

        async def swapping(turn: ITurn) -> bool:
            # Whoever waits for this may be cancelled meanwhile; the files must stay until it is done.
            nonlocal admitted
            admitted = True
            try:
                # What was not packed because it is borrowed must be lent still.
                return await self._lenders() == lenders and await self._swap(turn, staging, before, files)
            finally:
                await staging.discard()

        try:
            files = await self._build(_objects(staging), before)
            return await self._repository.turn(swapping)
        finally:
            if not admitted:
                await staging.discard()

    async def _lenders(self) -> tuple[str, ...]:
        return await self._threads(read_alternates, self._repository.directory.objects)

    async def _refs(self) -> view.Refs:
        head = await self._repository.head()
        if head is None:
            detached = await self._repository.ref(b"HEAD")
            head = _NO_HEAD if detached is None else bytes(detached.target)
        names = tuple((reference.name, reference.target) for reference in await self._repository.refs())
        return view.Refs(self._repository.object_format, names, head)

    async def _build(self, objects: str, refs: view.Refs) -> view.Changes:
        directory = GitDirectory(os.path.dirname(objects))
        before = await self._threads(view.make, self._repository.directory.path, directory.path, refs)
        words = _PRUNING if self._insist else _OPTIMIZING
        if self._plan.prune:
            with _told(words[0]):
                await self._git.run(Command("prune", [self._expiry("--expire")], directory=directory))
        with _told(words[1]):
            await self._repack(directory, objects)
        if self._plan.graph is not Graph.NONE:
            split = "--split=replace" if self._plan.graph is Graph.REPLACE else "--split"
            options = ["--reachable", "--changed-paths", split, "--size-multiple=4", "--no-progress"]
            with _told(words[2]):
                await self._git.run(Command("commit-graph", options, action="write", directory=directory))
        return view.changes(before, await self._threads(view.inodes, objects))

    async def _repack(self, directory: GitDirectory, objects: str) -> None:
        plan = self._plan
        if plan.repack is Repack.NONE:
            return
        if plan.repack is Repack.LOOSE:
            base = join(objects, "pack", "pack")
            flags = [*_INCREMENTAL, "--delta-base-offset", "--quiet"]
            await self._git.run(Command("pack-objects", flags, [base], directory=directory))
            await self._git.run(Command("prune-packed", ["--quiet"], directory=directory))
            return
        if plan.repack is Repack.GEOMETRIC:
            alone = await self._threads(_left_alone, objects)
            await self._threads(view.protect, objects, alone)
            await self._git.run(Command("repack", ["--geometric=2", *_REPACK], directory=directory))
            await self._threads(view.unprotect, objects, alone)
        else:
            kind = ["-a", "-k"] if plan.keep else ["--cruft"]
            if plan.expire is not None:
                kind.append(self._expiry("--cruft-expiration"))
            await self._git.run(Command("repack", [*kind, "--pack-kept-objects", *_REPACK], directory=directory))
        if await self._threads(view.has_packs, objects):
            await self._index(directory)

    async def _index(self, directory: GitDirectory) -> None:
        command = Command("multi-pack-index", ["--no-progress"], action="write", directory=directory)
        if self._plan.bitmap:
            try:
                await self._git.run(evolve(command, options=[*command.options, "--bitmap"]))
                return
            except GitCommandError as error:
                # It needs every object that a commit in the packs refers to in the packs, too.
                log.info("no bitmap for {path!r}: {stderr}", path=directory.path, stderr=error.facts.get("stderr"))
        await self._git.run(command)

    async def _swap(self, turn: ITurn, staging: IStaging, before: view.Refs, found: view.Changes) -> bool:
        drops = self._plan.expire is not None
        if drops and not (turn.quiet(staging) and await self._refs() == before):
            return False
        try:
            await self._threads(view.swap, _objects(staging), self._repository.directory.objects, found)
        finally:
            if drops:
                turn.pruned()
        if self._plan.repack is Repack.FULL:
            await self._threads(_touch, join(self._repository.directory.path, FULL_REPACK))
        return True

    def _expiry(self, option: str) -> str:
        return f"{option}=@{int(self._plan.expire or 0)} +0000"


def _objects(staging: IStaging) -> str:
    return staging.directory.object_directory or staging.directory.objects


def _left_alone(objects: str) -> list[str]:
    """
    Packs that a geometric repack must not see. git before 2.41 may take a pack of what nothing refers to for any other, and
    forget how old its objects are; and it stops at a pack that is there twice, here and where objects are borrowed.
    """
    lent = {pack.name for lender in object_directories(GitDirectory(os.path.dirname(objects)))[1:] for pack in packs_in(lender)}
    return [pack.name for pack in packs_in(objects) if pack.cruft or pack.name in lent]


@contextmanager
def _told(what: str) -> Iterator[None]:
    """
    Say which step it was that failed.
    """
    try:
        yield
    except GitalyError as error:
        raise error.wrapped(what, Code.INTERNAL) from error


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


def _touch(path: str) -> None:
    with open(path, "ab"):
        os.utime(path)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
