"""
Tests for :mod:`gitaly_tx.services.blob.service`.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.rpc.interfaces import IMethods
from protocols.gitaly import blob_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.services.blob.case import BlobCase

METHODS = [name for name in dir(pb) if name.endswith("Request")]


class ServiceTests(BlobCase):
    """
    What all of its methods have in common.
    """

    def test_interface(self):
        """
        The service is a table of methods.
        """
        verifyObject(IMethods, self.service)

    async def test_repository(self):
        """
        Whatever else is wrong, the repository is looked at first.
        """
        self.assertEqual(len(METHODS), 7)
        for name in METHODS:
            method = name.removesuffix("Request")
            called = getattr(self.service, method)
            unset = await self.refusal(called(None, getattr(pb, name)()))
            self.assertEqual(unset, (Code.INVALID_ARGUMENT, "repository not set"), method)
            missing = await self.refusal(called(None, getattr(pb, name)(repository=Repository(relative_path="x.git"))))
            self.assertEqual(missing, (Code.NOT_FOUND, "repository not found"), method)
