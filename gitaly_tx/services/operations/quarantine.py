"""
A quarantine for as long as a call takes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ...storage.interfaces import IRepository, IStaging


@asynccontextmanager
async def quarantine(repository: IRepository, held: bool = False) -> AsyncGenerator[IStaging, None]:
    """
    Make one, and remove what is left of it at the end, whatever happened.

    :param held: as for :func:`gitaly_tx.storage.interfaces.IRepository.stage`.
    """
    staging = await repository.stage(held)
    try:
        yield staging
    finally:
        await staging.discard()
