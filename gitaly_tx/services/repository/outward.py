"""
What the methods work with that bring something here from elsewhere.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from ...client.interfaces import IPeers
from ...transport.clones import Clones
from ...transport.peerpipe import PeerPipes
from ...transport.remotefetch import RemoteFetch
from ...transport.remotes import Remotes
from ...wal.threads import InThread


@frozen
class Outward:
    """
    :param remotes: repositories elsewhere.
    :param fetches: brings what they have into a repository.
    :param clones: makes a repository of what they have.
    :param peers: other Gitalys, which callers name.
    :param pipes: lets git fetch from them.
    :param in_thread: where files are written.
    :param clock: for calls that may take only so long.
    """

    remotes: Remotes
    fetches: RemoteFetch
    clones: Clones
    peers: IPeers
    pipes: PeerPipes
    in_thread: InThread
    clock: IReactorTime
