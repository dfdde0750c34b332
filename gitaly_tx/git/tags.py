"""
What a tag object names.
"""

from __future__ import annotations

import re

from .errors import ObjectCorrupt
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
