"""
Which attributes paths have in a tree, found out in this process.

git's ``check-attr`` can only be asked about a tree since 2.40, and would be one more child for each question.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import join

from .directory import GitDirectory
from .errors import ObjectNotFound
from .interfaces import IObjects
from .objectid import ObjectID
from .parse.attributes import LARGEST_FILE, Assignment, Macro, Rule, State, parse, parse_file
from .peeling import below

NAME = b".gitattributes"

LARGEST_BLOB = 4 << 20
"""Bytes; a larger file is passed over, as git would have to read it for every question."""

_BUILT_IN = (Macro(b"binary", (Assignment(b"diff", False), Assignment(b"merge", False), Assignment(b"text", False))),)

Lines = Sequence[Rule | Macro]


class TreeAttributes:
    """
    The attributes files of a tree. It blocks: for use within :func:`~gitaly_tx.git.interfaces.IObjectReader.look`. Each file is
    read once, when a path first needs it.

    :param objects: where the tree is.
    :param tree: the tree's id.
    :param info: the lines of the repository's ``info/attributes``, which win over all others.
    """

    def __init__(self, objects: IObjects, tree: ObjectID, info: Lines = ()) -> None:
        self._objects = objects
        self._tree = tree
        self._info = info
        self._files: dict[bytes, Lines] = {}
        self._macros: dict[bytes, Macro] | None = None

    def look_up(self, path: bytes, names: Iterable[bytes]) -> dict[bytes, State]:
        """
        :param path: relative to the tree's root; it need not exist. With a slash at its end it is a directory's.
        :returns: the attributes that the path has; those that are unspecified are left out.
        """
        wanted = set(names)
        states: dict[bytes, State] = {}
        macros = self._all_macros()
        for base, lines in self._stack(path):
            for line in reversed(lines):
                if isinstance(line, Rule) and line.match(path, base):
                    _assign(states, line.assignments, macros)
            if wanted <= states.keys():
                break
        return {name: state for name in wanted if (state := states.get(name)) is not None}

    def _stack(self, path: bytes) -> Iterator[tuple[bytes, Lines]]:
        """
        The files that say something of a path, with the directories they stand in: what wins comes first.
        """
        yield b"", self._info
        directory = path.rstrip(b"/").rpartition(b"/")[0]
        while directory:
            yield directory, self._file(directory)
            directory = directory.rpartition(b"/")[0]
        yield b"", self._file(b"")

    def _all_macros(self) -> Mapping[bytes, Macro]:
        if self._macros is None:
            lines = (*_BUILT_IN, *self._file(b""), *self._info)
            self._macros = {line.name: line for line in lines if isinstance(line, Macro)}
        return self._macros

    def _file(self, directory: bytes) -> Lines:
        lines = self._files.get(directory)
        if lines is None:
            self._files[directory] = lines = tuple(self._read(directory))
        return lines

    def _read(self, directory: bytes) -> Iterator[Rule | Macro]:
        entry = below(self._objects, self._tree, b"/".join((directory, NAME)) if directory else NAME)
        if entry is None or entry.type != b"blob":
            return iter(())
        try:
            info = self._objects.info(entry.oid)
            if info is None or info.size > LARGEST_BLOB:
                return iter(())
            return parse(self._objects.read(entry.oid).data, macros=not directory)
        except ObjectNotFound:
            return iter(())


def info_attributes(directory: GitDirectory) -> Lines:
    """
    The lines of ``info/attributes``; none if there is no such file. It blocks.
    """
    try:
        with open(join(directory.path, "info", "attributes"), "rb") as file:
            if os.fstat(file.fileno()).st_size >= LARGEST_FILE:
                return ()
            return tuple(parse_file(file.read()))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _assign(states: dict[bytes, State], assignments: Sequence[Assignment], macros: Mapping[bytes, Macro]) -> None:
    """
    Take over what is not decided yet, the last first; what a macro stands for comes right after it.
    """
    for assignment in reversed(assignments):
        if assignment.name in states:
            continue
        states[assignment.name] = assignment.state
        if assignment.state is True and assignment.name in macros:
            _assign(states, macros[assignment.name].assignments, macros)
