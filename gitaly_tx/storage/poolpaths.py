"""
Which paths are those of object pools.
"""

from __future__ import annotations

import re

_POOL = re.compile(r"@pools/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{64})\.git\Z")
_CLUSTER_POOL = re.compile(r"@cluster/pools/[0-9a-f]{2}/[0-9a-f]{2}/[0-9]+\Z")


def is_pool_path(path: str) -> bool:
    """
    Whether a repository is an object pool, by its path alone, as Gitaly's clients choose the paths of pools.

    :param path: relative to the storage.
    """
    found = _POOL.match(path)
    if found is not None:
        return found[3].startswith(found[1] + found[2])
    return _CLUSTER_POOL.match(path) is not None
