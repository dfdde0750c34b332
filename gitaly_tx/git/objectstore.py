"""
Look-ups in the object databases of repositories, for many threads at once. Everything here blocks.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from binascii import unhexlify
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from attrs import frozen
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..warm import needs_disk, works_through
from . import looseobjects
from .alternates import object_directories
from .directory import GitDirectory
from .errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from .fileidentity import MISSING, FileIdentity, identify
from .interfaces import GitObject, IObjects, ObjectInfo
from .loosecache import LooseCache
from .objectid import ObjectID
from .packfile import ObjectCache, Pack, TooLarge
from .packindex import Damaged
from .tags import tagged

T = TypeVar("T")

_log = Logger()

_ATTEMPTS = 5

_LARGEST_TAG = 64 << 20

_LOOSE = 8
"""What part of the memory for contents loose objects have."""

_INDEX = re.compile(r"(pack-[0-9a-f]{40}(?:[0-9a-f]{24})?)\.idx\Z")


class OpenPacks:
    """
    Packs that are kept open, the ones used last. One that is dropped is closed once nobody reads from it any more.

    :param maximum: how many, over all repositories; each needs two descriptors.
    :param cache: for contents, shared by all.
    :param largest: bytes of the largest object that is put together.
    """

    def __init__(self, maximum: int, cache: ObjectCache, largest: int) -> None:
        self._maximum = maximum
        self._cache = cache
        self._largest = largest
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Pack] = OrderedDict()
        self._damaged: set[str] = set()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, path: str) -> Pack | None:
        """
        :param path: of the pack, without ``.pack``.
        :returns: ``None`` for a damaged one, which is logged once and counts as not there: others may have its objects.
        :raises FileNotFoundError: if it is gone.
        """
        found = self.opened(path)
        if found is not None:
            return found
        needs_disk()
        try:
            opened = Pack(path, self._cache, self._largest)
        except Damaged as error:
            if path not in self._damaged:
                self._damaged.add(path)
                _log.error("pack is damaged", path=path, error=str(error))
            return None
        with self._lock:
            found = self._open.setdefault(path, opened)
            while len(self._open) > self._maximum:
                self._open.popitem(last=False)
            return found

    def opened(self, path: str) -> Pack | None:
        """
        The same, if it is open.
        """
        with self._lock:
            found = self._open.get(path)
            if found is not None:
                self._open.move_to_end(path)
            return found

    def drop(self, paths: Sequence[str]) -> None:
        """
        Keep these open no longer.
        """
        with self._lock:
            for path in paths:
                self._open.pop(path, None)
                self._damaged.discard(path)


class PackList:
    """
    Which packs an object directory has. Read again when the directory has changed, and whenever somebody asks for it.

    :param path: the object directory.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.join(path, "pack")
        self._lock = threading.Lock()
        self._identity: FileIdentity = MISSING
        self._packs: tuple[str, ...] = ()

    def packs(self, packs: OpenPacks, again: bool = False) -> tuple[str, ...]:
        """
        The packs, without ``.pack``, the one where something was found last before the others.

        :param packs: where packs that have gone are dropped.
        :param again: read the directory even if it seems to be unchanged.
        """
        identity = identify(self._path)
        if not again and identity == self._identity and not self._identity.racy:
            return self._packs
        needs_disk()
        with self._lock:
            present = self._scan()
            gone = [path for path in self._packs if path not in present]
            self._packs = (*(path for path in self._packs if path in present), *sorted(present - set(self._packs)))
            self._identity = identity
        packs.drop(gone)
        return self._packs

    def found_in(self, path: str) -> None:
        """
        Remember that a pack is a good place to begin with.
        """
        if self._packs[:1] != (path,):
            with self._lock:
                self._packs = (path, *(other for other in self._packs if other != path))

    def _scan(self) -> set[str]:
        try:
            names = set(os.listdir(self._path))
        except (FileNotFoundError, NotADirectoryError):
            return set()
        found = filter(None, map(_INDEX.match, names))
        return {os.path.join(self._path, match[1]) for match in found if f"{match[1]}.pack" in names}


class ObjectStore:
    """
    Finds objects in packs, loose files and alternates, whatever else writes and repacks there at the same time.

    Safe to use from many threads: files are read by position, and each thing that is shared has a lock of its own, which is
    never held while the disk is read but for the scan of a directory.

    :param max_open_packs: over all repositories.
    :param max_bytes: of contents that are kept in memory, over all repositories.
    :param largest: bytes; a larger object is refused whatever the caller is ready to take.
    :param max_directories: how many object directories are remembered.
    """

    def __init__(
        self,
        *,
        max_open_packs: int = 256,
        max_bytes: int = 96 << 20,
        largest: int = 512 << 20,
        max_directories: int = 4096,
    ) -> None:
        self.cache = ObjectCache(max_bytes - max_bytes // _LOOSE)
        self.loose = LooseCache(max_bytes // _LOOSE)
        self.packs = OpenPacks(max_open_packs, self.cache, largest)
        self._largest = largest
        self._max_directories = max_directories
        self._lock = threading.Lock()
        self._lists: OrderedDict[str, PackList] = OrderedDict()

    def _list(self, path: str) -> PackList:
        with self._lock:
            found = self._lists.get(path)
            if found is None:
                found = self._lists[path] = PackList(path)
                while len(self._lists) > self._max_directories:
                    self._lists.popitem(last=False)
            else:
                self._lists.move_to_end(path)
            return found

    def read(self, directory: GitDirectory, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.read`.
        """
        return self._read(_View(self, directory), oid, maximum)

    def _read(self, view: _View, oid: ObjectID, maximum: int | None) -> GitObject:
        limit = self._largest if maximum is None else min(maximum, self._largest)
        kept = view.kept(oid)
        if kept is not None and len(kept[1]) <= limit:
            works_through(len(kept[1]))
            return GitObject(oid, *kept)

        def from_pack(pack: Pack, offset: int) -> tuple[bytes, bytes]:
            if maximum is not None and (size := pack.size(offset)) > limit:
                raise TooLarge(size)
            return pack.read(offset)

        def from_file(path: str) -> tuple[bytes, bytes] | None:
            found = looseobjects.read(path, oid, limit)
            if found is not None:
                self.loose.put(path, oid, *found)
            return found

        found = view.find(oid, from_pack, from_file)
        if found is None:
            raise ObjectNotFound(oid)
        works_through(len(found[1]))
        return GitObject(oid, *found)

    def info(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectInfo | None]:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.info`.
        """
        view = _View(self, directory)
        found = (self._info(view, oid) for oid in oids)
        return [None if info is None else ObjectInfo(oid, *info) for oid, info in zip(oids, found, strict=True)]

    def _info(self, view: _View, oid: ObjectID) -> tuple[bytes, int] | None:
        kept = view.kept(oid)
        if kept is not None:
            return kept[0], len(kept[1])
        return view.find(oid, Pack.info, lambda path: looseobjects.info(path, oid))

    def peel(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectID | None]:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.peel`.
        """
        view = _View(self, directory)
        return [self._peeled(view, oid) for oid in oids]

    def _peeled(self, view: _View, oid: ObjectID) -> ObjectID | None:
        peeled: ObjectID | None = None
        while (info := self._info(view, peeled or oid)) is not None and info[0] == b"tag":
            peeled = tagged(peeled or oid, self._read(view, peeled or oid, _LARGEST_TAG).data)
        return peeled

    def look(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.look`.
        """
        return job(_Objects(self, _View(self, directory)))

    def remember(self, directory: GitDirectory, objects: Iterable[GitObject]) -> None:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.remember`.
        """
        for each in objects:
            self.loose.put(directory.objects, each.oid, each.type, each.data)

    def forget(self, directory: GitDirectory) -> None:
        """
        As :func:`~gitaly_tx.git.interfaces.IObjectReader.forget`.
        """
        for path in (directory.objects, directory.object_directory):
            with self._lock:
                known = None if path is None else self._lists.pop(path, None)
            if known is not None:
                self.packs.drop(known._packs)

    def places(self, directory: GitDirectory, again: bool) -> list[tuple[str, PackList, tuple[str, ...]]]:
        """
        Where objects may be: object directories with their packs.

        :param again: read the directories even if they seem to be unchanged.
        """
        found = []
        for path in object_directories(directory):
            packs = self._list(path)
            found.append((path, packs, packs.packs(self.packs, again)))
        return found


@implementer(IObjects)
@frozen
class _Objects:
    _store: ObjectStore
    _view: _View

    def read(self, oid: ObjectID, maximum: int | None = None) -> GitObject:
        return self._store._read(self._view, oid, maximum)

    def info(self, oid: ObjectID) -> ObjectInfo | None:
        found = self._store._info(self._view, oid)
        return None if found is None else ObjectInfo(oid, *found)


class _View:
    """
    What one call knows of a repository's object directories.
    """

    def __init__(self, store: ObjectStore, directory: GitDirectory) -> None:
        self._store = store
        self._directory = directory
        self._places = store.places(directory, False)
        self._read_again = False

    def kept(self, oid: ObjectID) -> tuple[bytes, bytes] | None:
        """
        An object's type and content, if they are in memory: what is asked for most is found at a third of the price.
        """
        raw = unhexlify(oid)
        for path, _, names in self._places:
            for name in names:
                pack = self._store.packs.opened(name)
                if pack is not None and (found := pack.kept(raw)) is not None:
                    return found
            if (found := self._store.loose.get(path, oid)) is not None:
                return found
        return None

    def _refresh(self) -> None:
        self._places = self._store.places(self._directory, not self._read_again)
        self._read_again = True

    def find(
        self, oid: ObjectID, from_pack: Callable[[Pack, int], tuple[bytes, T]], from_file: Callable[[str], tuple[bytes, T] | None]
    ) -> tuple[bytes, T] | None:
        """
        The first copy of an object that can be read. That there is none is believed only after the directories of all packs were
        looked at again, because a repack may have moved it meanwhile; within one call they are read at the first such time, and
        then when they changed.

        :raises ObjectTooLarge: if it is larger than it may be.
        :raises ObjectCorrupt: if no copy can be read.
        :raises GitalyError: if the disk fails.
        """
        broken: Damaged | None = None
        for attempt in range(_ATTEMPTS):
            try:
                for found in self._copies(oid, from_pack, from_file):
                    if isinstance(found, Damaged):
                        broken = broken or found
                    else:
                        return found
                if attempt:
                    break
            except FileNotFoundError:
                pass  # a pack has gone since the directory was read
            except TooLarge as error:
                raise ObjectTooLarge(oid, error.size) from None
            except OSError as error:
                code = Code.RESOURCE_EXHAUSTED if error.errno in (errno.EMFILE, errno.ENFILE) else Code.UNAVAILABLE
                raise GitalyError("object database cannot be read", code, {"oid": str(oid), "error": str(error)}) from error
            self._refresh()
        if broken is not None:
            raise ObjectCorrupt(oid, str(broken))
        return None

    def _copies(
        self, oid: ObjectID, from_pack: Callable[[Pack, int], tuple[bytes, T]], from_file: Callable[[str], tuple[bytes, T] | None]
    ) -> Iterator[tuple[bytes, T] | Damaged]:
        raw = unhexlify(oid)
        for path, packs, names in self._places:
            for name in names:
                pack = self._store.packs.get(name)
                if pack is not None:
                    try:
                        offset = pack.find(raw)
                        if offset is not None:
                            packs.found_in(name)
                            yield from_pack(pack, offset)
                    except Damaged as error:
                        yield self._noted(oid, error)
            needs_disk()
            try:
                found = from_file(path)
                if found is not None:
                    yield found
            except Damaged as error:
                yield self._noted(oid, error)

    def _noted(self, oid: ObjectID, error: Damaged) -> Damaged:
        _log.error("object is damaged", oid=str(oid), path=self._directory.path, error=str(error))
        return error
