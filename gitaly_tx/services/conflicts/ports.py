"""
What the methods of this service work with.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import frozen

from ...client.interfaces import IPeers
from ...git.interfaces import IGit
from ...hooks.updateref import RefUpdater
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread


@frozen
class ConflictPorts:
    """
    :param peers: other Gitalys, which callers name.
    :param updater: moves refs for users, with all that has a say in it.
    :param in_thread: where blocking work is done.
    :param now: tells the time, in seconds since 1970.
    """

    git: IGit
    storage: IStorageProvider
    peers: IPeers
    updater: RefUpdater
    in_thread: InThread
    now: Callable[[], float] = time.time
