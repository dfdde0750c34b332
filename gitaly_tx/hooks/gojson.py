"""
JSON as Go reads it, where what Go says of a mistake reaches the user. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_KINDS: Final[Mapping[type, str]] = {str: "string", int: "number", float: "number", bool: "bool", list: "array", dict: "object"}


def first_value(text: bytes, at_end: str = "unexpected EOF", empty: str = "EOF") -> Any:
    """
    The first JSON value of a text; what follows is not looked at.

    :param at_end: what is said of a text that ends too early.
    :param empty: what is said of one without anything.
    :raises ValueError: in Go's words.
    """
    given = text.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not given:
        raise ValueError(empty)
    try:
        value, _ = json.JSONDecoder().raw_decode(given)
    except json.JSONDecodeError as error:
        if error.pos >= len(given):
            raise ValueError(at_end) from error
        where = "looking for beginning of value" if error.msg == "Expecting value" else "in JSON"
        raise ValueError(f"invalid character {given[error.pos]!r} {where}") from error
    except RecursionError as error:
        raise ValueError("exceeded max depth") from error
    return value


def fields(struct: str, value: Any, kinds: Mapping[str, tuple[type, str]]) -> dict[str, Any]:
    """
    The fields of an object; those that are missing or ``null`` are empty.

    :param struct: what Gitaly calls it: ``gitlab.allowedResponse``.
    :param kinds: each field's type, and what Go calls it; without a name, it is called as JSON does.
    :raises ValueError: in Go's words.
    """
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ValueError(f"json: cannot unmarshal {_KINDS[type(value)]} into Go value of type {struct}")
    found = {}
    for name, (kind, called) in kinds.items():
        given = value.get(name)
        if given is None:
            given = kind()
        if type(given) is not kind:
            field = f"{struct.rpartition('.')[2]}.{name}"
            raise ValueError(
                f"json: cannot unmarshal {_KINDS[type(given)]} into Go struct field {field} of type {called or _KINDS[kind]}"
            )
        found[name] = given
    return found
