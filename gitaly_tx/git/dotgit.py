"""
Names that some file system takes for ``.git`` (git's ``path.c`` and ``utf8.c``): a tree that has one is dangerous to check out.
"""

from __future__ import annotations

import re
from typing import Final

_NTFS: Final = re.compile(rb"(?:\A|\\)(?:\.git|git~1)[ .]*(?:\Z|[:\\])", re.IGNORECASE)

_IGNORED: Final = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
"""What HFS+ does not see."""


def is_dotgit(name: bytes) -> bool:
    """
    Whether a component of a path is ``.git`` to Linux, to Windows (``GIT~1``, ``.git.``) or to a Mac (with invisible characters).
    """
    if _NTFS.search(name) is not None:
        return True
    if name.isascii():
        return False
    try:
        return name.decode("utf-8").translate(_IGNORED).lower() == ".git"
    except UnicodeDecodeError:
        return False
