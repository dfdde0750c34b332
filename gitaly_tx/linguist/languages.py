"""
How many bytes of a tree are in which language.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from attrs import evolve, frozen

from ..errors import Code, GitalyError
from ..git.attributes import TreeAttributes, info_attributes
from ..git.contents import Readable as Contents
from ..git.contents import contents
from ..git.interfaces import IGit, IObjects, ObjectInfo
from ..git.objectid import ObjectID
from ..git.parse.attributes import State
from ..git.peeling import peeled_id
from ..git.revisions import Readable as Revisions
from ..git.treewalk import TreeWalk
from .interfaces import BEGINNING, ILinguist, Language

_BATCH: Final = 256

_WHOLE: Final = 1 << 20
"""Bytes; of larger files only the beginning is read, by a git."""

_DOCUMENTATION: Final = b"linguist-documentation"
_VENDORED: Final = b"linguist-vendored"
_GENERATED: Final = b"linguist-generated"
_DETECTABLE: Final = b"linguist-detectable"
_LANGUAGE: Final = b"linguist-language"
_ATTRIBUTES: Final = (_DOCUMENTATION, _VENDORED, _GENERATED, _DETECTABLE, _LANGUAGE)

States = Mapping[bytes, State]


class Readable(Contents, Revisions, Protocol):
    """
    What is needed of a repository.
    """


@frozen
class _File:
    path: bytes
    oid: ObjectID
    states: States
    size: int = 0
    start: bytes | None = b""


class Languages:
    """
    Remembers by commit, so that a tree is walked once.

    :param git: for the beginnings of large files.
    :param maximum: how many trees are remembered.
    """

    def __init__(self, linguist: ILinguist, git: IGit, maximum: int = 512) -> None:
        self._linguist = linguist
        self._git = git
        self._maximum = maximum
        self._known: OrderedDict[tuple[str, ObjectID], tuple[tuple[Language, int], ...]] = OrderedDict()

    async def of(self, repository: Readable, commit: ObjectID) -> Sequence[tuple[Language, int]]:
        """
        :param commit: it, or a tree.
        :returns: languages with their bytes, the most first. What is documentation, somebody else's or generated is left out, and
            so is what is neither programming nor markup; attributes of the tree's files overrule that.
        :raises GitalyError: INTERNAL if there is no such tree, or it cannot be read; as :class:`ILinguist`.
        """
        key = (repository.directory.path, commit)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        tree = await repository.look(lambda objects: peeled_id(objects, commit, b"tree"))
        if tree is None:
            text = 'linguist object iterator: ls-tree pipeline command: exit status 128, stderr: "fatal: not a tree object\\n"'
            raise GitalyError(text, Code.INTERNAL)
        found = await self._count(repository, tree)
        self._known[key] = found
        while len(self._known) > self._maximum:
            self._known.popitem(last=False)
        return found

    async def _count(self, repository: Readable, tree: ObjectID) -> tuple[tuple[Language, int], ...]:
        walk, sizes, detectable = TreeWalk(tree), dict[str, int](), dict[str, int]()
        more = True
        while more:
            more, files = await repository.look(lambda objects: self._take(objects, repository, walk, tree))
            files = await self._read(repository, await self._kept(files))
            natures = await self._linguist.natures([(file.path, file.start or b"") for file in files])
            for file, nature in zip(files, natures, strict=True):
                if not file.size or _decided(file.states, _GENERATED, nature.generated):
                    continue
                given = file.states.get(_LANGUAGE)
                name = nature.language if given is None else _text(given)
                state = file.states.get(_DETECTABLE)
                if name and state is not False:
                    where = detectable if state is True else sizes
                    where[name] = where.get(name, 0) + file.size
        languages = await self._linguist.languages(sorted({*sizes, *detectable}))
        totals = [
            (language, detectable.get(language.name, 0) + (sizes.get(language.name, 0) if language.counted else 0))
            for language in languages
        ]
        return tuple(sorted((each for each in totals if each[1]), key=lambda each: (-each[1], each[0].name)))

    def _take(self, objects: IObjects, repository: Readable, walk: TreeWalk, tree: ObjectID) -> tuple[bool, list[_File]]:
        attributes = TreeAttributes(objects, tree, info_attributes(repository.directory))
        entries = walk.take(objects, _BATCH)
        files = [
            _File(path, entry.oid, attributes.look_up(path, _ATTRIBUTES))
            for path, entry in entries
            if not entry.is_tree and not entry.is_submodule
        ]
        return len(entries) == _BATCH, files

    async def _kept(self, files: list[_File]) -> list[_File]:
        """
        Those whose names do not exclude them.
        """
        places = await self._linguist.places([file.path for file in files])
        return [
            file
            for file, place in zip(files, places, strict=True)
            if not _decided(file.states, _DOCUMENTATION, place.documentation)
            and not _decided(file.states, _VENDORED, place.vendored)
        ]

    async def _read(self, repository: Readable, files: list[_File]) -> list[_File]:
        """
        The same with sizes and beginnings.
        """
        found = await repository.look(lambda objects: [_beginning(objects, file) for file in files])
        return [file if file.start is not None else await self._large(repository, file) for file in found]

    async def _large(self, repository: Readable, file: _File) -> _File:
        start = b""
        async with aclosing(contents(self._git, repository, ObjectInfo(file.oid, b"blob", file.size), BEGINNING)) as pieces:
            async for piece in pieces:
                start += piece
        return evolve(file, start=start)


def _beginning(objects: IObjects, file: _File) -> _File:
    info = objects.info(file.oid)
    if info is None:
        raise GitalyError("linguist object iterator: object not found", Code.INTERNAL, {"oid": str(file.oid)})
    if info.size > _WHOLE:
        return evolve(file, size=info.size, start=None)
    return evolve(file, size=info.size, start=objects.read(file.oid).data[:BEGINNING])


def _decided(states: States, name: bytes, otherwise: bool) -> bool:
    """
    What an attribute says, if it is set or unset; a value says nothing.
    """
    state = states.get(name)
    return state if isinstance(state, bool) else otherwise


def _text(state: State) -> str:
    """
    A language as git's check-attr prints it.
    """
    if isinstance(state, bytes):
        return state.decode("utf-8", "replace")
    return "set" if state else "unset"
