"""
A git command as a value. Nothing runs until :class:`~gitaly_tx.git.runner.Git` runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from ..errors import GitalyError
from .directory import GitDirectory
from .options import ConfigPair, Flag, Option, as_bytes, positional, whole
from .subcommands import SUBCOMMANDS, Subcommand


def _options(given: Iterable[Option | bytes | str]) -> tuple[Option, ...]:
    return tuple(Flag(option) if isinstance(option, (bytes, str)) else option for option in given)


def _arguments(given: Iterable[bytes | str]) -> tuple[bytes, ...]:
    return tuple(map(positional, given))


def _pairs(given: Iterable[ConfigPair]) -> tuple[ConfigPair, ...]:
    return tuple(given)


def _after_separator(given: Iterable[bytes | str] | None) -> tuple[bytes, ...] | None:
    return None if given is None else tuple(map(whole, given))


@frozen
class Command:
    """
    ::

        Command("rev-list", ["--objects", "--stdin", "--not", "--all"], directory=staging.directory)

    :param name: the subcommand, one of :data:`~gitaly_tx.git.subcommands.SUBCOMMANDS`.
    :param options: in their order; plain words are taken as :class:`~gitaly_tx.git.options.Flag`.
    :param arguments: positional ones; none may begin with a dash.
    :param after_separator: positional ones after ``--``, such as paths; these may begin with anything. ``None`` for no ``--``.
    :param action: the word after the subcommand, where it has one: ``write`` for ``commit-graph``.
    :param config: settings for this run; they win over the subcommand's fixed ones.
    :param directory: the repository; never found by looking around. ``None`` for a command that needs none.
    :param environment: variables for this run.
    :param literal_pathspecs: paths are names and not patterns.
    :raises GitalyError: for an unknown subcommand, or a word that git could take for something else.
    """

    name: str
    options: Sequence[Option] = field(converter=_options, default=())
    arguments: Sequence[bytes] = field(converter=_arguments, default=())
    after_separator: Sequence[bytes] | None = field(converter=_after_separator, default=None)
    action: str = ""
    config: Sequence[ConfigPair] = field(converter=_pairs, default=())
    directory: GitDirectory | None = None
    environment: Mapping[str, str] = field(factory=dict)
    literal_pathspecs: bool = False

    def __attrs_post_init__(self) -> None:
        if self.name not in SUBCOMMANDS:
            raise GitalyError("unknown git command", None, {"command": self.name})

    @property
    def subcommand(self) -> Subcommand:
        """
        What is known of the subcommand.
        """
        return SUBCOMMANDS[self.name]

    def argv(self, git: str, config: Iterable[ConfigPair] = ()) -> list[bytes]:
        """
        All words of the command line.

        :param git: the program.
        :param config: settings that win over all others.
        """
        subcommand = self.subcommand
        words = [as_bytes(git)]
        arguments = list(self.arguments)
        if self.directory is not None:
            path = as_bytes(self.directory.path)
            if subcommand.takes_path:
                arguments.append(path)
            else:
                words.append(b"--git-dir=" + path)
        words.extend(subcommand.words)
        for pair in (*self.config, *config):
            words.extend(pair.words())
        words.append(self.name.encode("ascii"))
        if self.action:
            words.append(self.action.encode("ascii"))
        for option in self.options:
            words.extend(option.words())
        if arguments and subcommand.end_of_options:
            words.append(b"--end-of-options")
        words.extend(arguments)
        if self.after_separator is not None:
            words.append(b"--")
            words.extend(self.after_separator)
        return words

    def variables(self) -> dict[str, str]:
        """
        What the child's environment holds because of this command.
        """
        found = {} if self.directory is None else self.directory.environment()
        if self.literal_pathspecs:
            found["GIT_LITERAL_PATHSPECS"] = "1"
        # A repository's config can make git fetch what is missing (a promisor remote): from nowhere, unless that is the command.
        found["GIT_ALLOW_PROTOCOL"] = "http:https:ssh:git" if self.subcommand.network else "none"
        if not self.subcommand.network:
            found["GIT_NO_LAZY_FETCH"] = "1"
        found.update(self.environment)
        return found
