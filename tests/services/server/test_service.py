"""
Tests for :mod:`gitaly_tx.services.server.service`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.server.service import ServerService
from gitaly_tx.signing.system import UNSIGNED, Signing, parse
from gitaly_tx.storage.interfaces import StorageInfo
from protocols.gitaly import server_pb2 as pb
from tests.support.calls import make_call
from tests.support.signingkeys import ssh_key
from tests.support.threads import ParkedThreads


class FakeGit:
    """
    A git of a version.
    """

    version_text = "2.39.5"


class ServerServiceTests(SynchronousTestCase):
    """
    ``ServerService``.
    """

    def setUp(self):
        self.threads = ParkedThreads()
        self.root = self.mktemp()
        self.storages = {name: StorageInfo(name, self.root, f"id-{name}") for name in ("default", "other")}

    def ask(self, name, request, signing=UNSIGNED):
        """
        The one reply to a request.
        """
        git: object = FakeGit()
        service = ServerService("0.1.0", git, self.storages, self.threads, signing)  # type: ignore[arg-type]
        verifyObject(IMethods, service)
        call = make_call(f"ServerService/{name}", [request])
        done: Deferred[None] = Dispatcher([service], (), Clock()).dispatch(call)
        if self.threads.parked:
            self.assertNoResult(done)
            self.threads.all()
        self.successResultOf(done)
        (reply,) = call.exchange.replies
        return reply

    def test_server_info(self):
        """
        ServerInfo says which server and git this is, and how the storages are, in their order; file systems are asked in a
        thread.
        """
        reply = self.ask("ServerInfo", pb.ServerInfoRequest())
        self.assertEqual((reply.server_version, reply.git_version), ("0.1.0", "2.39.5"))
        self.assertEqual([status.storage_name for status in reply.storage_statuses], ["default", "other"])
        self.assertEqual([status.filesystem_id for status in reply.storage_statuses], ["id-default", "id-other"])

    def test_disk_statistics(self):
        """
        DiskStatistics names every storage.
        """
        reply = self.ask("DiskStatistics", pb.DiskStatisticsRequest())
        self.assertEqual([status.storage_name for status in reply.storage_statuses], ["default", "other"])

    def test_readiness_check(self):
        """
        ReadinessCheck is answered with yes.
        """
        reply = self.ask("ReadinessCheck", pb.ReadinessCheckRequest())
        self.assertEqual(reply.WhichOneof("Result"), "ok_response")

    def test_server_signature(self):
        """
        ServerSignature shows the public key.
        """
        self.assertEqual(self.ask("ServerSignature", pb.ServerSignatureRequest()), pb.ServerSignatureResponse())
        signing = Signing(parse(ssh_key()))
        reply = self.ask("ServerSignature", pb.ServerSignatureRequest(), signing)
        self.assertEqual(reply.public_key, signing.public())
