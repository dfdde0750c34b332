"""
Why a ref was not updated, in the words that git's users know.

The report gets a short reason. What git says besides, which tells somebody what to do about it, goes to the user as a message.
"""

from __future__ import annotations

from ..git.interfaces import RefRefused, Refusal
from .pushrequest import Wish

UNPACKER_ERROR = b"unpacker error"
MISSING = b"missing necessary objects"
SHALLOW = b"shallow update not allowed"
HIDDEN_UPDATE = b"deny updating a hidden ref"
HIDDEN_DELETE = b"deny deleting a hidden ref"
PRE_RECEIVE = b"pre-receive hook declined"
UPDATE_HOOK = b"hook declined"
FUNNY = b"funny refname"
CURRENT = b"deletion of the current branch prohibited"
DELETION = b"deletion prohibited"
NOT_FORWARD = b"non-fast-forward"
FAILED = b"failed to update ref"
ATOMIC_FAILURE = b"atomic push failure"
ATOMIC_TRANSACTION = b"atomic transaction failed"


def reason(refused: RefRefused) -> bytes:
    """
    What the report says.
    """
    if refused.why in (Refusal.MALFORMED, Refusal.MISSING_OBJECT):
        return str(refused.why.value).encode("ascii")
    return FAILED


def explanation(wish: Wish, refused: RefRefused) -> bytes:
    """
    What the user is told beside.
    """
    name = wish.name
    match refused.why:
        case Refusal.MALFORMED:
            return b"error: refusing to update funny ref '%b' remotely\n" % name
        case Refusal.STALE if refused.actual is not None and not refused.actual.is_zero:
            detail = b"is at %b but expected %b" % (refused.actual, wish.old)
        case Refusal.STALE:
            detail = b"reference is missing but expected %b" % wish.old
        case Refusal.EXISTS:
            detail = b"reference already exists"
        case Refusal.CONFLICT if refused.other is not None:
            detail = b"'%b' exists; cannot create '%b'" % (refused.other, name)
        case Refusal.CONFLICT:
            detail = b"there is a ref in the way of the name"
        case Refusal.LOCKED:
            detail = b"somebody else has it locked"
        case Refusal.MISSING_OBJECT:
            return b"error: unpack should have generated %b, but I can't find it!\n" % wish.new
        case _:
            detail = b"it cannot be written"
    return b"error: cannot lock ref '%b': %b\n" % (name, detail)


def waiting(ahead: int | None) -> bytes:
    """
    What somebody is told whose push waits for others; nothing if it does not.
    """
    if ahead is None:
        return b""
    return b"Waiting for %d other write%s to this repository.\n" % (ahead, b"" if ahead == 1 else b"s")
