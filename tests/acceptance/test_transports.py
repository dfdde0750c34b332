"""
Real git against a real, daemonized server, through each of its doors.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.trial.unittest import TestCase

from gitaly_tx.frontends.ssh.ciphers import CIPHERS
from tests.contracts import gittransport
from tests.support.gitclient import GitClient, make_key, over_grpc, over_ssh
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


class CipherTests(TestCase):
    """
    OpenSSH's client with ciphers of its choice.
    """

    timeout = 240
    skip = SSHTests.skip

    def test_each(self) -> None:
        """
        A push and a clone work with each cipher that is offered, and the client is offered AES-GCM alone if it has it.
        """
        server = shared_server(LIMITS)
        for number, cipher in enumerate((None, *CIPHERS)):
            folder = Path(self.mktemp()).resolve()
            folder.mkdir()
            make_key(folder / "key")
            environment = over_ssh(folder, folder / "key")
            environment["GIT_SSH_COMMAND"] += " -v -o LogLevel=DEBUG" if cipher is None else f" -c {cipher.decode()}"
            git = GitClient(folder, environment)
            work = git.repository("work")
            tip = git.commit(work, "text")
            url = f"{server.ssh}ciphers/{number}"
            pushed = git.run("push", url, "main", cwd=work)
            if cipher is None:
                self.assertIn("cipher: aes128-gcm@openssh.com", pushed.stderr)
            git.run("clone", "-q", "--bare", url, "copy")
            self.assertEqual(git.run("rev-parse", "main", cwd=folder / "copy").stdout.strip(), tip)


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
