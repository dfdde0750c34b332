"""
Which names of refs and which revisions are well-formed.

The texts are those that Gitaly's clients know; whoever calls adds the prefix (``validating reference: ``) and wraps.
"""

from __future__ import annotations

import re

from ..errors import Code, GitalyError

_SPACES = re.compile(rb"[ \t\n]")
_SPECIAL = re.compile(rb"[:?\[\\^~*\x7f]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

# The whole rule at once, for the names that are looked up all the time.
_WELL_FORMED = re.compile(
    rb"refs"
    rb"(?:/(?!\.)"  # no component is empty or begins with a dot
    rb"(?:(?!\.\.|@\{|\.lock(?:/|\Z))[^\x00-\x20:?\[\\^~*\x7f/])+"
    rb")+(?<!\.)\Z"
)

# Most revisions: full ids, names of refs, and steps from them. Nothing in these is refused anywhere.
_HARMLESS = re.compile(rb"[0-9A-Za-z_./][0-9A-Za-z_./@{}~^-]*\Z")

PSEUDO_REVISIONS = frozenset({b"--all", b"--not", b"--branches", b"--tags", b"--alternate-refs"})
"""The options of ``git rev-list`` that count as revisions where a method allows them."""

PSEUDO_REVISION_PREFIXES = (b"--branches=", b"--tags=", b"--glob=")
"""Such options with a value."""


def is_valid_ref(name: bytes) -> bool:
    """
    Whether this is the full name of a ref: below ``refs/``, and as ``git check-ref-format`` wants it. ``HEAD`` is none.
    """
    return _WELL_FORMED.match(name) is not None


def is_branch_name(name: bytes) -> bool:
    """
    Whether git would make a branch of that name, as ``git check-ref-format --branch`` says.

    :param name: without ``refs/heads/``.
    """
    return name != b"HEAD" and not name.startswith(b"-") and is_valid_ref(b"refs/heads/" + name)


def check_ref(name: bytes) -> None:
    """
    Say what is wrong with the full name of a ref, if something is.

    :raises GitalyError: INVALID_ARGUMENT with Gitaly's text for the first rule that the name breaks, in Gitaly's order.
    """
    if _WELL_FORMED.match(name) is not None:
        return  # as nearly always
    wrong = _flaw(name)
    if wrong is not None:
        raise GitalyError(wrong, Code.INVALID_ARGUMENT, {"ref": name})


def _flaw(name: bytes) -> str | None:
    for broken, text in (
        (name == b"HEAD", "HEAD reference not allowed"),
        (not name.startswith(b"refs/"), "reference is not fully qualified"),
        (name == b"refs/", "refs/ is not a valid reference"),
        (name.endswith(b"/"), "reference must not end with slash"),
        (name.endswith(b"."), "reference must not end with dot"),
        (b"@{" in name, "reference must not contain @{"),
        (b".." in name, "reference must not contain double dots"),
        (_SPACES.search(name) is not None, "reference must not contain space characters"),
        (_SPECIAL.search(name) is not None, "reference must not contain special characters"),
        (_CONTROL.search(name) is not None, "reference must not contain control characters"),
    ):
        if broken:
            return text
    for component in name.split(b"/"):
        if not component:
            return "empty component is not allowed"
        if component.startswith(b"."):
            return "component must not start with dot"
        if component.endswith(b".lock"):
            return "component must not end with .lock"
    return None


def validate_revision(
    revision: bytes, *, allow_empty: bool = False, allow_path: bool = False, allow_pseudo: bool = False
) -> None:
    """
    Refuse what git could take for something else than a revision. Whether it resolves is another question.

    :param allow_empty: take an empty one.
    :param allow_path: take ``main:some/path``; only what stands before the first colon is checked then.
    :param allow_pseudo: take ``--all``, ``--not``, ``--branches=…`` and the like.
    :raises GitalyError: INVALID_ARGUMENT with Gitaly's text; the caller adds the field's prefix.
    """
    if _HARMLESS.match(revision) is not None:
        return
    if allow_pseudo and (revision in PSEUDO_REVISIONS or revision.startswith(PSEUDO_REVISION_PREFIXES)):
        return
    checked = revision.partition(b":")[0] if allow_path else revision
    for broken, text in (
        (revision.startswith(b"-"), "revision can't start with '-'"),
        (b"\0" in revision, "revision can't contain NUL"),
        (not checked and not allow_empty, "empty revision"),
        (any(space in checked for space in (b" ", b"\t", b"\n", b"\r")), "revision can't contain whitespace"),
        (b":" in checked, "revision can't contain ':'"),
        (b"\\" in checked, "revision can't contain '\\'"),
    ):
        if broken:
            raise GitalyError(text, Code.INVALID_ARGUMENT, {"revision": revision})
