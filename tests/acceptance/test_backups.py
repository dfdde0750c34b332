"""
Backups that a real server makes of what real clients push, and brings back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import grpc
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.client.stub import method_info
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.support.gitclient import GitClient
from tests.support.server import PATIENCE, Server
from tests.support.uncovered import UNCOVERED

PATH = "backups/thing.git"

NAME = Repository(storage_name="default", relative_path=PATH)

PUSHES = 8


class BackupCase(SynchronousTestCase):
    """
    A server that keeps backups, and a client with a clone.
    """

    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.sink = self.folder / "backups"
        self.server = Server(f'[backup]\ngo_cloud_url = "file://{self.sink}"\n')
        self.addCleanup(self.server.dispose)
        self.git = GitClient(self.folder)
        self.work = self.git.repository("work")

    def push(self, text: str, *refs: str) -> str:
        """
        Push a new commit.
        """
        tip = self.git.commit(self.work, text)
        self.git.run("push", "-q", self.server.http + PATH, *(refs or ("main",)), cwd=self.work)
        return tip

    def call(self, method: str, request: Any) -> None:
        info = method_info(f"RepositoryService/{method}")
        with grpc.insecure_channel(self.server.grpc) as channel:
            call = channel.unary_unary(
                info.path, request_serializer=info.request.SerializeToString, response_deserializer=info.reply.FromString
            )
            call(request, timeout=PATIENCE)

    def backup(self, backup_id: str, incremental: bool = False) -> None:
        request = pb.BackupRepositoryRequest(
            repository=NAME, vanity_repository=NAME, backup_id=backup_id, incremental=incremental
        )
        self.call("BackupRepository", request)

    def restore(self, backup_id: str = "") -> None:
        request = pb.RestoreRepositoryRequest(repository=NAME, vanity_repository=NAME, backup_id=backup_id)
        self.call("RestoreRepository", request)

    def command(self, *words: str, status: int = 0) -> str:
        """
        Run ``gitaly-tx``.

        :returns: what it prints.
        """
        program = str(Path(sys.executable).parent / "gitaly-tx")
        done = subprocess.run(
            [program, *words, f"--config={self.server.config}"],
            env={**os.environ, **UNCOVERED},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def there(self) -> dict[str, str]:
        """
        The refs of the repository, which git finds nothing wrong with.
        """
        repository = self.server.storage / PATH
        self.git.run("fsck", "--full", "--strict", cwd=repository)
        listed = self.git.run("show-ref", cwd=repository).stdout.splitlines()
        return {name: oid for oid, name in (line.split(" ") for line in listed)}

    def kept(self, path: str) -> dict[str, str]:
        """
        The refs that a file of a backup has.
        """
        lines = (self.sink / path).read_text().splitlines()
        return {name: oid for oid, name in (line.split(" ") for line in lines)}


class BackupTests(BackupCase):
    """
    A server that lives.
    """

    def test_there_and_back(self) -> None:
        """
        What was destroyed comes back, of a full backup and of increments that were made while others pushed; each of them is one
        moment.
        """
        self.server.start()
        first = self.push("first\n")
        self.git.run("tag", "-a", "-m", "t", "v1", cwd=self.work)
        self.git.run("push", "-q", self.server.http + PATH, "v1", "main:refs/heads/side", cwd=self.work)
        self.backup("full")
        full = self.there()
        pushed = [first]

        def pushing() -> None:
            for number in range(PUSHES):
                pushed.append(self.push(f"{number}\n", "main", f"+main:refs/heads/b{number % 3}"))

        pusher = threading.Thread(target=pushing)
        pusher.start()
        number = 0
        while pusher.is_alive():
            self.backup(f"f{number}")
            bundle = self.sink / f"backups/thing/f{number}/001.bundle"
            heads = self.git.run("bundle", "list-heads", str(bundle)).stdout.splitlines()
            kept = self.kept(f"backups/thing/f{number}/001.refs")
            self.assertEqual({name: oid for oid, name in (line.split(" ") for line in heads)}, kept)
            self.git.run("merge-base", "--is-ancestor", kept["refs/heads/main"], "main", cwd=self.work)
            number += 1
        pusher.join()
        self.assertEqual(len(pushed), PUSHES + 1)
        self.push("last but one\n")
        self.backup("i1", incremental=True)
        self.push("last\n")
        self.git.run("push", "-q", self.server.http + PATH, ":refs/heads/side", cwd=self.work)
        self.backup("i2", incremental=True)
        wanted = self.there()
        self.assertNotIn("refs/heads/side", wanted)
        self.push("lost\n")
        self.call("RemoveRepository", pb.RemoveRepositoryRequest(repository=NAME))
        self.restore()
        self.assertEqual(self.there(), wanted)
        self.git.run("clone", "-q", self.server.http + PATH, "again")
        self.assertEqual(self.git.run("rev-parse", "HEAD", cwd=self.folder / "again").stdout.strip(), wanted["refs/heads/main"])
        self.restore("full")
        self.assertEqual(self.there(), full)
        self.assertEqual(self.command("backup", "--id", "cli"), "cli: 1 backed up, 0 unchanged, 0 failed\n")
        self.assertEqual(self.command("backup", "--incremental", "--id", "x", PATH), "x: 0 backed up, 1 unchanged, 0 failed\n")
        self.push("lost again\n")
        self.assertEqual(self.command("restore", PATH, "--id", "cli"), f"{PATH} is what it was\n")
        self.assertEqual(self.there(), full)
        self.assertIn("repository skipped", self.command("restore", PATH, "--id", "none", status=1))
        page = self.server.page("/metrics")
        for phase in ("refs", "bundle", "custom_hooks"):
            self.assertIn(f'gitaly_backup_latency_seconds_count{{phase="{phase}"}}', page)
        self.assertIn(f"gitaly_backup_bundle_bytes_count {number + 4}.0", page)
        self.server.stop()
        self.assertEqual(os.listdir(self.sink / "+gitaly" / "begun"), [])


class KilledTests(BackupCase):
    """
    A server that is killed while it makes a backup.
    """

    def test_backup_before(self) -> None:
        """
        The backup before is there, and what was begun is gone with the next one.
        """
        self.server.environment["GITALY_TX_FAILPOINTS"] = "backup.after_step_pointer=kill@2"
        self.server.start()
        self.push("first\n")
        self.backup("a")
        wanted = self.there()
        self.push("second\n")
        with self.assertRaises(grpc.RpcError):
            self.backup("b")
        self.server.kill_group()
        left = list((self.sink / "+gitaly" / "begun").glob("*"))
        self.assertEqual(len(left), 1)
        del self.server.environment["GITALY_TX_FAILPOINTS"]
        self.server.start()
        self.restore()
        self.assertEqual(self.there(), wanted)
        self.git.run("push", "-q", self.server.http + PATH, "main", cwd=self.work)
        self.backup("b", incremental=True)
        self.assertFalse(left[0].exists())
        self.restore("b")
        self.assertEqual(self.there()["refs/heads/main"], self.git.run("rev-parse", "main", cwd=self.work).stdout.strip())
        self.server.stop()
