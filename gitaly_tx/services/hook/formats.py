"""
Object formats by their names.
"""

from __future__ import annotations

from ...git.objectid import ObjectFormat
from ...git.quoting import quoted
from .running import Failed


def format_named(name: str) -> ObjectFormat:
    """
    :raises Failed: for an unknown one.
    """
    for object_format in ObjectFormat:
        if object_format.value == name:
            return object_format
    raise Failed(f"looking up object hash: unknown object format: {quoted(name)}")
