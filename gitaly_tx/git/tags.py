"""
Tag objects: what they name, and new ones.
"""

from __future__ import annotations

import re

from ..errors import GitalyError
from .commits import Ident
from .errors import ObjectCorrupt
from .names import is_valid_ref
from .objectid import ObjectID

_HEADER = re.compile(rb"object ([0-9a-f]{40}(?:[0-9a-f]{24})?)\ntype (blob|tree|commit|tag)\n")


def tagged(oid: ObjectID, data: bytes) -> ObjectID:
    """
    The object that a tag names, which may be another tag.

    :param oid: the tag's own id, for the error.
    :param data: the tag's content.
    :raises ObjectCorrupt: if that is no tag.
    """
    found = _HEADER.match(data)
    if found is None:
        raise ObjectCorrupt(oid, "malformed tag")
    return ObjectID(found[1])


def tag_content(target: ObjectID, type: bytes, name: bytes, tagger: Ident, message: bytes) -> bytes:
    """
    The content of a new tag object.

    :param type: of the target.
    :param name: without ``refs/tags/``.
    :param tagger: as it is, without git's clean-up.
    :param message: as it is, with or without a newline at its end.
    :raises GitalyError: if ``git mktag`` would not make it.
    """
    if not is_valid_ref(b"refs/tags/" + name):
        raise GitalyError("invalid tag name", None, {"name": name})
    who = b"%b <%b> %d %b" % (tagger.name, tagger.email, tagger.seconds, tagger.zone)
    if any(byte in who for byte in (b"\0", b"\n")):
        raise GitalyError("invalid tagger", None, {"tagger": who})
    return b"object %b\ntype %b\ntag %b\ntagger %b\n\n%b" % (target, type, name, who, message)
