"""
What is wrong with a configuration, said so that it can be put right.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from .lines import KeyPath, Lines


@frozen
class Problem:
    """
    One mistake.

    :param line: where in the file, from 1; 0 if it is not in a file.
    :param key: what it is about: ``storage[0].path``; may be empty.
    :param what: what is wrong, without a full stop.
    :param cure: what to do about it, in the imperative, without a full stop.
    :param fatal: the server does not start with it. Otherwise it is a warning.
    """

    line: int
    key: str
    what: str
    cure: str
    fatal: bool = True

    def told(self, source: str) -> str:
        """
        The problem on one line: ``gitaly.toml:12: storage[0].path: it is not there — make the directory``. One that is not fatal
        says so before its key.

        :param source: the file's name; may be empty.
        """
        place = f"{source}:{self.line}" if source and self.line else source
        grade = "" if self.fatal else "warning"
        return ": ".join(part for part in (place, grade, self.key, f"{self.what} — {self.cure}") if part)


class ConfigError(Exception):
    """
    The configuration cannot be used. It says everything that is wrong, not the first thing only.

    :param source: the file's name, or an empty string.
    :param problems: the mistakes; at least one is fatal.
    """

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(problem.told(self.source) for problem in self.problems)


class Findings:
    """
    Problems, as they are found.

    :param lines: where the keys are.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._found: list[Problem] = []

    def error(self, path: KeyPath, what: str, cure: str) -> None:
        """
        Note a mistake that keeps the server from starting. Of a key that is known to be wrong nothing more is said: what comes
        later judges the default that stands in for it.
        """
        problem = Problem(self._lines.line(path), dotted(path), what, cure)
        if not any(known.fatal and known.key == problem.key for known in self._found):
            self._found.append(problem)

    def warning(self, path: KeyPath, what: str, cure: str) -> None:
        """
        Note a mistake that the server can live with.
        """
        self._found.append(Problem(self._lines.line(path), dotted(path), what, cure, fatal=False))

    def sorted(self) -> list[Problem]:
        """
        All that was found, in the file's order.
        """
        return sorted(self._found, key=lambda problem: problem.line)

    def raise_fatal(self, source: str) -> tuple[Problem, ...]:
        """
        :returns: the warnings, if there is nothing worse.
        :raises ConfigError: with everything that was found.
        """
        found = self.sorted()
        if any(problem.fatal for problem in found):
            raise ConfigError(source, found)
        return tuple(found)


def dotted(path: KeyPath) -> str:
    """
    A way to a value as people write it: ``storage[0].path``.
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


__all__ = ["ConfigError", "Findings", "Problem", "dotted"]
