"""
Pages of tree entries: tokens in, tokens out.
"""

from __future__ import annotations

import base64
import binascii
import json

from protocols.gitaly.shared_pb2 import PaginationParameter

from ...errors import Code, GitalyError
from ...git.treewalk import Found


def page(found: list[Found], parameters: PaginationParameter) -> tuple[list[Found], str]:
    """
    The entries of a page, and the token for the next; empty if there is none.

    :raises GitalyError: INTERNAL ``could not find starting OID: …`` for a token that names no entry.
    """
    start = _start(found, parameters.page_token)
    rest = found[start:]
    if parameters.limit < 0 or parameters.limit >= len(rest):
        return rest, ""
    taken = rest[: parameters.limit]
    return taken, token(taken[-1].path) if taken else ""


def token(path: bytes) -> str:
    """
    What names the entry with this path. Bytes that are no UTF-8 do not survive it, as with Gitaly.
    """
    content = json.dumps({"file_name": path.decode("utf-8", "replace")}, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return base64.b64encode(content.encode("utf-8")).decode("ascii")


def _start(found: list[Found], given: str) -> int:
    """
    Where a page begins: at the top without a token, or with one that names nothing.
    """
    name = _file_name(given) if given else ""
    if name == "":
        return 0
    if name is None:
        oid = given.encode("utf-8")
        matches = (number for number, each in enumerate(found, 1) if each.entry.oid == oid)
    else:
        matches = (number for number, each in enumerate(found, 1) if each.path.decode("utf-8", "replace") == name)
    start = next(matches, None)
    if start is None:
        raise GitalyError(f"could not find starting OID: {given if name is None else name}", Code.INTERNAL)
    return start


def _file_name(given: str) -> str | None:
    """
    The path in a token, empty if it names none; ``None`` for one of the older kind, which is an object id.
    """
    try:
        content = json.loads(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError):
        return None
    if content is None:
        return ""
    name = content.get("file_name", "") if isinstance(content, dict) else None
    return name if isinstance(name, str) else None
