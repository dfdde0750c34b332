"""
What a caller decided about conflicts, as JSON: ``[{"old_path": …, "new_path": …, "sections": {id: "head"}, "content": …}]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from attrs import frozen

from ...errors import Code, GitalyError

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TYPES: Final = (("null", type(None)), ("bool", bool), ("number", (int, float)), ("string", str), ("array", list))


@frozen
class Resolution:
    """
    Of one file.

    :param old_path: the file.
    :param new_path: what it is called on the other side.
    :param sections: by section id, whose lines to keep: ``head`` or ``origin``.
    :param content: what the file shall be, if there are no sections.
    """

    old_path: bytes = b""
    new_path: bytes = b""
    sections: Mapping[bytes, bytes] = {}
    content: bytes = b""


def parse(text: bytes) -> list[Resolution]:
    """
    :raises GitalyError: INTERNAL, with the words of Gitaly's parser, if this is something else; INVALID_ARGUMENT ``missing
        sections or content for a resolution``.
    """
    try:
        written = json.loads(text.decode("utf-8", "replace"), parse_constant=_no_constant)
    except RecursionError:
        raise _malformed("exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise _malformed(_reason(error)) from error
    if written is None:
        return []
    if not isinstance(written, list):
        raise _misfit(written, "value of type []map[string]interface {}")
    for entry in written:
        if entry is not None and not isinstance(entry, dict):
            raise _misfit(entry, "value of type map[string]interface {}")
        if not entry or ("sections" not in entry and "content" not in entry):
            raise GitalyError("missing sections or content for a resolution", Code.INVALID_ARGUMENT)
    return [_resolution(entry) for entry in written]


def _resolution(entry: Mapping[str, Any]) -> Resolution:
    given: dict[str, Any] = {}
    for key, value in entry.items():
        # The parser takes a key in any case.
        name = key.lower()
        if value is None or name not in ("old_path", "new_path", "sections", "content"):
            continue
        if name == "sections":
            if not isinstance(value, dict):
                raise _misfit(value, "struct field Resolution.sections of type map[string]string")
            given[name] = {_text(section): _string(choice, name) for section, choice in value.items()}
        else:
            given[name] = _string(value, name)
    return Resolution(**given)


def _string(value: object, name: str) -> bytes:
    if not isinstance(value, str):
        raise _misfit(value, f"struct field Resolution.{name} of type string")
    return _text(value)


def _text(text: str) -> bytes:
    return _SURROGATE.sub("\ufffd", text).encode()


def _reason(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :].lstrip()
    if not rest or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    place = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
    return f"invalid character '{rest[0]}' {place}"


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"invalid character '{name[0]}' looking for beginning of value")


def _misfit(value: object, place: str) -> GitalyError:
    kind = next((name for name, types in _TYPES if isinstance(value, types)), "object")
    return _malformed(f"json: cannot unmarshal {kind} into Go {place}")


def _malformed(text: str) -> GitalyError:
    return GitalyError(text, Code.INTERNAL)


__all__ = ["Resolution", "parse"]
