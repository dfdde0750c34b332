"""
Feature flags: how callers choose between two ways of doing something.
"""

from __future__ import annotations

from ..rpc.call import Call


def enabled(call: Call, name: str, default: bool = False) -> bool:
    """
    Whether a flag is on.

    :param name: ``gpg_signing``; in the metadata it is ``gitaly-feature-gpg-signing``.
    :param default: if the caller does not say ``true`` or ``false``.
    """
    said = call.metadatum("gitaly-feature-" + name.replace("_", "-"))
    return {"true": True, "false": False}.get(said, default)
