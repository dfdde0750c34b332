"""
What must not reach a log: secrets, and characters that do something to a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(
    r"(?:^|[._-])(?:token|secret|password|passwd|authorization|cookie|private_key|credentials)s?$", re.IGNORECASE
)

_SECRET_TEXT = re.compile(
    r"(?P<url>[a-z][a-z0-9+.-]{0,20}://)[^/\s@]{1,1024}@"  # the user and password of a URL
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[^\s,;\"']{4,4096}"  # what stands behind them in an Authorization header
    r"|\bgtx_[a-z2-7]{32}\b"  # our own tokens
    r"|\bv2\.[0-9a-f]{64}\.[0-9]{1,20}\b"  # Gitaly's
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE | re.DOTALL,
)

_ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters, line separators, marks that turn the writing direction, and halves of surrogate pairs."""


class Redactor:
    """
    Takes secrets out of texts.

    :param secrets: texts that are secret wherever they stand; short ones are ignored, because they would blank out half of the
        log and are no secrets anyway.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """
        The text with everything blanked out that looks like a secret or is one.
        """
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if text.isalnum():
            return text  # everything that is looked for below has a mark or a space in it
        lower = text.lower()
        # One of these is in everything that the expression matches; looking for them first is ten times faster.
        if "://" in lower or "bearer" in lower or "basic" in lower or "gtx_" in lower or "v2." in lower or "private key" in lower:
            text = _SECRET_TEXT.sub(_blank, text)
        return text


def _blank(found: re.Match[str]) -> str:
    if found["url"]:
        return f"{found['url']}{HIDDEN}@"
    return f"{found['scheme'] or ''}{HIDDEN}"


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """
    Whether a field of this name holds a secret: ``password``, ``auth.token``, ``authorization`` …
    """
    return _SECRET_NAME.search(name) is not None


def escaped(text: str) -> str:
    """
    The text with characters escaped (as in JSON: ``\\u001b``) that do something to whoever shows it.
    """
    if text.isprintable():  # that leaves nothing of what is looked for, and is fast
        return text
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


__all__ = ["HIDDEN", "Redactor", "escaped", "is_secret_name"]
