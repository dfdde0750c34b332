"""
Real git against a real, daemonized server, through each of its doors.
"""

from __future__ import annotations

import shutil

from twisted.trial.unittest import TestCase

from tests.contracts import gittransport
from tests.support.gitclient import make_key, over_grpc, over_ssh
from tests.support.server import Server, shared_server

LIMITS = """
[push]
max_file_size = "2MiB"
"""


class HTTPTests(gittransport.URLContract, TestCase):
    """
    git over HTTP.
    """

    timeout = 240

    def start(self) -> Server:
        """
        The server, with a limit on files.
        """
        return shared_server(LIMITS)

    def url(self, path: str) -> str:
        """
        The HTTP URL.
        """
        return self.server.http + path


class SSHTests(gittransport.URLContract, TestCase):
    """
    git over SSH, with OpenSSH as the client.
    """

    timeout = 240
    skip = None if shutil.which("ssh") and shutil.which("ssh-keygen") else "OpenSSH's client is not installed"

    def start(self) -> Server:
        """
        The server, with a limit on files.
        """
        return shared_server(LIMITS)

    def environment(self) -> dict[str, str]:
        """
        OpenSSH with a key that nobody knows: on a server without users, everybody may come in.
        """
        make_key(self.folder / "key")
        return over_ssh(self.folder, self.folder / "key")

    def url(self, path: str) -> str:
        """
        The SSH URL.
        """
        return self.server.ssh + path


class GRPCTests(gittransport.GitTransportContract, TestCase):
    """
    git over plain gRPC, as an application would do it that has no sidechannel.
    """

    timeout = 240

    def start(self) -> Server:
        """
        The server, with a limit on files.
        """
        return shared_server(LIMITS)

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
