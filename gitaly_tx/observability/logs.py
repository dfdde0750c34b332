"""
The log: one line for each event, as JSON or as text, with the field names that Gitaly's log has.

Whoever logs uses :class:`twisted.logger.Logger` and gives facts as keyword arguments; every fact becomes a field of the line. A
name with dots is given as ``log.info("finished call", **{"grpc.code": "OK"})``. The correlation id and the fields of the call
that is going on (:mod:`gitaly_tx.observability.context`) are on the line by themselves.
"""

from __future__ import annotations

import enum
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import floor, isfinite
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import GitalyError
from .context import current_correlation_id, current_fields
from .redact import HIDDEN, Redactor, escaped, is_secret_name

LONGEST = 8192
"""Characters of one value; a failure's traceback is cut in the middle to fit, everything else at the end."""

MOST_ITEMS = 100
"""Items of a list or a mapping that are shown."""

LEVELS: Mapping[str, Any] = {
    "trace": LogLevel.debug,
    "debug": LogLevel.debug,
    "info": LogLevel.info,
    "warn": LogLevel.warn,
    "warning": LogLevel.warn,
    "error": LogLevel.error,
    "fatal": LogLevel.critical,
    "panic": LogLevel.critical,
}
"""The names that ``logging.level`` may have."""

_SHOWN = {LogLevel.warn: "warning", LogLevel.critical: "fatal"}
"""Levels that Gitaly's log calls otherwise."""

_PLAIN = re.compile(r"[\w.\-/@^+:]+")
"""Values that logrus leaves without quotes."""

_SHORT = 256
"""Characters of a value that may come again."""

_NOTHING: Mapping[str, Any] = {}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_DETAILS = ("grpc.", "command.", "access", "door", "proof", "user", "seconds")
"""Beginnings of the names of fields that a person does not miss: the sentence says it, or the method's name does."""

_NEEDED = frozenset({"grpc.method", "grpc.request.repoPath", "grpc.time_ms"})
"""Of those the ones without which a line about a call of an application would say nothing."""

_LEGACY = frozenset({"message", "time", "system", "isError", "failure", "why", "format", "factory"})
"""Keys that Twisted's older log puts into events, and that say nothing more."""


@implementer(ILogObserver)
class LineObserver:
    """
    Writes events that are grave enough as lines.

    Text is for people: a line of the level ``info`` leaves out what only programs count (:data:`_DETAILS`). JSON has everything,
    and so has text when the level is ``debug``.

    What Twisted says of itself (factories that start, ports that close) is of the level ``debug`` here. Writing never raises: a
    full disk or a closed pipe loses lines, and the next line that can be written says how many.

    :param write: takes a line with its newline.
    :param json: JSON instead of ``key=value``.
    :param level: one of :data:`LEVELS`.
    :param secrets: texts that no line ever shows.
    :param constant: fields that are on every line, such as the process id.
    :param lost: tells how many lines were lost after ``write`` had taken them, until one was not.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        json: bool,
        level: str = "info",
        secrets: Iterable[str] = (),
        constant: Mapping[str, Any] | None = None,
        lost: Callable[[], int] | None = None,
    ) -> None:
        self._write = write
        self._lost_elsewhere = lost
        self._json = json
        self._written = frozenset(each.name for each in LogLevel.iterconstants() if each >= LEVELS[level])
        self._brief = not json and LogLevel.debug.name not in self._written
        self._format = _json_field if json else _text_field
        self._secrets = set(secrets)
        self._constant = dict(constant or _NOTHING)
        self._lost = 0
        self._second = -1
        self._time = ""
        self.hide(())

    def hide(self, secrets: Iterable[str]) -> None:
        """
        There are further texts that no line ever shows.
        """
        self._secrets.update(secrets)
        self._redactor = Redactor(self._secrets)
        # Most fields are the same on many lines: methods, repositories, users.
        self._known = lru_cache(maxsize=4096)(self._made)

    def __call__(self, event: LogEvent) -> None:
        level = _level(event)
        if level.name not in self._written:
            return
        count = self._lost + (self._lost_elsewhere() if self._lost_elsewhere is not None else 0)
        lost = {"lost_lines": count} if count else {}
        try:
            self._write(self.line(event, level, lost))
        except (OSError, ValueError):
            self._lost += 1
        else:
            self._lost = 0

    def line(self, event: LogEvent, level: Any, more: Mapping[str, Any] | None = None) -> str:
        """
        An event as a line.

        :param more: further fields.
        """
        known, made, message = self._known, self._made, _message(event)
        fields = {
            "level": known("level", _SHOWN.get(level) or level.name),
            "msg": (known if len(message) <= _SHORT else made)("msg", message),
            "time": self._format("time", self._clock(event.get("log_time") or 0)),
        }
        brief = self._brief and level is LogLevel.info
        if not brief and (namespace := event.get("log_namespace")):
            fields["component"] = known("component", namespace)
        if correlation_id := current_correlation_id():
            fields["correlation_id"] = made("correlation_id", correlation_id)  # another one each time
        for source in (self._constant, current_fields(), _facts(event), more or _NOTHING):
            for name, value in source.items():
                if brief and _is_detail(name):
                    continue
                short = value is None or (type(value) is str and len(value) <= _SHORT)
                fields[name] = known(name, value) if short else made(name, value)
        if self._json:
            return f"{{{','.join(fields.values())}}}\n"
        return " ".join((fields.pop("time"), *fields.values())) + "\n"

    def _made(self, name: str, value: Any) -> str:
        """
        A field as it stands in the line.
        """
        return self._format(name, HIDDEN if is_secret_name(name) else self._value(value))

    def _clock(self, time: float) -> str:
        """
        A time as RFC 3339 has it, with milliseconds.
        """
        second = floor(time)
        if second != self._second:
            self._time = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second
        return f"{self._time}.{int((time - second) * 1000):03d}Z"

    def _value(self, value: Any, depth: int = 0) -> Any:
        """
        A value as JSON can have it, without secrets and not longer than :data:`LONGEST`.
        """
        kind = type(value)
        if kind is str:
            return self._redactor.text(_cut(value))
        if value is None or kind is int or kind is float or kind is bool:
            return value
        if isinstance(value, Mapping) and depth < 3:
            items = list(value.items())[:MOST_ITEMS]
            return {str(key): HIDDEN if is_secret_name(str(key)) else self._value(item, depth + 1) for key, item in items}
        if isinstance(value, list | tuple | set | frozenset) and depth < 3:
            return [self._value(item, depth + 1) for item in list(value)[:MOST_ITEMS]]
        return self._redactor.text(_cut(_text(value)))


def _message(event: LogEvent) -> str:
    template = event.get("log_format")
    if isinstance(template, str) and "{" not in template and "}" not in template:
        return template  # what formatEvent gives, without its way there
    return formatEvent(event) or str(event.get("why") or "")


def _level(event: LogEvent) -> Any:
    level = event.get("log_level") or (LogLevel.critical if event.get("isError") else LogLevel.info)
    if level is LogLevel.info and str(event.get("log_namespace", "")).startswith(("twisted.", "log_legacy")):
        return LogLevel.debug
    return level


def _facts(event: LogEvent) -> Mapping[str, Any]:
    """
    The fields of the event itself, and of its failure.
    """
    found = {name: value for name, value in event.items() if _is_fact(name)}
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        error = failure.value
        found["error"] = error.message if isinstance(error, GitalyError) else f"{type(error).__name__}: {_text(error)}"
        if isinstance(error, GitalyError):
            found["error_code"] = error.code.name
            if error.facts:
                found["error_metadata"] = error.facts
        found["stack"] = _middle(failure.getTraceback())
    return found


@lru_cache(maxsize=1024)
def _is_fact(name: str) -> bool:
    return not name.startswith(("log_", "_")) and name not in _LEGACY


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value[: LONGEST + 1]).decode("utf-8", "backslashreplace")
    if isinstance(value, enum.Enum):
        return value.name
    try:
        return str(value)
    except Exception as error:  # a broken __str__ is no reason to lose the line
        return f"<{type(value).__name__} that raises {type(error).__name__} when shown>"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more)"


def _middle(text: str) -> str:
    """
    The beginning and the end, which say where it was called from and what went wrong.
    """
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2 - 32
    return f"{text[:half]}\n… ({len(text) - 2 * half} left out) …\n{text[-half:]}"


def _json_field(name: str, value: Any) -> str:
    if type(value) is int or (type(value) is float and isfinite(value)):
        return f"{_json_name(name)}:{value!r}"  # what JSON makes of them, by a shorter way
    return f"{_json_name(name)}:{escaped(_encode(value))}"


@lru_cache(maxsize=1024)
def _json_name(name: str) -> str:
    return escaped(_encode(name))


def _text_field(name: str, value: Any) -> str:
    return escaped(f"{name}={_word(value)}")


@lru_cache(maxsize=1024)
def _is_detail(name: str) -> bool:
    return name.startswith(_DETAILS) and name not in _NEEDED


def _word(value: Any) -> str:
    """
    A value as logrus's text format has it: bare if it is one plain word, in quotes otherwise.
    """
    kind = type(value)
    if kind is int or kind is float:
        return repr(value)
    text = value if isinstance(value, str) else _encode(value)
    return text if _PLAIN.fullmatch(text) else _encode(text)


class LogFile:
    """
    A log that is a file: appended to, and opened anew when it was rotated away.

    :param path: the file; made with mode 0640 when missing.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = self._open()

    def write(self, line: str) -> None:
        """
        Append a line; it is with the system when this returns.

        :raises OSError: if the disk does.
        """
        self._file.write(line)
        self._file.flush()

    def reopen(self) -> None:
        """
        Go on in the file that has the name now.

        :raises OSError: if it cannot be opened; the old one stays in use then.
        """
        before, self._file = self._file, self._open()
        before.close()

    def close(self) -> None:
        """
        Close the file. Writing afterwards raises :class:`ValueError`.
        """
        self._file.close()

    def _open(self) -> Any:
        return open(self._path, "a", encoding="utf-8", errors="backslashreplace", opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


__all__ = ["LEVELS", "LONGEST", "LineObserver", "LogFile"]
