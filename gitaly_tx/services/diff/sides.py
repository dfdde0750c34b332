"""
The two sides of a diff as requests name them.
"""

from __future__ import annotations

from typing import Protocol

from ...errors import Code, GitalyError
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import NamesRepository, given, opened


class NamesSides(NamesRepository, Protocol):
    """
    A request that compares two commits.
    """

    @property
    def left_commit_id(self) -> str:
        """
        Any revision of a commit or tree.
        """

    @property
    def right_commit_id(self) -> str:
        """
        Any revision of a commit or tree.
        """


async def opened_with_sides(storage: IStorageProvider, request: NamesSides) -> IRepository:
    """
    :raises GitalyError: as :func:`~gitaly_tx.services.validate.opened`; INVALID_ARGUMENT ``empty LeftCommitId``, ``empty
        RightCommitId``. Whether there are such commits is for git to say.
    """
    repository = await opened(storage, given(request))
    if not request.left_commit_id:
        raise GitalyError("empty LeftCommitId", Code.INVALID_ARGUMENT)
    if not request.right_commit_id:
        raise GitalyError("empty RightCommitId", Code.INVALID_ARGUMENT)
    return repository
