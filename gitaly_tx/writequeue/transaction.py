"""
A write, before and after it happened.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from ..git.interfaces import RefRefused
from ..wal.interfaces import Head, Manifest


@frozen
class Transaction:
    """
    :param manifest: what should change. ``old`` of its ref updates is what the writer believes.
    :param atomic: all ref updates or none. Otherwise those that are refused are left out, and the rest is written.
    """

    manifest: Manifest
    atomic: bool = True


@frozen
class Outcome:
    """
    :param refused: the ref updates that were not made, by name. With ``atomic``, if this is not empty nothing was written.
    :param head: the partition's head after the write; ``None`` if nothing was written.
    """

    refused: Mapping[bytes, RefRefused]
    head: Head | None
