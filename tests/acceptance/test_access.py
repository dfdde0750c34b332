"""
Who may do what, asked by real git over HTTP and SSH.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.gitclient import GitClient, make_key, over_ssh
from tests.support.server import Server
from tests.support.waiting import eventually

TOKEN = "gtx-a-token-for-tests-only-0123456789abcdef"

RULES = """
[[user]]
name = "deploy"
keys = ["{key}"]
tokens = ["sha256:{token}"]

[[rule]]
repositories = ["team/**"]
users = ["deploy"]
allow = "create"

[[rule]]
repositories = ["public/*"]
users = ["@anyone"]
allow = "read"
"""


class AccessTests(TestCase):
    """
    Users, tokens, keys and rules of a configuration.
    """

    timeout = 240
    skip = None if shutil.which("ssh-keygen") else "OpenSSH's client is not installed"

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        key = make_key(self.folder / "known")
        make_key(self.folder / "unknown")
        self.server = Server(RULES.format(key=key, token=hashlib.sha256(TOKEN.encode()).hexdigest()))
        self.addCleanup(self.server.dispose)
        self.server.start()
        self.git = GitClient(self.folder)
        self.known = GitClient(self.folder, over_ssh(self.folder, self.folder / "known"))
        self.unknown = GitClient(self.folder, over_ssh(self.folder, self.folder / "unknown"))
        self.work = self.git.repository("work")
        (self.work / "large").write_bytes(bytes(range(256)) * 6000)
        self.git.run("add", "large", cwd=self.work)
        self.git.commit(self.work, "text\n")

    def http(self, path: str, credentials: str = "") -> str:
        """
        A URL with credentials in it.
        """
        return self.server.http.replace("http://", f"http://{credentials}@" if credentials else "http://") + path

    def test_http(self) -> None:
        """
        A token lets its user push more than git's post buffer holds, and makes the repository; without it, or with another one,
        or elsewhere, nothing is possible.
        """
        good = self.http("team/thing", f"deploy:{TOKEN}")
        self.git.run("push", "-q", good, "main", cwd=self.work)
        self.git.run("clone", "-q", good, "copy")
        for url in (self.http("team/thing"), self.http("team/thing", "deploy:wrong"), self.http("team/thing", f"other:{TOKEN}")):
            refused = self.git.run("clone", url, "refused", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr, "terminal prompts disabled|Authentication failed")
        elsewhere = self.git.run("push", self.http("private/thing", f"deploy:{TOKEN}"), "main", cwd=self.work, check=False)
        self.assertNotEqual(elsewhere.returncode, 0)
        self.assertFalse((self.server.storage / "private").exists())
        eventually(lambda: "private/thing" in self.server.output(), "the log tells of the last refusal")
        self.assertNotIn(TOKEN, self.server.output())

    def test_anonymous(self) -> None:
        """
        What anyone may read is read without credentials, and not written.
        """
        target = self.server.storage / "public" / "thing.git"
        self.git.run("clone", "-q", "--bare", str(self.work), str(target))
        self.git.run("clone", "-q", self.http("public/thing"), "copy")
        refused = self.git.run("push", self.http("public/thing"), "main:other", cwd=self.work, check=False)
        self.assertNotEqual(refused.returncode, 0)
        anonymous = self.server.ssh.replace("git@", "anonymous@")
        self.unknown.run("clone", "-q", anonymous + "public/thing", "copy2")

    def test_ssh(self) -> None:
        """
        A known key is its user's, everywhere that rules let them; an unknown one is refused, and the log says which it was.
        """
        self.known.run("push", "-q", self.server.ssh + "team/thing", "main", cwd=self.work)
        self.known.run("clone", "-q", self.server.ssh + "team/thing", "copy")
        elsewhere = self.known.run("push", self.server.ssh + "private/thing", "main", cwd=self.work, check=False)
        self.assertNotEqual(elsewhere.returncode, 0)
        refused = self.unknown.run("clone", self.server.ssh + "team/thing", "refused", check=False)
        self.assertIn("Permission denied", refused.stderr)
        shown = _fingerprint(self.folder / "unknown.pub")
        eventually(lambda: shown in self.server.output(), "the log says which key it was")


def _fingerprint(public: Path) -> str:
    """
    A key's fingerprint as OpenSSH prints it.
    """
    blob = base64.b64decode(public.read_text().split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
