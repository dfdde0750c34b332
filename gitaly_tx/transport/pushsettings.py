"""
What a caller's settings say of one push: ``receive.maxInputSize=1048576`` and the like, which GitLab sends.

They count as ``git -c`` does: after the repository's own, and the last of several wins. Settings that only say how objects are
stored (``receive.unpackLimit``, ``pack.*``) change nothing here, and ``receive.fsckObjects`` cannot be turned off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from ..errors import Code, GitalyError
from ..git.options import ConfigPair
from ..git.quoting import quoted
from .fetchconfig import settings

TRUE: Final = frozenset({b"true", b"yes", b"on", b"1"})
FALSE: Final = frozenset({b"false", b"no", b"off", b"0", b""})

_RULES: Final = frozenset({b"receive.denydeletes", b"receive.denynonfastforwards", b"receive.denydeletecurrent"})
_REFUSING: Final = {b"refuse": True, b"ignore": False, b"warn": False}
_OFFERS: Final = {b"receive.advertiseatomic": b"atomic", b"receive.advertisepushoptions": b"push-options"}
_HIDING: Final = frozenset({b"receive.hiderefs", b"transfer.hiderefs"})
_NUMBER: Final = re.compile(rb"([0-9]{1,18})([kmg]?)\Z", re.IGNORECASE)
_UNITS: Final = {b"": 1, b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}


@frozen
class PushSettings:
    """
    :param rules: ``receive.deny…`` in lower case, as far as the caller says something of them.
    :param size: bytes that the pack may have; ``None`` if the caller sets no limit.
    :param unoffered: capabilities that are not to be offered.
    :param hide: patterns of refs that are not to be seen (or, with ``!``, are), in order.
    """

    rules: Mapping[bytes, bool] = field(factory=dict)
    size: int | None = None
    unoffered: frozenset[bytes] = frozenset()
    hide: tuple[bytes, ...] = ()

    def hides(self, ref: bytes) -> bool | None:
        """
        Whether the caller hides a ref; ``None`` if it says nothing of it.
        """
        for pattern in reversed(self.hide):
            shown = pattern.startswith(b"!")
            prefix = pattern.removeprefix(b"!").removeprefix(b"^").rstrip(b"/")
            if ref == prefix or ref.startswith(prefix + b"/"):
                return not shown
        return None

    def smaller(self, size: int | None) -> int | None:
        """
        The smaller one of two limits: the caller's, and another.
        """
        given = [each for each in (self.size, size) if each is not None]
        return min(given, default=None)


def push_settings(options: Sequence[str]) -> PushSettings:
    """
    :param options: as the caller sent them.
    :raises GitalyError: as :func:`~gitaly_tx.transport.fetchconfig.settings`; INVALID_ARGUMENT for a value that git would
        not take.
    """
    if not options:
        return PushSettings()
    rules: dict[bytes, bool] = {}
    offered: dict[bytes, bool] = {}
    hide: list[bytes] = []
    size: int | None = None
    for pair in settings(options):
        key = pair.key.lower()
        if key in _RULES:
            rules[key] = _REFUSING[pair.value] if pair.value in _REFUSING else _truth(pair)
        elif key in _OFFERS:
            offered[_OFFERS[key]] = _truth(pair)
        elif key in _HIDING:
            hide.append(pair.value)
        elif key == b"receive.maxinputsize":
            size = _number(pair) or None
    return PushSettings(rules, size, frozenset(word for word, wanted in offered.items() if not wanted), tuple(hide))


def _truth(pair: ConfigPair) -> bool:
    value = pair.value.lower()
    if value not in TRUE and value not in FALSE:
        raise _bad(pair)
    return value in TRUE


def _number(pair: ConfigPair) -> int:
    found = _NUMBER.match(pair.value)
    if found is None:
        raise _bad(pair)
    return int(found[1]) * _UNITS[found[2].lower()]


def _bad(pair: ConfigPair) -> GitalyError:
    return GitalyError(f"bad value of config key: {quoted(pair.key)}", Code.INVALID_ARGUMENT, {"value": pair.value})


__all__ = ["FALSE", "TRUE", "PushSettings", "push_settings"]
