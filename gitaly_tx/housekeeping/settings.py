"""
What a repository's config file should not hold: passwords that somebody once fetched with, and settings that only slow it down.
Pure.
"""

from __future__ import annotations

import re

_UNWANTED = re.compile(
    rb"http\..+\.extraheader|remote\..+\.(?:fetch|mirror|prune|url)|core\.(?:commitgraph|sparsecheckout|splitindex)",
    re.IGNORECASE | re.DOTALL,
)
"""As Gitaly has them."""

_SECTION = re.compile(rb"[ \t]*\[[ \t]*([-.a-zA-Z0-9]+)(?:[ \t]+\"((?:[^\"\\\n]|\\.)*)\")?[ \t]*\][ \t]*(?:[#;][^\n]*)?\r?\n?\Z")
_KEY = re.compile(rb"[ \t]*([a-zA-Z][-a-zA-Z0-9]*)[ \t]*(?:=|\r?\n?\Z|[#;])")


def cleaned(content: bytes) -> bytes:
    """
    The same file without unwanted settings, and without sections that have none. Whatever is written in an unusual way stays.
    """
    kept: list[bytes] = []
    header: list[bytes] = []
    section: bytes | None = None
    dropping = False
    for line in _lines(content):
        found = _SECTION.match(line)
        if found is not None:
            _flush(kept, header, dropping)
            header, dropping = [line], True
            section = found[1] if found[2] is None else found[1] + b"." + re.sub(rb"\\(.)", rb"\1", found[2])
            continue
        if line.lstrip().startswith(b"["):
            # A setting on the same line: nothing that git writes.
            _flush(kept, header, dropping)
            header, dropping, section = [], False, None
            kept.append(line)
            continue
        key = _KEY.match(line)
        if key is not None and section is not None:
            if _UNWANTED.fullmatch(section + b"." + key[1]):
                continue
            dropping = False
        elif line.strip():
            dropping = False
        header.append(line)
        if not dropping:
            kept += header
            header = []
    _flush(kept, header, dropping)
    return b"".join(kept)


def _flush(kept: list[bytes], header: list[bytes], dropping: bool) -> None:
    if not dropping:
        kept += header


def _lines(content: bytes) -> list[bytes]:
    """
    Lines, with those that a backslash continues in one.
    """
    found: list[bytes] = []
    for line in content.splitlines(keepends=True):
        if found and re.search(rb"(?<!\\)(?:\\\\)*\\\r?\n\Z", found[-1]):
            found[-1] += line
        else:
            found.append(line)
    return found
