"""
A parsed TOML table becomes an instance of its class, and every mistake on the way is noted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
from attrs import define

from .kinds import Key, TableKind, Wrong, keys
from .lines import KeyPath
from .problems import Findings, dotted

T = TypeVar("T", bound=attrs.AttrsInstance)


@define
class Reader:
    """
    :param base: the directory that relative paths start from.
    :param findings: where problems are noted.
    :param top: the class of the whole file, to tell a misplaced key from an unknown one.
    :ivar given: every key that the file gives.
    :ivar unused: those that do not act here, as people write them.
    """

    base: str
    findings: Findings
    top: type[attrs.AttrsInstance]
    given: set[KeyPath] = attrs.field(factory=set)
    unused: list[str] = attrs.field(factory=list)

    def read(self, cls: type[T], table: Mapping[str, Any], at: KeyPath = ()) -> T:
        """
        Read a table. A key whose value is wrong keeps its default, so that reading goes on to the next mistake.
        """
        known = keys(cls)
        values: dict[str, Any] = {}
        for name, value in table.items():
            path = (*at, name)
            if name not in known:
                self._unknown(path, name, list(known))
                continue
            self.given.add(path)
            attribute, meaning = known[name]
            self._note_unused(path, meaning)
            try:
                values[attribute.name] = self._value(value, meaning, path)
            except Wrong as wrong:
                self.findings.error(path, wrong.what, wrong.cure)
        return cls(**values)

    def _value(self, value: Any, meaning: Key, path: KeyPath) -> Any:
        kind = meaning.kind
        if not isinstance(kind, TableKind):
            return kind.read(value, self.base)
        name = dotted(tuple(part for part in path if isinstance(part, str)))
        if not kind.array:
            if not isinstance(value, Mapping):
                raise Wrong("it is a table", f"write [{name}] on a line of its own, and its keys below")
            return self.read(kind.cls, value, path)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise Wrong("there can be several of it", f"write [[{name}]] with two brackets")
        return tuple(self.read(kind.cls, item, (*path, index)) for index, item in enumerate(value))

    def _note_unused(self, path: KeyPath, meaning: Key) -> None:
        name = dotted(tuple(part for part in path if isinstance(part, str)))
        if not meaning.used and name not in self.unused and not any(name.startswith(f"{one}.") for one in self.unused):
            self.unused.append(name)

    def _unknown(self, path: KeyPath, name: str, known: list[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        if near:
            cure = f"did you mean {near[0]}?"
        elif len(path) > 1 and name in keys(self.top):
            cure = "did you mean the key of that name at the top? Put it above the first [table]"
        else:
            homes = [table for table, (_, key) in keys(self.top).items() if _holds(key, name)] if len(path) == 1 else []
            cure = f"did you mean {homes[0]}.{name}?" if homes else "remove it, or look it up in etc/gitaly.toml.example"
        self.findings.warning(path, "there is no such key", cure)


def _holds(meaning: Key, name: str) -> bool:
    return isinstance(meaning.kind, TableKind) and name in keys(meaning.kind.cls)


__all__ = ["Reader"]
