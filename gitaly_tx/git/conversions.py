"""
What git would do to the content of a file that is added.
"""

from __future__ import annotations

from . import peeling
from .attributes import TreeAttributes, info_attributes
from .directory import GitDirectory
from .interfaces import IObjects
from .objectid import ObjectFormat, ObjectID
from .quarantine import object_id
from .textconversion import ATTRIBUTES, Conversion, conversion


def conversion_of(
    path: bytes, objects: IObjects, directory: GitDirectory, object_format: ObjectFormat, head: ObjectID | None
) -> Conversion:
    """
    What ``info/attributes`` say of a path, and the ``.gitattributes`` of a commit. It blocks.

    :param head: the commit; ``None`` for none.
    """
    tree = None if head is None else peeling.peeled_id(objects, head, b"tree")
    if tree is None:
        tree = object_id(object_format, b"tree", b"")
    attributes = TreeAttributes(objects, tree, info_attributes(directory))
    return conversion(attributes.look_up(path, ATTRIBUTES))
