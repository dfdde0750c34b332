"""
Start-up: what was committed and may not be visible is made visible.

Other programs write the same repositories with a git of their own, so recovery looks before it moves a ref. Each ref had a chain
of values: what it was before the first entry that may be missing, and what each entry made of it. If it now has one of these but
the last, it gets the last. If it has another value, somebody else moved it after us, and it is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from posixpath import join

from attrs import define, evolve, frozen
from twisted.logger import Logger

from ..errors import GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import IGit, IRefs, RefUpdate
from ..git.newobjects import tip_lines, walk_new
from ..git.objectid import ObjectID
from ..observability.failpoints import failpoint
from .apply import Applier
from .interfaces import Entry, Partition, RepositoryVanished
from .layout import is_directory
from .log import Log
from .staged import StagedFiles
from .threads import InThread

log = Logger()

IsComplete = Callable[[GitDirectory, Sequence[ObjectID]], Awaitable[bool]]


@frozen
class Chain:
    """
    What a ref was, entry by entry.

    :param name: the ref.
    :param values: the first is what it was before; ``None`` for "nobody knows". The last is what it shall be. The zero id stands
        for "does not exist".
    :param follow: as the last entry says (:class:`~gitaly_tx.git.interfaces.RefUpdate`).
    """

    name: bytes
    values: tuple[ObjectID | None, ...]
    follow: bool = True

    @property
    def target(self) -> ObjectID:
        """
        What the ref shall be.
        """
        last = self.values[-1]
        assert last is not None
        return last

    def decides(self, current: ObjectID) -> bool:
        """
        Whether a ref that has this value is behind us, and not ahead.
        """
        return None in self.values or current in self.values


def chains(entries: Sequence[Entry]) -> list[Chain]:
    """
    The chains of all refs that the entries name; deletions first, so that a name that was in the way is gone.

    :param entries: of one partition, oldest first.
    """
    found: dict[bytes, Chain] = {}
    for entry in entries:
        for update in entry.manifest.refs:
            known = found.get(update.name)
            values = (update.old,) if known is None else known.values
            found[update.name] = Chain(update.name, (*values, update.new), update.follow)
    return sorted(found.values(), key=lambda chain: not chain.target.is_zero)


@define(eq=False)
class Recovery:
    """
    Replays entries. All of it is safe to repeat, and to be killed in the middle.

    :param is_complete: whether a repository has everything that some objects refer to.
    """

    _log: Log
    _applier: Applier
    _staged: StagedFiles
    _refs: IRefs
    _in_thread: InThread
    _is_complete: IsComplete

    async def replay(self, entries: Sequence[Entry]) -> dict[Partition, list[Entry]]:
        """
        Apply what :meth:`~.log.Log.start` returned.

        :returns: the partitions for which it could not be done now, because of the disk, with their entries; to be tried again.
        """
        by_partition: dict[Partition, list[Entry]] = {}
        for entry in entries:
            by_partition.setdefault(entry.manifest.partition, []).append(entry)
        left: dict[Partition, list[Entry]] = {}
        for partition, own in by_partition.items():
            try:
                await self.replay_partition(own)
            except (GitalyError, OSError):
                log.failure("entries of {partition} cannot be applied now", partition=str(partition))
                left[partition] = own
        return left

    async def replay_partition(self, entries: Sequence[Entry]) -> None:
        """
        Apply the entries of one partition. If a file that one of them needs is lost, that one and all after it are not applied,
        and the partition takes no more writes.
        """
        good = await self._with_their_files(entries)
        if not good:
            return
        partition = good[0].manifest.partition
        try:
            for entry in good:
                # Refs in one go afterwards: readers never see one move through values that it has long left behind.
                await self._applier.apply(evolve(entry, manifest=evolve(entry.manifest, refs=())))
            await self._settle_refs(self._applier.directory(partition), chains(good))
        except RepositoryVanished:
            log.warn("{partition} was removed by somebody else: nothing to replay", partition=str(partition))
        self._log.applied(good[-1])
        for entry in entries:
            # What a removed repository would have needed.
            await self._in_thread(self._staged.release, entry.manifest)

    async def _with_their_files(self, entries: Sequence[Entry]) -> list[Entry]:
        if entries[-1].manifest.remove:
            return [entries[-1]]  # Whatever it was, it is to be gone.
        good: list[Entry] = []
        for at, entry in enumerate(entries):
            partition = entry.manifest.partition
            directory = self._applier.directory(partition)
            lost = await self._in_thread(self._staged.missing, directory.path, entry.manifest.staged)
            if not lost:
                good.append(entry)
                continue
            gone = entry.manifest.create is None and not await self._in_thread(is_directory, directory.path)
            targets = [update.new for update in entry.manifest.refs if not update.new.is_zero]
            if gone or await self._is_complete(directory, targets):
                # Its objects are there in other files: somebody has repacked since.
                kept = tuple(file for file in entry.manifest.staged if file not in lost)
                good.append(evolve(entry, manifest=evolve(entry.manifest, staged=kept)))
                continue
            names = ", ".join(file.path for file in lost)
            await self._log.refuse(partition, f"entry {entry.head.lsn}: missing or changed: {names}")
            for useless in entries[at:]:
                await self._in_thread(self._staged.preserve, useless.manifest.staged)
            break
        return good

    async def _settle_refs(self, directory: GitDirectory, found: Sequence[Chain]) -> None:
        updates = []
        for chain in found:
            current = await self._refs.read(directory, chain.name)
            zero = chain.target.format.zero
            value = zero if current is None else current.target
            if value == chain.target and current is not None:
                continue
            broken = current is None and await self._in_thread(os.path.isfile, _loose(directory, chain.name))
            if broken or chain.decides(value):
                if value != chain.target or broken:
                    updates.append(RefUpdate(chain.name, None, chain.target, chain.follow))
            else:
                log.warn(
                    "{ref} of {path} is {actual}, and the log says {logged}: somebody else moved it, so it stays",
                    ref=chain.name.decode("utf-8", "replace"),
                    path=directory.path,
                    actual=str(value),
                    logged=str(chain.target),
                )
        if updates:
            failpoint("apply.before_refs")
            await self._refs.force(directory, updates)
            failpoint("apply.after_refs")


def completeness(git: IGit) -> IsComplete:
    """
    Ask git whether it can walk everything that is not reachable from the refs yet.
    """

    async def is_complete(directory: GitDirectory, oids: Sequence[ObjectID]) -> bool:
        _, ended = await git.run(walk_new(directory), stdin=tip_lines(oids), check=False)
        return ended.status == 0

    return is_complete


def _loose(directory: GitDirectory, name: bytes) -> bytes:
    return os.fsencode(join(directory.path, "")) + name
