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
from ...signing.system import UNSIGNED, Signing
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread


@frozen
class OperationPorts:
    """
    :param peers: other Gitalys, which callers name.
    :param updater: moves refs for users, with all that has a say in it.
    :param in_thread: where blocking work is done.
    :param signing: the keys that commits are signed with.
    :param now: tells the time, in seconds since 1970.
    """

    git: IGit
    storage: IStorageProvider
    peers: IPeers
    updater: RefUpdater
    in_thread: InThread
    signing: Signing = UNSIGNED
    now: Callable[[], float] = time.time
