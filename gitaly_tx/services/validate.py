"""
Checks that many RPCs begin with.
"""

from __future__ import annotations

import re
from typing import Protocol

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..git.objectid import ObjectFormat, ObjectID
from ..git.quoting import quoted
from ..storage.interfaces import IRepository, IStorageProvider

_NO_DIGIT = re.compile(r"[^0-9a-f]")


class NamesRepository(Protocol):
    """
    A request that has a field ``repository``.
    """

    @property
    def repository(self) -> Repository:
        """
        The repository; an empty message if none is named.
        """

    def HasField(self, field_name: str, /) -> bool:
        """
        Whether a field is set.
        """


def given(request: NamesRepository) -> Repository | None:
    """
    The repository that a request names; ``None`` if it names none.
    """
    return request.repository if request.HasField("repository") else None


async def opened(storage: IStorageProvider, message: Repository | None) -> IRepository:
    """
    The repository that a request names, as nearly all RPCs ask for it: what has no code of its own is INVALID_ARGUMENT.

    :raises GitalyError: as :func:`gitaly_tx.storage.interfaces.IStorageProvider.repository`.
    """
    try:
        return await storage.repository(message)
    except GitalyError as error:
        if error.given_code is not None:
            raise
        raise GitalyError(error.message, Code.INVALID_ARGUMENT, error.facts, error.details) from error


def object_id(given: bytes | str, object_format: ObjectFormat) -> ObjectID:
    """
    The id that a caller sends in full.

    :raises GitalyError: INVALID_ARGUMENT, with what is wrong with it.
    """
    raw = given.encode("utf-8") if isinstance(given, str) else given
    if len(raw) != object_format.hex_length:
        wrong = f"invalid object ID: {quoted(raw)}, expected length {object_format.hex_length}, got {len(raw)}"
        raise GitalyError(wrong, Code.INVALID_ARGUMENT)
    if (found := _NO_DIGIT.search(raw.decode("utf-8", "replace"))) is not None:
        raise GitalyError(f"invalid object ID: {quoted(raw)}, invalid character '{found[0]}'", Code.INVALID_ARGUMENT)
    return ObjectID(raw)
