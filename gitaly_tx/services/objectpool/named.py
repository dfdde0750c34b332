"""
The pool that a request names.
"""

from __future__ import annotations

from typing import Protocol

from protocols.gitaly.shared_pb2 import ObjectPool, Repository


class NamesPool(Protocol):
    """
    A request that has a field ``object_pool``.
    """

    @property
    def object_pool(self) -> ObjectPool:
        """
        The pool; an empty message if none is named.
        """

    def HasField(self, field_name: str, /) -> bool:
        """
        Whether a field is set.
        """


def pool_of(request: NamesPool) -> Repository | None:
    """
    The pool's repository; ``None`` if the request names none.
    """
    pool = request.object_pool if request.HasField("object_pool") else None
    return pool.repository if pool is not None and pool.HasField("repository") else None
