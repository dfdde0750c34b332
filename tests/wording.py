"""
Where this server says something in other words than the recorded Gitaly: what may differ, and why.

``wording.toml`` beside this is the list. An entry is about one method, or about all (``*``), and about texts that match two
patterns, in which ``*`` stands for anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.method import Operation

LIST = Path(__file__).with_name("wording.toml")


@frozen
class Difference:
    """
    One message that is not as recorded.

    :param method: ``Service/Method``.
    """

    method: str
    theirs: str
    ours: str


@frozen
class Exemption:
    """
    What may differ.

    :param why: in a sentence.
    """

    method: str
    theirs: str
    ours: str
    why: str

    def covers(self, difference: Difference) -> bool:
        """
        Whether a difference is of this kind.
        """
        mine, found = (self.method, self.theirs, self.ours), (difference.method, difference.theirs, difference.ours)
        return all(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern, text in zip(mine, found, strict=True))


def listed(path: Path = LIST) -> tuple[Exemption, ...]:
    """
    The list.

    :raises KeyError: if something is missing in an entry.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("wording", [])
    return tuple(Exemption(entry["method"], entry["theirs"], entry["ours"], entry["why"]) for entry in entries)


def reading() -> frozenset[str]:
    """
    The methods whose words are held to the recordings: those that only read, as ``Service/Method``.
    """
    return frozenset(
        f"{info.service.removeprefix('gitaly.')}/{info.name}" for info in gitaly_methods() if info.operation is Operation.ACCESSOR
    )


def unexplained(differences: Iterable[Difference], exemptions: Sequence[Exemption]) -> list[Difference]:
    """
    Those that nothing in the list is about.
    """
    return [each for each in differences if not any(exemption.covers(each) for exemption in exemptions)]


def section(exemptions: Sequence[Exemption]) -> str:
    """
    The list as a part of the compatibility page; nothing if it is empty.
    """
    if not exemptions:
        return ""
    lines = ["", "## Other words", "", "Messages that are meant to differ; `*` stands for what varies.", ""]
    lines += ["| method | Gitaly | here | why |", "| --- | --- | --- | --- |"]
    for each in sorted(exemptions, key=lambda each: (each.method, each.theirs)):
        lines.append(f"| {_cell(each.method, '')} | {_cell(each.theirs)} | {_cell(each.ours)} | {each.why} |")
    return "\n".join(lines) + "\n"


def _cell(text: str, quote: str = "`") -> str:
    return f"{quote}{text}{quote}".replace("|", "\\|").replace("\n", "\\n") if text else ""
