"""
Clients of Gitaly's, unchanged, against a real server: multiplexed connections with sidechannels, plain connections beside them on
the same port.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from twisted.trial.unittest import SkipTest, TestCase

from gitaly_tx.rpc.catalogue import gitaly_methods
from tests.support.gitclient import GitClient, over_grpc, over_sidechannels
from tests.support.server import Server, descendants, shared_server
from tests.support.waiting import eventually

FOREIGN = Path(__file__).parent / "yamuxclient"


class SidechannelTests(TestCase):
    """
    git in the way of GitLab Shell.
    """

    timeout = 240

    def setUp(self) -> None:
        self.server: Server = shared_server("")
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = f"{self.folder.name}.git"

    def to_and_fro(self, environment: dict[str, str]) -> None:
        """
        Push a history, clone it, fetch what came since.
        """
        url = f"ssh://grpc.invalid/{self.path}"
        git = GitClient(self.folder, environment)
        git.run("init", "-q", "--bare", "-b", "main", str(self.server.storage / self.path))
        work = git.repository("work")
        git.history(work, 300)
        tip = git.run("rev-parse", "HEAD", cwd=work).stdout.strip()
        git.run("push", "-q", url, "main", cwd=work)
        for version in ("0", "2"):
            copy = self.folder / f"copy{version}"
            git.run("-c", f"protocol.version={version}", "clone", "-q", "--bare", url, copy.name)
            self.assertEqual(git.run("rev-parse", "main", cwd=copy).stdout.strip(), tip)
        tip = git.commit(work, "more")
        git.run("push", "-q", url, "main", cwd=work)
        copy = self.folder / "copy2"
        git.run("fetch", "-q", url, "main", cwd=copy)
        self.assertEqual(git.run("rev-parse", "FETCH_HEAD", cwd=copy).stdout.strip(), tip)
        git.run("fsck", "--strict", cwd=copy)
        self.assertIn("repository not found", git.run("ls-remote", "ssh://grpc.invalid/none.git", check=False).stderr)

    def test_own(self) -> None:
        """
        Our own client pushes, clones and fetches.
        """
        self.to_and_fro(over_sidechannels(self.server.grpc))

    def test_foreign(self) -> None:
        """
        So does one whose end of the connection is HashiCorp's, which Gitaly's clients use.
        """
        self.to_and_fro(over_sidechannels(self.server.grpc, self.foreign()))

    def test_plain(self) -> None:
        """
        So does one without sidechannels, on the same port.
        """
        self.to_and_fro(over_grpc(self.server.grpc))

    def test_killed(self) -> None:
        """
        A client that is killed in the middle of a clone leaves no git behind.
        """
        git = GitClient(self.folder, {})
        work = git.repository("work")
        (work / "large").write_bytes(os.urandom(8 << 20))
        git.run("add", ".", cwd=work)
        git.run("commit", "-q", "-m", "large", cwd=work)
        tip = git.run("rev-parse", "HEAD", cwd=work).stdout.strip()
        git.run("clone", "-q", "--bare", "work", str(self.server.storage / self.path))
        environment = {**os.environ, **over_sidechannels(self.server.grpc)}
        command = [sys.executable, "-m", "tests.support.sidechannel_ssh", "host", f"git-upload-pack '{self.path}'"]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as client:
            assert client.stdin is not None and client.stdout is not None
            client.stdin.write(b"0032want " + tip.encode() + b"\n" + b"0000" + b"0009done\n")
            client.stdin.flush()
            received = 0
            while received < 1 << 20:
                data = os.read(client.stdout.fileno(), 1 << 16)
                self.assertTrue(data)
                received += len(data)
            self.assertEqual(len(self.packing()), 1)
            client.kill()
            client.wait()
        eventually(lambda: not self.packing(), "git has gone")

    def packing(self) -> list[int]:
        """
        The gits that serve this repository.
        """
        found = []
        for pid in descendants(self.server.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if self.path.encode() in words and b"upload-pack" in words:
                found.append(pid)
        return found

    def foreign(self) -> str:
        """
        The foreign end, built.
        """
        program = self.folder / "yamuxclient"
        if shutil.which("go") is None:
            raise SkipTest("Go is not installed")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
        command = ["go", "build", "-o", str(program), "."]
        had = subprocess.run(["go", "mod", "download"], cwd=FOREIGN, env=environment, capture_output=True, text=True)
        if had.returncode != 0:
            raise SkipTest(f"HashiCorp's yamux cannot be had: {had.stderr.strip()[-200:]}")
        built = subprocess.run(command, cwd=FOREIGN, env=environment, capture_output=True, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        return str(program)


class ReflectionTests(TestCase):
    """
    Programs that have no ``.proto`` files.
    """

    def test_listing(self) -> None:
        """
        The server tells all of its services, and what their methods are.
        """
        server = shared_server("")
        with grpc.insecure_channel(server.grpc) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            named = set(database.get_services())
            file = database.FindFileContainingSymbol("gitaly.SSHService")
        self.assertLessEqual({"gitaly.SSHService", "gitaly.RefService", "grpc.health.v1.Health"}, named)
        (service,) = [each for each in file.service if each.name == "SSHService"]
        ours = {info.name for info in gitaly_methods() if info.service == "gitaly.SSHService"}
        self.assertEqual({method.name for method in service.method}, ours)
