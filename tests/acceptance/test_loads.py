"""
Large transfers, many clients, and clients that go away.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import tempfile
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.load import bigrepo
from tests.support.gitclient import GitClient, make_key, over_ssh
from tests.support.server import PATIENCE, descendants, shared_server
from tests.support.waiting import eventually, gone

MEBIBYTES = 200
CLIENTS = 50
CROWD = 300
UNKEPT = "[pack_objects_cache]\nenabled = false\n"


@cache
def noise() -> Path:
    """
    A large repository, for all tests of this process.
    """
    folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-noise-"))
    atexit.register(shutil.rmtree, folder)
    return bigrepo.incompressible(folder / "noise.git", MEBIBYTES)


class LoadTests(SynchronousTestCase):
    """
    One server for all.
    """

    def setUp(self) -> None:
        self.server = shared_server("")
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.git = GitClient(self.folder)

    def over_ssh(self) -> dict[str, str]:
        """
        The environment for SSH.
        """
        if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise SkipTest("OpenSSH's client is not installed")
        if not (self.folder / "key").exists():
            make_key(self.folder / "key")
        return over_ssh(self.folder, self.folder / "key")

    def test_large_push(self) -> None:
        """
        A push of 200 MiB arrives whole.
        """
        self.git.run("push", "-q", self.server.http + "large.git", "main", cwd=noise())
        bare = self.server.storage / "large.git"
        tips = [self.git.run("--git-dir", str(path), "rev-parse", "main").stdout for path in (bare, noise())]
        self.assertEqual(tips[0], tips[1])
        self.assertGreater(bigrepo.pack_size(bare), MEBIBYTES * bigrepo.MIB)
        self.git.run("--git-dir", str(bare), "fsck", "--connectivity-only")

    def test_fifty_clients(self) -> None:
        """
        Fifty clients at once, over HTTP and SSH, are all served, those that push to one repository too.
        """
        ssh = self.over_ssh()
        work = self.git.repository("work")
        self.git.history(work, 200)
        self.git.run("push", "-q", self.server.http + "many.git", "main", cwd=work)
        clients = [(GitClient(self.folder), self.server.http), (GitClient(self.folder, ssh), self.server.ssh)]
        running = []
        for number in range(CLIENTS):
            git, url = clients[number % 2]
            if number % 5:
                running.append(git.start("clone", "-q", url + "many.git", f"copy{number}"))
            else:
                running.append(git.start("push", "-q", url + "many.git", f"main:refs/heads/b{number}", cwd=work))
        failed = [one.communicate(timeout=4 * PATIENCE)[1].decode() for one in running]
        self.assertEqual([one.returncode for one in running], [0] * CLIENTS, failed)
        bare = self.server.storage / "many.git"
        listed = self.git.run("--git-dir", str(bare), "for-each-ref", "--format=%(refname)").stdout.split()
        self.assertEqual(len(listed), 1 + CLIENTS // 5)

    def test_sudden_crowd(self) -> None:
        """
        Connections that come while the server has no time for them wait, and all are answered, over HTTP and SSH.
        """
        if int(Path("/proc/sys/net/core/somaxconn").read_text()) < CROWD:
            raise SkipTest("the system lets fewer connections wait")
        os.kill(self.server.pid, signal.SIGSTOP)
        waiting = []
        try:
            for number in range(CROWD):
                # Of those that have not logged in, SSH takes a hundred.
                ssh = number % 5 == 0
                port = self.server.ssh_port if ssh else self.server.http_port
                one = socket.create_connection(("127.0.0.1", port), PATIENCE)
                self.addCleanup(one.close)
                one.sendall(b"SSH-2.0-crowd\r\n" if ssh else b"GET /none/info/refs HTTP/1.1\r\nHost: x\r\n\r\n")
                waiting.append(one)
        finally:
            os.kill(self.server.pid, signal.SIGCONT)
        answers = {one.recv(4) for one in waiting}
        self.assertEqual(answers, {b"HTTP", b"SSH-"})

    def killed_clone(self, git: GitClient, url: str) -> None:
        """
        Kill a client in the midst of its clone, which a git of the server's has to last for: no pack is kept.
        """
        clone = git.start("clone", "-q", "--bare", url, "copy")
        try:
            eventually(lambda: self.packing() and list(self.folder.glob("copy/objects/pack/tmp_pack_*")), "the clone has begun")
            children = self.packing()
        finally:
            for pid in [clone.pid, *descendants(clone.pid)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # Its parent is gone already, and it ended by itself.
            clone.communicate()
        self.assertNotEqual(children, [])
        eventually(lambda: all(gone(child) for child in children), f"git is gone: {children}", 2)

    def packing(self) -> list[int]:
        """
        The server's children that make packs for clients.
        """
        return [pid for pid in descendants(self.server.pid) if b"upload-pack" in words(pid) or b"pack-objects" in words(pid)]

    def big(self) -> str:
        """
        A large repository on the server.
        """
        if not (self.server.storage / "big.git").exists():
            bigrepo.link(noise(), self.server.storage / "big.git")
        return "big.git"

    def test_killed_clone_over_http(self) -> None:
        """
        Two seconds after an HTTP client was killed, the git that served it is gone.
        """
        self.server = shared_server(UNKEPT)
        self.killed_clone(self.git, self.server.http + self.big())

    def test_killed_clone_over_ssh(self) -> None:
        """
        The same over SSH.
        """
        self.server = shared_server(UNKEPT)
        self.killed_clone(GitClient(self.folder, self.over_ssh()), self.server.ssh + self.big())


def words(pid: int) -> list[bytes]:
    """
    The command line of a process; empty if it is gone.
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
