"""
What may be asked about files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final

from attrs import frozen
from zope.interface import Interface

BEGINNING: Final = 2048
"""Bytes of a file that are looked at to tell what it is."""

LONGEST_TEXT: Final = 256 * 1024
"""Bytes of a text that are looked at to tell which licence it is."""


@frozen
class Place:
    """
    What the name of a file tells.

    :param documentation: it is part of the documentation.
    :param vendored: it is somebody else's, kept beside.
    """

    documentation: bool
    vendored: bool


@frozen
class Nature:
    """
    What a file is.

    :param generated: a program made it.
    :param language: linguist's name for its language; empty if that cannot be told.
    """

    generated: bool
    language: str


@frozen
class Language:
    """
    :param counted: it is for programming or markup, and not for data or prose.
    :param color: ``#3572A5``; every name has one, also those that nobody knows.
    :param number: linguist's; 0 for a language that it does not know.
    """

    name: str
    counted: bool
    color: str
    number: int


@frozen
class License:
    """
    A licence of the SPDX list that a text is.

    :param id: SPDX's identifier: ``GPL-3.0+``.
    :param url: where it can be read; may be empty.
    :param confidence: from 0 to 1.
    """

    id: str
    name: str
    url: str
    confidence: float


class ILinguist(Interface):
    """
    Tells what files are, in another process: they are anybody's.
    """

    def places(paths: Sequence[bytes]) -> Awaitable[list[Place]]:
        """
        :returns: one for each path, in order.
        :raises GitalyError: UNIMPLEMENTED where there is no library that knows; INTERNAL if the process cannot answer.
        """

    def natures(files: Sequence[tuple[bytes, bytes]]) -> Awaitable[list[Nature]]:
        """
        :param files: paths and the first :data:`BEGINNING` bytes of what is in them.
        :returns: one for each file, in order.
        :raises GitalyError: as :func:`places`.
        """

    def languages(names: Sequence[str]) -> Awaitable[list[Language]]:
        """
        :returns: one for each name, in order.
        :raises GitalyError: as :func:`places`.
        """

    def licenses(text: bytes, ending: str) -> Awaitable[list[License]]:
        """
        :param ending: of the file's name: ``.md``, ``.rst`` and ``.html`` have markup to be passed over.
        :returns: the licences that the text may be, the most likely first.
        :raises GitalyError: INTERNAL if the process cannot answer.
        """


__all__ = ["BEGINNING", "LONGEST_TEXT", "ILinguist", "Language", "License", "Nature", "Place"]
