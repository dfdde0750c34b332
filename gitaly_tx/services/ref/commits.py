"""
The commits that branches point at.
"""

from __future__ import annotations

from protocols.gitaly.shared_pb2 import GitCommit

from ...errors import Code, GitalyError
from ...git.interfaces import IObjects, Reference
from ...git.parse.mailmap import Mailmap
from ...git.peeling import peeled
from ..wire import commit_message


def commit_of(objects: IObjects, ref: Reference, mailmap: Mailmap) -> GitCommit:
    """
    :raises GitalyError: INTERNAL ``object not found`` if a ref points at something else, or at nothing.
    """
    found = peeled(objects, ref.target, b"commit")
    if found is None:
        raise GitalyError("object not found", Code.INTERNAL, {"ref": ref.name, "oid": str(ref.target)})
    return commit_message(found, mailmap)
