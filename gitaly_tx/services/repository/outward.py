"""
What the methods work with that ask other servers.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from ...client.interfaces import IPeers
from ...transport.remotefetch import RemoteFetch
from ...transport.remotes import Remotes


@frozen
class Outward:
    """
    :param remotes: repositories elsewhere.
    :param fetches: brings what they have.
    :param peers: other Gitalys, which callers name.
    :param clock: for calls that may take only so long.
    """

    remotes: Remotes
    fetches: RemoteFetch
    peers: IPeers
    clock: IReactorTime
