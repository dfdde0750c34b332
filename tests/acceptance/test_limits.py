"""
Limits on what is done at once, with real clients.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from twisted.trial.unittest import SkipTest, TestCase

from protocols.gitaly import ssh_pb2
from protocols.gitaly.errors_pb2 import LimitError
from protocols.gitaly.shared_pb2 import Repository
from tests.support.gitclient import GitClient, make_key, over_ssh
from tests.support.server import PATIENCE, Server, shared_server
from tests.support.waiting import eventually

LIMITS = """
[[concurrency]]
rpc = "/gitaly.SSHService/SSHUploadPack"
max_per_repo = 1
max_queue_size = 1
max_queue_wait = "2s"
"""
FETCH = "/gitaly.SSHService/SSHUploadPack"


class Fetch:
    """
    A fetch over gRPC that stays open until it is ended: it says nothing.
    """

    def __init__(self, server: Server, path: str) -> None:
        self._requests: queue.Queue[Any] = queue.Queue()
        self._requests.put(ssh_pb2.SSHUploadPackRequest(repository=Repository(storage_name="default", relative_path=path)))
        self._channel = grpc.insecure_channel(server.grpc, options=[("grpc.use_local_subchannel_pool", 1)])
        self.call = self._channel.stream_stream(
            FETCH,
            request_serializer=ssh_pb2.SSHUploadPackRequest.SerializeToString,
            response_deserializer=ssh_pb2.SSHUploadPackResponse.FromString,
        )(self._sent(), timeout=PATIENCE)

    def _sent(self) -> Iterator[Any]:
        while (request := self._requests.get()) is not None:
            yield request

    def advertised(self) -> None:
        """
        Wait until git has begun to answer.
        """
        next(self.call)

    def error(self) -> grpc.RpcError:
        """
        Wait until it has failed.
        """
        try:
            for _ in self.call:
                pass
        except grpc.RpcError as error:
            return error
        raise AssertionError("it did not fail")

    def end(self) -> None:
        """
        Go away.
        """
        self._requests.put(None)
        self.call.cancel()
        self._channel.close()


class LimitTests(TestCase):
    """
    A server that serves one fetch of a repository at once.
    """

    timeout = 240

    def setUp(self) -> None:
        self.server = shared_server(LIMITS)
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.git = GitClient(self.folder)
        self.path = f"limits/{self.id().rsplit('.', 1)[-1]}.git"
        work = self.git.repository("work")
        self.git.commit(work, "text\n")
        self.git.run("push", "-q", self.server.http + self.path, "main", cwd=work)

    def fetch(self) -> Fetch:
        made = Fetch(self.server, self.path)
        self.addCleanup(made.end)
        return made

    def queued(self) -> bool:
        labels = '{grpc_method="SSHUploadPack",grpc_service="gitaly.SSHService",system="gitaly"}'
        return f"gitaly_concurrency_limiting_queued{labels} 1.0" in self.server.page("/metrics")

    def test_second_fetch(self) -> None:
        """
        While one fetch is open, a second one waits and is refused in the end, a third one is refused at once; each with the
        detail that Gitaly's clients read. When the first has gone, the next is served.
        """
        first = self.fetch()
        first.advertised()
        second = self.fetch()
        eventually(self.queued, "the second fetch waits")
        full = self.fetch().error()
        self.assertEqual((full.code(), full.details()), (grpc.StatusCode.RESOURCE_EXHAUSTED, "maximum queue size reached"))
        late = second.error()
        text = "maximum time in concurrency queue reached"
        self.assertEqual((late.code(), late.details()), (grpc.StatusCode.RESOURCE_EXHAUSTED, text))
        self.assertEqual(detail(late).error_message, text)
        dropped = '{grpc_method="SSHUploadPack",grpc_service="gitaly.SSHService",reason="max_time",system="gitaly"}'
        page = self.server.page("/metrics")
        self.assertIn(f"gitaly_requests_dropped_total{dropped} ", page)
        self.assertIn('gitaly_tx_rejections_total{method="SSHUploadPack",reason="limit",service="gitaly.SSHService"} ', page)
        first.end()
        self.fetch().advertised()

    def test_told_over_ssh(self) -> None:
        """
        Whoever waits over SSH is told so, and learns in words why they are refused.
        """
        if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise SkipTest("OpenSSH's client is not installed")
        make_key(self.folder / "key")
        git = GitClient(self.folder, over_ssh(self.folder, self.folder / "key"))
        first = self.fetch()
        first.advertised()
        refused = git.run("clone", self.server.ssh + self.path, "refused", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("The server is busy; you are next.", refused.stderr)
        self.assertIn("maximum time in concurrency queue reached", refused.stderr)
        waiting = git.start("clone", "-q", self.server.ssh + self.path, "copy")
        eventually(self.queued, "the clone waits")
        first.end()
        self.assertEqual(waiting.communicate(timeout=PATIENCE)[1].decode(), "")
        self.assertEqual(waiting.returncode, 0)


def detail(error: Any) -> LimitError:
    """
    The detail of an error: the third field of the status that goes with it.
    """
    status = dict(error.trailing_metadata())["grpc-status-details-bin"]
    packed, found = AnyMessage(), LimitError()
    packed.ParseFromString(status[status.rindex(b"\x1a", 0, status.index(b"type.googleapis.com")) + 2 :])
    packed.Unpack(found)
    return found
