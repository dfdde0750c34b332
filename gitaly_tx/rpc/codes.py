"""
What codes are called in logs and metrics.
"""

from __future__ import annotations

from ..errors import Code

_NAMES = {code: code.name.title().replace("_", "") for code in Code} | {Code.CANCELLED: "Canceled"}


def go_name(code: Code | None) -> str:
    """
    A code as Go spells it, ``NotFound``, which is what dashboards and log searches made for Gitaly look for; ``None`` is ``OK``.
    """
    return "OK" if code is None else _NAMES[code]
