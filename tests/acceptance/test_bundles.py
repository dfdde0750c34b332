"""
Bundles that clones begin with, with real clients.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, TestCase

from protocols.git import pktline
from tests.support.gitclient import GitClient
from tests.support.server import PATIENCE, shared_server
from tests.support.waiting import eventually

TOKEN = "a-token-of-a-test"

EXTRA = f"""
[bundle_uri]
enabled = true
autogeneration = true
min_clones = 2

[[user]]
name = "deploy"
tokens = ["sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}"]

[[user]]
name = "other"
tokens = ["sha256:{hashlib.sha256(b"other" + TOKEN.encode()).hexdigest()}"]

[[rule]]
repositories = ["bundles/*"]
users = ["deploy"]
allow = "create"
"""

ASKED = pktline.data(b"agent=git/x") + pktline.data(b"command=bundle-uri") + pktline.DELIM + pktline.FLUSH


class BundleTests(TestCase):
    """
    A server that makes a bundle at the second clone.
    """

    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = shared_server(EXTRA)
        self.path = f"bundles/{self.id().rsplit('.', 1)[-1]}.git"
        self.git = GitClient(self.folder)
        self.url = self.server.http.replace("//", f"//deploy:{TOKEN}@", 1) + self.path
        self.work = self.git.repository("work")
        self.tip = self.git.commit(self.work, "text\n")
        self.git.run("push", "-q", self.url, "main", cwd=self.work)

    def make_bundle(self) -> str:
        """
        Clone until there is a bundle.

        :returns: its name.
        """
        self.assertEqual(self.told(), b"")
        for name in ("first", "second"):
            self.git.run("clone", "-q", "--bare", self.url, name)
        eventually(self.told, "the server tells of a bundle")
        found = re.fullmatch(
            rb"bundle\.version=1\nbundle\.mode=all\nbundle\.([0-9a-f]{32})\.uri=bundles/\1\.bundle\n", self.told()
        )
        assert found is not None, self.told()
        return found[1].decode()

    def ask(self, below: str, user: str = f"deploy:{TOKEN}", **more: Any) -> tuple[int, bytes]:
        """
        Ask for something below the repository's URL.
        """
        request = urllib.request.Request(f"{self.server.http}{self.path}/{below}", **more)
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
        request.add_header("Git-Protocol", "version=2")
        request.add_header("Content-Type", "application/x-git-upload-pack-request")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def told(self) -> bytes:
        """
        What the server tells of bundles; nothing if it does not say that it has any.
        """
        status, advertised = self.ask("info/refs?service=git-upload-pack")
        self.assertEqual(status, 200)
        if pktline.data(b"bundle-uri\n") not in advertised:
            return b""
        self.assertTrue(advertised.endswith(pktline.FLUSH))
        status, answer = self.ask("git-upload-pack", data=ASKED)
        self.assertEqual(status, 200)
        *packets, last = pktline.PktLineDecoder().receive(answer)
        self.assertEqual(last, pktline.Special.FLUSH)
        return b"".join(packet.payload for packet in packets if isinstance(packet, pktline.Packet))

    def begun_with_bundle(self, copy: str) -> bool:
        """
        Whether a clone has taken a bundle, and is whole.
        """
        self.git.run("fsck", "--full", "--strict", cwd=self.folder / copy)
        self.assertEqual(self.git.run("rev-parse", "main", cwd=self.folder / copy).stdout.strip(), self.tip)
        return "refs/bundles/" in self.git.run("for-each-ref", cwd=self.folder / copy).stdout

    def test_often_cloned(self) -> None:
        """
        A repository that is cloned often gets a bundle, which git can use; what was pushed since comes with the rest.
        """
        name = self.make_bundle()
        status, bundle = self.ask(f"bundles/{name}.bundle")
        self.assertEqual(status, 200)
        (self.folder / "it.bundle").write_bytes(bundle)
        heads = self.git.run("bundle", "list-heads", "it.bundle").stdout
        self.assertEqual(heads, f"{self.tip} refs/heads/main\n")
        self.tip = self.git.commit(self.work, "more\n")
        self.git.run("push", "-q", self.url, "main", cwd=self.work)
        self.git.run("clone", "-q", "--bare", f"--bundle-uri={self.url}/bundles/{name}.bundle", self.url, "third")
        self.assertTrue(self.begun_with_bundle("third"))

    def test_by_itself(self) -> None:
        """
        A git that is told to (``transfer.bundleURI``) finds the bundle by itself; one that is not, does not.
        """
        version = re.findall(r"\d+", self.git.run("version").stdout)
        if [int(number) for number in version[:2]] < [2, 40]:
            raise SkipTest("this git's clients do not ask for bundles")
        self.make_bundle()
        self.git.run("-c", "transfer.bundleURI=true", "clone", "-q", "--bare", self.url, "third")
        self.assertTrue(self.begun_with_bundle("third"))
        self.git.run("clone", "-q", "--bare", self.url, "fourth")
        self.assertFalse(self.begun_with_bundle("fourth"))

    def test_access(self) -> None:
        """
        Whoever may not clone has no bundle, either; only the one that there is can be had, and only be fetched.
        """
        name = self.make_bundle()
        below = f"bundles/{name}.bundle"
        self.assertEqual(self.ask(below, "")[0], 401)
        self.assertEqual(self.ask(below, "deploy:wrong")[0], 401)
        self.assertEqual(self.ask(below, f"other:other{TOKEN}"), (404, b"repository not found\n"))
        self.assertEqual(self.ask(f"bundles/{'0' * 32}.bundle"), (404, b"bundle not found\n"))
        self.assertEqual(self.ask(below, method="PUT")[0], 405)
        self.assertEqual(self.ask(below)[0], 200)

    def test_another_repository(self) -> None:
        """
        A repository that takes the place of another does not take its bundle.
        """
        name = self.make_bundle()
        shutil.rmtree(self.server.storage / self.path)
        self.git.commit(self.work, "other\n")
        self.git.run("push", "-q", self.url, "main", cwd=self.work)
        self.assertEqual(self.told(), b"")
        self.assertEqual(self.ask(f"bundles/{name}.bundle")[0], 404)
