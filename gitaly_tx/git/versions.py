"""
The order of version numbers in git's sense (``version:refname``): ``v1.2`` before ``v1.10``, and ``v1.01`` before ``v1.1``.
"""

from __future__ import annotations

from functools import cmp_to_key

# How two names compare is decided where they first differ, by what stands before that place and by the two bytes: strverscmp(3)
# and git's versioncmp.c, whose tables these are. Columns: other/other, other/digit, other/zero, digit/other ... zero/zero.
_BYTES, _LENGTH, _LESS, _MORE = range(4)
_NO_NUMBER = (_BYTES, _BYTES, _BYTES, _BYTES, _LENGTH, _BYTES, _BYTES, _BYTES, _BYTES)
_INTEGER = (_BYTES, _LESS, _LESS, _MORE, _LENGTH, _LENGTH, _MORE, _LENGTH, _LENGTH)
_FRACTION = (_BYTES,) * 9
_ZEROS = (_BYTES, _MORE, _MORE, _LESS, _BYTES, _BYTES, _LESS, _BYTES, _BYTES)


def compare_versions(one: bytes, other: bytes) -> int:
    """
    :returns: less than, equal to or greater than 0.
    """
    place = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = _at(one, place), _at(other, place)
    if a == b:
        return 0
    rule = _rules(one[:place])[3 * _kind(a) + _kind(b)]
    if rule == _LENGTH:
        return (_digits(one, place + 1) - _digits(other, place + 1)) or a - b
    return {_BYTES: a - b, _LESS: -1, _MORE: 1}[rule]


version_key = cmp_to_key(compare_versions)
"""A key for sorting."""


def _at(text: bytes, place: int) -> int:
    return text[place] if place < len(text) else 0


def _kind(byte: int) -> int:
    return 2 if byte == 0x30 else 1 if 0x30 < byte <= 0x39 else 0


def _rules(before: bytes) -> tuple[int, ...]:
    number = before[len(before.rstrip(b"0123456789")) :]
    if not number:
        return _NO_NUMBER
    if number[:1] != b"0":
        return _INTEGER
    return _FRACTION if number.strip(b"0") else _ZEROS


def _digits(text: bytes, start: int) -> int:
    rest = text[start:]
    return len(rest) - len(rest.lstrip(b"0123456789"))
