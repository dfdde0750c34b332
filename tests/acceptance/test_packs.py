"""
Packs that are made once for many, with real clients.
"""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from protocols.git import pktline
from tests.support.gitclient import GitClient, make_key, over_ssh
from tests.support.server import PATIENCE, descendants, shared_server
from tests.support.waiting import eventually

CLIENTS = 20
SIZE = 12 << 20
"""More than what lies between a server that sends and a client that does not take it."""


class PackTests(TestCase):
    """
    A server that keeps packs, as all do that are not told otherwise.
    """

    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = shared_server("")
        self.path = f"packs/{self.id().rsplit('.', 1)[-1]}.git"
        self.git = GitClient(self.folder)
        work = self.git.repository("work")
        with open("/dev/urandom", "rb") as noise:
            (work / "noise").write_bytes(noise.read(SIZE))
        self.git.run("add", ".", cwd=work)
        self.tip = self.git.commit(work, "text\n")
        self.git.run("push", "-q", self.server.http + self.path, "main", cwd=work)

    def made(self) -> int:
        """
        How many packs were made for clients.
        """
        pattern = r'^gitaly_tx_git_commands_total\{outcome="\w+",subcommand="pack-objects"\} (\S+)'
        return sum(int(float(count)) for count in re.findall(pattern, self.server.page("/metrics"), re.MULTILINE))

    def test_identical_clones(self) -> None:
        """
        Twenty equal clones at once, over HTTP and SSH, run one pack-objects; all of them are whole.
        """
        if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise SkipTest("OpenSSH's client is not installed")
        make_key(self.folder / "key")
        ways = [
            (self.git, self.server.http),
            (GitClient(self.folder, over_ssh(self.folder, self.folder / "key")), self.server.ssh),
        ]
        before = self.made()
        clones = []
        for number in range(CLIENTS):
            git, url = ways[number % 2]
            clones.append(git.start("clone", "-q", "--bare", url + self.path, f"copy{number}"))
        failed = [clone.communicate(timeout=4 * PATIENCE)[1].decode() for clone in clones]
        self.assertEqual([clone.returncode for clone in clones], [0] * CLIENTS, failed)
        self.assertEqual(self.made() - before, 1)
        for number in (0, 1, CLIENTS - 1):
            copy = self.folder / f"copy{number}"
            self.git.run("fsck", "--full", "--strict", cwd=copy)
            self.assertEqual(self.git.run("rev-parse", "main", cwd=copy).stdout.strip(), self.tip)

    def test_after_a_push(self) -> None:
        """
        A push makes the next clone another pack, with what was pushed in it.
        """
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "first")
        before = self.made()
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "second")
        self.assertEqual(self.made() - before, 0)
        tip = self.git.commit(self.folder / "work", "more\n")
        self.git.run("push", "-q", self.server.http + self.path, "main", cwd=self.folder / "work")
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "third")
        self.assertEqual(self.git.run("rev-parse", "main", cwd=self.folder / "third").stdout.strip(), tip)

    def test_foreign_writer(self) -> None:
        """
        Another git that writes the repository on disk is heeded at once.
        """
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "first")
        bare = self.server.storage / self.path
        tree = self.git.run("--git-dir", str(bare), "rev-parse", "main^{tree}").stdout.strip()
        tip = self.git.run("--git-dir", str(bare), "commit-tree", "-m", "x", "-p", "main", tree).stdout.strip()
        self.git.run("--git-dir", str(bare), "update-ref", "refs/heads/main", tip)
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "second")
        self.assertEqual(self.git.run("rev-parse", "main", cwd=self.folder / "second").stdout.strip(), tip)
        self.git.run("--git-dir", str(bare), "update-ref", "-d", "refs/heads/main")
        self.git.run("clone", "-q", "--bare", self.server.http + self.path, "third")
        self.assertEqual(self.git.run("for-each-ref", cwd=self.folder / "third").stdout, "")

    def test_slow_readers(self) -> None:
        """
        Clients that stop reading in the midst of a clone hold no git, and get the rest when they go on.
        """
        body = pktline.data(b"command=fetch") + pktline.DELIM + pktline.data(b"no-progress\n")
        body += pktline.data(b"want " + self.tip.encode() + b"\n") + pktline.data(b"done\n") + pktline.FLUSH
        head = (
            b"POST /%b/git-upload-pack HTTP/1.1\r\nHost: x\r\nGit-Protocol: version=2\r\nConnection: close\r\n"
            % self.path.encode()
        )
        head += b"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: %d\r\n\r\n" % len(body)
        readers = []
        before = self.made()
        for _ in range(10):
            reader = socket.socket()
            self.addCleanup(reader.close)
            reader.settimeout(PATIENCE)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            reader.connect(("127.0.0.1", self.server.http_port))
            reader.sendall(head + body)
            self.assertTrue(reader.recv(1000).startswith(b"HTTP/1.1 200"))
            readers.append(reader)
        eventually(lambda: not self.gits(), "no git runs")
        self.assertEqual(self.made() - before, 1)
        received = 0
        while data := readers[0].recv(1 << 20):
            received += len(data)
        self.assertGreater(received, SIZE)

    def gits(self) -> list[str]:
        """
        The server's git children.
        """
        found = []
        for pid in descendants(self.server.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"git" in words[0]:
                found.append(b" ".join(words).decode(errors="replace"))
        return found
