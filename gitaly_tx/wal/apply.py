"""
Entries made visible.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from posixpath import dirname, join

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..git.interfaces import IRefs
from ..observability.failpoints import failpoint
from .building import (
    change_files,
    delete_tree,
    drop_sources,
    furnish,
    pack_refs,
    parents,
    paths_of_creation,
    place_files,
    place_repository,
    skeleton,
    throw_away,
)
from .interfaces import Creation, Entry, IApplier, Manifest, MoveRefs, Partition, RepositoryVanished
from .layout import Layout, is_directory, sync_existing
from .threads import InThread

log = Logger()

Initialise = Callable[[str, Creation], Awaitable[None]]


async def only_files(path: str, creation: Creation) -> None:
    """
    For those who have no git that knows other formats.

    :raises NotImplementedError: always.
    """
    raise NotImplementedError(creation.backend)


@implementer(IApplier)
@define(eq=False)
class Applier:
    """
    Changes the repositories of one storage.

    What readers can notice comes in the manifest's order: nothing refers to what is not there yet. A new repository is there with
    all that its entry says, or not at all.

    :param initialise: makes an empty repository at a path, for other formats of refs than files.
    """

    _layout: Layout
    _refs: IRefs
    _in_thread: InThread
    _initialise: Initialise = only_files

    async def apply(self, entry: Entry, move_refs: MoveRefs | None = None) -> None:
        """
        Do everything that the entry says.
        """
        manifest = entry.manifest
        directory = self.directory(manifest.partition)
        failpoint("apply.before")
        if manifest.remove:
            await self._remove(directory)
            return
        if manifest.create is not None:
            whole = await self._create(directory, manifest, manifest.create)
            failpoint("apply.after_create")
            if whole:
                return
        place = partial(self._place, entry, directory)
        moves = bool(manifest.refs) or manifest.head is not None
        if not moves or move_refs is None or not await move_refs(place):
            await self._in_thread(place)
            if moves:
                await self._force(directory, manifest)
        if moves:
            failpoint("apply.after_refs")

    async def persist(self, entries: Sequence[Entry]) -> None:
        """
        Sync what is still there of what they touched, each file once.
        """
        touched: dict[str, None] = {}
        names: dict[Partition, dict[bytes, None]] = {}
        for entry in entries:
            touched.update(dict.fromkeys(self._paths(entry)))
            named = names.setdefault(entry.manifest.partition, {})
            named.update(dict.fromkeys(update.name for update in entry.manifest.refs))
            if entry.manifest.head is not None:
                named[b"HEAD"] = None
        await self._in_thread(sync_existing, touched)
        for partition, refs in names.items():
            directory = self.directory(partition)
            there = await self._in_thread(is_directory, directory.path)
            if refs and there:
                await self._refs.fsync(directory, list(refs))

    def directory(self, partition: Partition) -> GitDirectory:
        """
        Where a partition's repository lies.
        """
        return GitDirectory(self._layout.repository(partition.path))

    def delete_in_background(self, path: str) -> Deferred[None]:
        """
        Delete what was thrown away; the next start takes care of what is left.
        """
        return self._in_thread(delete_tree, path).addErrback(
            lambda failure: log.failure("cannot delete {path!r}", failure, path=path)
        )

    async def _force(self, directory: GitDirectory, manifest: Manifest) -> None:
        if manifest.refs:
            await self._refs.force(directory, manifest.refs)
        if manifest.head is not None:
            await self._refs.set_head(directory, manifest.head)

    async def _create(self, directory: GitDirectory, manifest: Manifest, creation: Creation) -> bool:
        """
        Make a repository, aside, with everything that its entry brings along, and give it its name.

        :returns: whether that is done; otherwise there is one, perhaps the remains of it after a loss of power, and the rest of
            the entry is to be applied to it.
        """
        files = creation.backend == "files"
        if await self._in_thread(is_directory, directory.path):
            if files:
                await self._in_thread(skeleton, directory.path, creation)
            return False
        made = self._layout.scratch("repository")
        try:
            await (self._in_thread(skeleton, made, creation) if files else self._initialise(made, creation))
            await self._in_thread(furnish, self._layout, made, manifest)
            failpoint("apply.before_refs")
            if manifest.refs and files:
                await self._in_thread(pack_refs, made, manifest.refs)
            elif manifest.refs:
                await self._refs.force(GitDirectory(made), manifest.refs)
            failpoint("apply.after_refs")
            if manifest.head is not None:
                await self._refs.set_head(GitDirectory(made), manifest.head)
            placed = await self._in_thread(place_repository, made, directory.path)
        except BaseException:
            await self._in_thread(delete_tree, made)
            raise
        if placed:
            await self._in_thread(drop_sources, self._layout, manifest.staged)
        return placed

    def _place(self, entry: Entry, directory: GitDirectory) -> None:
        manifest = entry.manifest
        if not os.path.isdir(directory.path):
            raise RepositoryVanished(manifest.partition)
        if manifest.files:
            change_files(self._layout, directory.path, manifest.files)
            failpoint("apply.after_files")
        if manifest.staged:
            place_files(self._layout, directory.path, manifest.staged)
            failpoint("apply.after_staged")
        failpoint("apply.before_refs")

    async def _remove(self, directory: GitDirectory) -> None:
        thrown = await self._in_thread(throw_away, self._layout, directory.path)
        failpoint("apply.after_remove")
        if thrown is not None:
            self.delete_in_background(thrown)

    def _paths(self, entry: Entry) -> Iterator[str]:
        manifest = entry.manifest
        repository = self._layout.repository(manifest.partition.path)
        if manifest.remove:
            yield from parents(self._layout.root, repository)
            yield self._layout.trash
            return
        if manifest.create is not None:
            yield from paths_of_creation(self._layout.root, repository)
        for path in (*(change.path for change in manifest.files), *(file.path for file in manifest.staged)):
            yield join(repository, path)
            above = dirname(path)
            while above:
                yield join(repository, above)
                above = dirname(above)
            yield repository
