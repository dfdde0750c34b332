"""
The methods of ``analysis.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import analysis_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from .generated import Means, check_blobs_generated


@implementer(IMethods)
@frozen
class AnalysisService:
    """
    What the contents of repositories are.
    """

    service: ClassVar[str] = "gitaly.AnalysisService"

    _means: Means

    def CheckBlobsGenerated(
        self, call: Call, requests: AsyncIterator[pb.CheckBlobsGeneratedRequest]
    ) -> AsyncIterator[pb.CheckBlobsGeneratedResponse]:
        return check_blobs_generated(self._means, requests)
