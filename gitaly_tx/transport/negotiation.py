"""
What a fetching client says, counted on the way: the statistics that calls over a sidechannel answer with.
"""

from __future__ import annotations

from zope.interface import implementer

from protocols.git.fetch import NegotiationStatistics
from protocols.gitaly.packfile_pb2 import PackfileNegotiationStatistics

from ..streams import IByteSource


@implementer(IByteSource)
class NotedSource:
    """
    Counts what the client says on the way.
    """

    def __init__(self, inner: IByteSource) -> None:
        self._inner = inner
        self.statistics = NegotiationStatistics()

    async def read(self) -> bytes:
        """
        As the inner source.
        """
        data = await self._inner.read()
        self.statistics.receive(data)
        return data


def statistics_message(counted: NegotiationStatistics) -> PackfileNegotiationStatistics:
    """
    The statistics as they are answered.
    """
    return PackfileNegotiationStatistics(
        payload_size=counted.payload_size,
        packets=counted.packets,
        caps=[cap.decode("utf-8", "replace") for cap in counted.caps],
        wants=counted.wants,
        haves=counted.haves,
        shallows=counted.shallows,
        deepen=counted.deepen.decode("utf-8", "replace"),
        filter=counted.filter.decode("utf-8", "replace"),
    )
