"""
Real git against a real, daemonized server, through each of its doors.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

from twisted.trial.unittest import SkipTest, TestCase

from tests.contracts import gittransport
from tests.support.gitclient import make_key, over_grpc, over_ssh
from tests.support.server import Server

LIMITS = """
[push]
max_file_size = "2MiB"
"""


class ServerCase(TestCase):
    """
    One server for all tests of a class.
    """

    server: ClassVar[Server]
    keys: ClassVar[Path]
    timeout = 240

    @classmethod
    def configuration(cls) -> str:
        """
        More configuration.
        """
        return LIMITS

    @classmethod
    def setUpClass(cls) -> None:
        cls.keys = Path(tempfile.mkdtemp(prefix="gitaly-tx-keys-"))
        cls.server = Server(cls.configuration())
        cls.server.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()
        cls.server.dispose()
        shutil.rmtree(cls.keys)


class HTTPTests(gittransport.GitTransportContract, ServerCase):
    """
    git over HTTP.
    """

    def url(self, path: str) -> str:
        """
        The HTTP URL.
        """
        return self.server.http + path


class SSHTests(gittransport.GitTransportContract, ServerCase):
    """
    git over SSH, with OpenSSH as the client.
    """

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise SkipTest("OpenSSH's client is not installed")
        super().setUpClass()
        make_key(cls.keys / "key")

    def environment(self) -> dict[str, str]:
        """
        OpenSSH with a key that nobody knows: on a server without users, everybody may come in.
        """
        return over_ssh(self.folder, self.keys / "key")

    def url(self, path: str) -> str:
        """
        The SSH URL.
        """
        return self.server.ssh + path


class GRPCTests(gittransport.GitTransportContract, ServerCase):
    """
    git over plain gRPC, as an application would do it that has no sidechannel.
    """

    def environment(self) -> dict[str, str]:
        """
        A small gRPC client in the place of ssh.
        """
        return over_grpc(self.server.grpc)

    def url(self, path: str) -> str:
        """
        A URL that git hands to its ssh.
        """
        return f"ssh://grpc.invalid/{path}"
