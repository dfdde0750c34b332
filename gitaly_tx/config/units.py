"""
Durations as Go writes them, and sizes in bytes.

Gitaly's configuration files hold durations as strings of Go's ``time.ParseDuration`` (https://pkg.go.dev/time#ParseDuration):
``2s``, ``10m0s``, ``1h30m``, ``1.5s``. Inside the server a duration is a ``float`` of seconds, and a size is an ``int`` of bytes.
"""

from __future__ import annotations

import re
from fractions import Fraction

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter, which Go takes, too
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)", re.ASCII)

_LONGEST = 2**63 - 1
"""Go's durations are 64-bit nanoseconds: about 292 years."""

_UNITS = {
    "": 1,
    "b": 1,
    "k": 2**10,
    "kib": 2**10,
    "kb": 10**3,
    "m": 2**20,
    "mib": 2**20,
    "mb": 10**6,
    "g": 2**30,
    "gib": 2**30,
    "gb": 10**9,
    "t": 2**40,
    "tib": 2**40,
    "tb": 10**12,
}

_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,9}))?\s*([a-z]*)", re.ASCII)

_LARGEST = 2**63 - 1


def parse_duration(text: str) -> float:
    """
    :param text: a Go duration, not negative.
    :returns: seconds.
    :raises ValueError: if it is none, with the reason in words.
    """
    if text == "0":
        return 0.0
    if text.startswith("-"):
        raise ValueError("a duration cannot be negative")
    rest = text.removeprefix("+")
    nanoseconds = Fraction(0)
    at = 0
    while part := _PART.match(rest, at):
        number, unit = part.groups()
        nanoseconds += _fraction(number) * _NANOSECONDS[unit]
        at = part.end()
    if at == 0 or at != len(rest):
        raise ValueError(f"{text!r} is not a duration")
    if nanoseconds > _LONGEST:
        raise ValueError(f"{text!r} is longer than 292 years")
    return float(Fraction(int(nanoseconds), 1_000_000_000))


def _fraction(number: str) -> Fraction:
    whole, _, decimals = number.partition(".")
    return Fraction(int((whole + decimals) or "0"), 10 ** len(decimals))


def format_duration(seconds: float) -> str:
    """
    A duration as Go prints it: ``1h30m0s``, ``1.5s``, ``250ms``, ``0s``.

    :param seconds: not negative; nanoseconds are the finest that is kept.
    """
    nanoseconds = round(seconds * 1e9)
    if nanoseconds == 0:
        return "0s"
    for unit, size in (("ns", 1), ("\u00b5s", 1_000), ("ms", 1_000_000)):
        if nanoseconds < size * 1_000 and nanoseconds < 1_000_000_000:
            return _decimal(nanoseconds, size) + unit
    minutes, below = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = _decimal(below, 1_000_000_000) + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _decimal(nanoseconds: int, size: int) -> str:
    whole, rest = divmod(nanoseconds, size)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(size)) - 1}d}".rstrip("0")


def parse_size(text: str) -> int:
    """
    :param text: a number with a unit: ``1GiB``, ``512k``, ``10MB``. As with git, a bare ``k``, ``m``, ``g`` or ``t`` is binary;
        ``kB``, ``MB`` … are powers of ten. Case does not matter.
    :returns: bytes.
    :raises ValueError: if it is none, with the reason in words.
    """
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or found[3] not in _UNITS:
        raise ValueError(f"{text!r} is not a size")
    decimals = found[2] or ""
    size = Fraction(int(found[1] + decimals), 10 ** len(decimals)) * _UNITS[found[3]]
    if size.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of bytes")
    if size > _LARGEST:
        raise ValueError(f"{text!r} is more than this machine can count")
    return int(size)


def format_size(size: int) -> str:
    """
    A size in the largest binary unit that it is a whole number of: ``1GiB``, ``1536MiB``, ``1000``.
    """
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


__all__ = ["format_duration", "format_size", "parse_duration", "parse_size"]
