"""
What a backup is made of, and the file that says so: Gitaly's TOML, with checksums that Gitaly passes over.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import Any

from attrs import frozen

from ..errors import GitalyError
from ..git.names import is_valid_ref
from ..git.objectid import ObjectFormat

_DIGEST = re.compile(rb"digest = '([0-9a-f]{64})'\n")

_ESCAPED = {'"': '\\"', "\\": "\\\\"}


class BadManifest(GitalyError):
    """
    A manifest is damaged, or was not written by us or Gitaly.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"manifest: {why}")


@frozen
class Step:
    """
    A full backup, or what is new since the step before it. Names are those of a sink.

    :param refs: the file that has all refs.
    :param bundle: the file that has the objects; there is none if there are no refs.
    :param hooks: the tar file of hooks, if it is there.
    :param previous: the refs of the step before.
    :param refs_digest: SHA-256 of the refs, in hexadecimal digits; empty if nobody noted it.
    :param hooks_digest: the same of the hooks; also empty if there are none.
    """

    refs: str
    bundle: str
    hooks: str
    previous: str = ""
    refs_digest: str = ""
    hooks_digest: str = ""


@frozen
class Backup:
    """
    :param object_format: ``None`` if that is not known.
    :param head: the ref that HEAD is a name for; empty if that is not known, or if it is none.
    :param steps: at least one.
    """

    id: str
    object_format: ObjectFormat | None
    head: bytes
    steps: tuple[Step, ...]


def encode(backup: Backup) -> bytes:
    """
    The file.
    """
    lines = []
    if backup.object_format is not None:
        lines.append(f"object_format = {_quoted(backup.object_format.value)}")
    head = _text(backup.head)
    if head:
        lines.append(f"head_reference = {_quoted(head)}")
    for step in backup.steps:
        values = {
            "bundle_path": step.bundle,
            "ref_path": step.refs,
            "previous_ref_path": step.previous,
            "custom_hooks_path": step.hooks,
            "ref_digest": step.refs_digest,
            "custom_hooks_digest": step.hooks_digest,
        }
        lines += ["", "[[steps]]", *(f"{key} = {_quoted(value)}" for key, value in values.items() if value)]
    body = "".join(f"{line}\n" for line in lines).encode()
    return b"digest = '%s'\n" % hashlib.sha256(body).hexdigest().encode() + body


def decode(data: bytes, backup_id: str) -> Backup:
    """
    Read one, ours or Gitaly's.

    :raises BadManifest: if it is none.
    """
    found = _DIGEST.match(data)
    if found is not None and hashlib.sha256(data[found.end() :]).hexdigest().encode() != found[1]:
        raise BadManifest("checksum does not match")
    try:
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadManifest("invalid TOML") from error
    given = _string(table, "object_format")
    try:
        object_format = ObjectFormat(given) if given else None
    except ValueError:
        raise BadManifest("unknown object format") from None
    head = _string(table, "head_reference").encode()
    if head and not is_valid_ref(head):
        raise BadManifest("invalid head reference")
    steps = table.get("steps", [])
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise BadManifest("no steps")
    backup = Backup(backup_id, object_format, head, tuple(map(_step, steps)))
    before = ""
    for step in backup.steps:
        if not step.refs or step.previous != before:
            raise BadManifest("steps do not follow one another")
        before = step.refs
    return backup


def _step(table: dict[str, Any]) -> Step:
    return Step(
        refs=_string(table, "ref_path"),
        bundle=_string(table, "bundle_path"),
        hooks=_string(table, "custom_hooks_path"),
        previous=_string(table, "previous_ref_path"),
        refs_digest=_string(table, "ref_digest"),
        hooks_digest=_string(table, "custom_hooks_digest"),
    )


def _string(table: dict[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise BadManifest(f"{key} is no string")
    return value


def _text(name: bytes) -> str:
    """
    TOML has no way to say what is not UTF-8; a HEAD of such a name is found by its commit instead.
    """
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""


def _quoted(text: str) -> str:
    """
    A string as Gitaly writes it: literal, if it can be.
    """
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04x}"
    return _ESCAPED.get(character, character)


__all__ = ["BadManifest", "Backup", "Step", "decode", "encode"]
