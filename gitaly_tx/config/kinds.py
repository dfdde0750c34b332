"""
What kinds of values a configuration file holds, and how each is read.

A kind turns a TOML value into what the server works with, or raises :class:`Wrong` with words and a cure.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from .address import Address, parse_address
from .units import parse_duration, parse_size


class Wrong(Exception):
    """
    A value is not what its key holds.

    :param what: what is wrong with it.
    :param cure: what would be right.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what, cure)
        self.what = what
        self.cure = cure


Read = Callable[[object, str], Any]
"""Reads a TOML value; the second argument is the directory that relative paths start from."""


@frozen
class Kind:
    """
    :param read: turns the TOML value into the server's.
    """

    read: Read


@frozen
class TableKind:
    """
    A table, or an array of them, each read as an attrs class.

    :param cls: the class.
    :param array: ``[[name]]`` instead of ``[name]``.
    """

    cls: type[attrs.AttrsInstance]
    array: bool = False


@frozen
class Key:
    """
    What the model says of a key.

    :param kind: how to read it.
    :param doc: one sentence for the operator.
    :param used: whether it acts; one that does not is accepted, because Gitaly has it, and listed at start.
    :param name: how the file spells it, if Python cannot.
    """

    kind: Kind | TableKind
    doc: str
    used: bool = True
    name: str = ""


def setting(kind: Kind | TableKind, default: Any, doc: str, *, used: bool = True, name: str = "", secret: bool = False) -> Any:
    """
    A field of a table that is a key of the file. ``secret`` ones are left out of the table's ``repr``.
    """
    return attrs.field(default=default, repr=not secret, metadata={"key": Key(kind, doc, used, name)})


def table(cls: type[attrs.AttrsInstance], doc: str, *, used: bool = True, name: str = "") -> Any:
    """
    A field that is a table; left out, it has that table's defaults.
    """
    return setting(TableKind(cls), cls(), doc, used=used, name=name)


def tables(cls: type[attrs.AttrsInstance], doc: str, *, used: bool = True, name: str = "") -> Any:
    """
    A field that is an array of tables; left out, it is empty.
    """
    return setting(TableKind(cls, array=True), (), doc, used=used, name=name)


def keys(cls: type[attrs.AttrsInstance]) -> dict[str, tuple[attrs.Attribute[Any], Key]]:
    """
    The keys of a table, by their names in the file.
    """
    found = {}
    for attribute in attrs.fields(cls):
        if "key" in attribute.metadata:
            meaning: Key = attribute.metadata["key"]
            found[meaning.name or attribute.name] = (attribute, meaning)
    return found


def _typed(words: str, cure: str, *types: type) -> Callable[[object], Any]:
    def check(value: object) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise Wrong(f"{_shown(value)} is not {words}", cure)
        return value

    return check


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "…"


_text = _typed("text", "put it in quotes", str)
_bool = _typed("true or false", "write true or false, without quotes", bool)
_int = _typed("a whole number", "write a number without quotes", int)
_number = _typed("a number", "write a number without quotes", int, float)
_list = _typed("an array", "put it in brackets: [ … ]", list)


def _read_text(value: object, _base: str) -> str:
    text: str = _text(value)
    if "\0" in text:
        raise Wrong("it contains a NUL character", "remove it")
    return text


def _read_secret(value: object, _base: str) -> str:
    if not isinstance(value, str):
        raise Wrong("it is not text", "put it in quotes")
    return value


def _read_count(value: object, _base: str) -> int:
    number: int = _int(value)
    if number < 0:
        raise Wrong(f"{number} is negative", "write 0 or more")
    if number > 2**63 - 1:
        raise Wrong(f"{number} is too large", "write less")
    return number


def _read_duration(value: object, _base: str) -> float:
    if not isinstance(value, str):
        raise Wrong(f"{_shown(value)} is not a duration", 'write a number with its unit in quotes, such as "30s" or "1h30m"')
    try:
        return parse_duration(value)
    except ValueError as error:
        raise Wrong(str(error), 'write numbers with units, such as "30s", "10m0s" or "1h30m"') from None


def _read_size(value: object, base: str) -> int:
    if isinstance(value, int):
        return _read_count(value, base)
    try:
        return parse_size(_read_text(value, base))
    except ValueError as error:
        raise Wrong(str(error), 'write bytes as a number, or with a unit in quotes, such as "64MiB"') from None


def _read_path(value: object, base: str) -> str:
    text = _read_text(value, base)
    if not text:
        return ""
    return os.path.normpath(os.path.join(base, os.path.expanduser(text)))


def _read_program(value: object, base: str) -> str:
    text = _read_text(value, base)
    return _read_path(text, base) if "/" in text else text


def _read_socket(value: object, base: str) -> str:
    text = _read_text(value, base)
    if text.startswith("unix:"):
        text = text.removeprefix("unix:")
        text = text.removeprefix("//") if text.startswith("///") else text
    path = _read_path(text, base)
    if len(os.fsencode(path)) > 107:
        raise Wrong("the path of a socket has at most 107 bytes", "choose a shorter path")
    return path


def _read_address(value: object, base: str) -> Address | None:
    text = _read_text(value, base)
    if not text.strip():
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise Wrong(str(error), 'write HOST:PORT, such as "127.0.0.1:8080", "[::1]:8080" or ":8080"') from None


def _read_url(value: object, base: str) -> str:
    text = _read_text(value, base)
    if not text:
        return text
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise Wrong(f"{_shown(text)} is not the URL of a server", "write https://HOST or https://HOST/PATH")
    if parts.username is not None:
        raise Wrong("a URL here holds no user", "leave out what is before the @")
    return text.rstrip("/")


def _read_texts(value: object, base: str) -> tuple[str, ...]:
    return tuple(_read_text(item, base) for item in _list(value))


def _read_secrets(value: object, base: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Wrong("it is not an array", "put it in brackets: [ … ]")
    return tuple(_read_secret(item, base) for item in value)


def _read_numbers(value: object, _base: str) -> tuple[float, ...]:
    return tuple(float(_number(item)) for item in _list(value))


def choice(*words: str) -> Kind:
    """
    One of some words; an empty text means the first.
    """

    def read(value: object, base: str) -> str:
        text = _read_text(value, base)
        if text and text not in words:
            raise Wrong(
                f"{_shown(text)} is none of the known words", f"write one of: {', '.join(word for word in words if word)}"
            )
        return text or words[0]

    return Kind(read)


TEXT = Kind(_read_text)
"""Text."""
SECRET = Kind(_read_secret)
"""Text that no message ever quotes."""
SECRETS = Kind(_read_secrets)
"""An array of texts that no message ever quotes."""
BOOL = Kind(lambda value, _base: _bool(value))
"""``true`` or ``false``."""
COUNT = Kind(_read_count)
"""A whole number from 0."""
NUMBER = Kind(lambda value, _base: float(_number(value)))
"""Any number."""
INTEGER = Kind(lambda value, _base: _int(value))
"""Any whole number."""
DURATION = Kind(_read_duration)
"""A Go duration; seconds as ``float``."""
SIZE = Kind(_read_size)
"""Bytes as a number, or text with a unit."""
PATH = Kind(_read_path)
"""A path; made absolute. Empty stays empty."""
PROGRAM = Kind(_read_program)
"""A path, or a program's name that is looked up in ``PATH``."""
SOCKET = Kind(_read_socket)
"""The path of a Unix socket."""
ADDRESS = Kind(_read_address)
"""HOST:PORT; empty text is ``None``."""
URL = Kind(_read_url)
"""The URL of a server, without a slash at its end."""
TEXTS = Kind(_read_texts)
"""An array of texts."""
NUMBERS = Kind(_read_numbers)
"""An array of numbers."""


def _read_anything(value: object, _base: str) -> object:
    return value


ANYTHING = Kind(_read_anything)
"""Whatever stands there: tables of Gitaly's that mean nothing here."""
