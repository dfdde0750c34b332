"""
Checks that many RPCs begin with.
"""

from __future__ import annotations

from typing import Protocol

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..storage.interfaces import IRepository, IStorageProvider


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
