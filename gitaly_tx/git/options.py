"""
Arguments of git commands, as values that cannot be injected.

Whatever a caller sends ends up in one of these or in a positional argument, and each refuses what git could take for something
else. The errors are Gitaly's, and as there they have no code of their own: a caller that is to hear INVALID_ARGUMENT gets it by
:func:`~gitaly_tx.errors.GitalyError.wrapped`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, frozen

from ..errors import GitalyError
from .quoting import quoted

_FLAG = re.compile(rb"(-|--)[a-zA-Z0-9][-a-zA-Z0-9]*(=.*)?\Z", re.DOTALL)
_CONFIG_KEY = re.compile(rb"[a-zA-Z0-9][-a-zA-Z0-9]*(\.[^=\n\0]+)?\.[a-zA-Z][-a-zA-Z0-9]*\Z")


def as_bytes(text: bytes | str) -> bytes:
    """
    What git is given for ``text``: names and paths are bytes, whatever their encoding.
    """
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


@frozen
class Flag:
    """
    An option in one word: ``--all``, ``-d``, ``--depth=3``.

    :param name: the word. What follows a ``=`` may be anything.
    :raises GitalyError: if it is no option, or holds a NUL.
    """

    name: bytes = field(converter=as_bytes)

    def __attrs_post_init__(self) -> None:
        if not _FLAG.match(self.name) or b"\0" in self.name:
            raise GitalyError(f"flag {quoted(self.name)} failed regex validation: invalid argument")

    def words(self) -> Iterator[bytes]:
        """
        As git gets it.
        """
        yield self.name


@frozen
class ValueFlag:
    """
    An option in two words: ``-n 10``, ``--prefix x/``. For options that demand a value only.

    :param name: the option, without a ``=``.
    :param value: anything: git takes the second word as it is, dash or no dash.
    :raises GitalyError: if ``name`` is no option, or one of them holds a NUL.
    """

    name: bytes = field(converter=as_bytes)
    value: bytes = field(converter=as_bytes)

    def __attrs_post_init__(self) -> None:
        if not _FLAG.match(self.name) or b"=" in self.name or b"\0" in self.name + self.value:
            raise GitalyError(f"value flag {quoted(self.name)} failed regex validation: invalid argument")

    def words(self) -> Iterator[bytes]:
        """
        As git gets it.
        """
        yield self.name
        yield self.value


@frozen
class ConfigPair:
    """
    A setting for one command: ``-c key=value``.

    :param key: ``section.key`` or ``section.subsection.key``. A ``=`` in a subsection is refused, because git splits the word at
        the first one.
    :param value: anything without NUL.
    :raises GitalyError: if ``key`` is no setting's name.
    """

    key: bytes = field(converter=as_bytes)
    value: bytes = field(converter=as_bytes)

    def __attrs_post_init__(self) -> None:
        if not _CONFIG_KEY.match(self.key) or b"\0" in self.value:
            raise GitalyError(f"config key {quoted(self.key)} failed regexp validation: invalid argument")

    def words(self) -> Iterator[bytes]:
        """
        As git gets it, before the subcommand.
        """
        yield b"-c"
        yield self.key + b"=" + self.value


@frozen
class Revision:
    """
    A revision among the options of a command that walks, where the order matters: ``main --not other``.

    :param name: the revision.
    :raises GitalyError: if git could take it for an option, or it holds a NUL.
    """

    name: bytes = field(converter=as_bytes)

    def __attrs_post_init__(self) -> None:
        positional(self.name)

    def words(self) -> Iterator[bytes]:
        """
        As git gets it.
        """
        yield self.name


@frozen
class StandardOutput:
    """
    ``-`` where a command wants the name of the file that it writes.
    """

    def words(self) -> Iterator[bytes]:
        """
        As git gets it.
        """
        yield b"-"


Option = Flag | ValueFlag | Revision | StandardOutput


def positional(text: bytes | str) -> bytes:
    """
    A positional argument.

    :raises GitalyError: if git could take it for an option, or it holds a NUL.
    """
    word = as_bytes(text)
    if word.startswith(b"-"):
        raise GitalyError(f"positional arg {quoted(word)} cannot start with dash '-': invalid argument")
    return whole(word)


def whole(text: bytes | str) -> bytes:
    """
    An argument that stands where no option can, such as after ``--``.

    :raises GitalyError: if it holds a NUL, at which the kernel would cut it.
    """
    word = as_bytes(text)
    if b"\0" in word:
        raise GitalyError(f"positional arg {quoted(word)} contains NUL: invalid argument")
    return word
