"""
What git clients expect, whichever way they come in.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.gitclient import GitClient
from tests.support.server import Server

WATCHFUL = """#!/bin/sh
while read old new ref; do
    case "$ref" in refs/heads/no*) echo "branch names may not begin with no"; exit 1;; esac
done
[ -z "$GIT_PUSH_OPTION_COUNT" ] || [ "$GIT_PUSH_OPTION_COUNT" = 0 ] || echo "option: $GIT_PUSH_OPTION_0"
"""


if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = object


class GitTransportContract(Base):
    """
    Mixed into a TestCase that says how a URL is made.
    """

    def start(self) -> Server:
        """
        The server, running.
        """
        raise NotImplementedError

    def url(self, path: str) -> str:
        """
        :param path: the repository's path in the default storage.
        """
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """
        What git needs in its environment to come in this way.
        """
        return {}

    def create(self, path: str, object_format: str = "sha1") -> None:
        """
        Have a repository there.
        """
        target = self.server.storage / path
        self.git.run("init", "-q", "--bare", "-b", "main", f"--object-format={object_format}", str(target))

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitaly-tx-client-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = self.start()
        self.git = GitClient(self.folder, self.environment())
        self.path = f"{self.id().rsplit('.', 2)[-2]}/{self.id().rsplit('.', 1)[-1]}.git"
        self.bare = self.server.storage / self.path

    def refs(self) -> dict[str, str]:
        """
        The refs on the server's disk, as another git sees them.
        """
        listed = self.git.run("--git-dir", str(self.bare), "for-each-ref", "--format=%(refname) %(objectname)").stdout
        return dict(line.split(" ") for line in listed.splitlines())

    def fsck(self) -> None:
        """
        Another git finds nothing wrong on the server's disk.
        """
        self.git.run("--git-dir", str(self.bare), "fsck", "--full", "--strict", "--connectivity-only")

    def pushed(self, commits: int = 3, object_format: str = "sha1") -> tuple[Path, str]:
        """
        A repository that was pushed.

        :returns: the work tree and the tip.
        """
        self.create(self.path, object_format)
        work = self.git.repository("work", object_format)
        tip = ""
        for number in range(commits):
            tip = self.git.commit(work, f"text {number}\n")
        self.git.run("push", "-q", self.url(self.path), "main", cwd=work)
        return work, tip

    # ---------------------------------------------------------------- push

    def test_push_and_clone(self) -> None:
        """
        What was pushed is cloned again, and the server's disk is in order.
        """
        _, tip = self.pushed()
        self.git.run("clone", "-q", self.url(self.path), "copy")
        self.assertEqual(self.git.run("rev-parse", "HEAD", cwd=self.folder / "copy").stdout.strip(), tip)
        self.assertEqual(self.refs(), {"refs/heads/main": tip})
        self.fsck()

    def test_clone_of_an_empty_repository(self) -> None:
        """
        An empty repository can be cloned.
        """
        self.create(self.path)
        done = self.git.run("clone", self.url(self.path), "copy")
        self.assertIn("empty repository", done.stderr)

    def test_all_protocol_versions(self) -> None:
        """
        Clients of protocol versions 0, 1 and 2 are served.
        """
        _, tip = self.pushed()
        for version in ("0", "1", "2"):
            self.git.run("-c", f"protocol.version={version}", "clone", "-q", self.url(self.path), f"copy{version}")
            listed = self.git.run("-c", f"protocol.version={version}", "ls-remote", self.url(self.path)).stdout
            self.assertIn(f"{tip}\trefs/heads/main", listed)

    def test_fetch_what_is_new(self) -> None:
        """
        A fetch brings what was pushed since, over more than 1 KiB of haves too.
        """
        work, _ = self.pushed(1)
        self.git.history(work, 300)
        self.git.run("push", "-q", "--force", self.url(self.path), "main", cwd=work)
        self.git.run("clone", "-q", self.url(self.path), "copy")
        copy = self.folder / "copy"
        for number in range(40):
            self.git.commit(copy, f"local {number}\n", "local")
        tip = self.git.commit(work, "more\n")
        self.git.run("push", "-q", self.url(self.path), "main", cwd=work)
        self.git.run("fetch", "-q", "origin", cwd=copy)
        self.assertEqual(self.git.run("rev-parse", "origin/main", cwd=copy).stdout.strip(), tip)

    def test_shallow_clone_and_deepen(self) -> None:
        """
        Shallow clones, deepening and unshallowing work.
        """
        self.pushed(5)
        self.git.run("clone", "-q", "--depth=2", self.url(self.path), "copy")
        copy = self.folder / "copy"
        count = ("rev-list", "--count", "HEAD")
        self.assertEqual(self.git.run(*count, cwd=copy).stdout.strip(), "2")
        self.git.run("fetch", "-q", "--deepen=1", cwd=copy)
        self.assertEqual(self.git.run(*count, cwd=copy).stdout.strip(), "3")
        self.git.run("fetch", "-q", "--unshallow", cwd=copy)
        self.assertEqual(self.git.run(*count, cwd=copy).stdout.strip(), "5")

    def test_push_from_a_shallow_clone(self) -> None:
        """
        A shallow clone can push what it adds.
        """
        self.pushed(5)
        self.git.run("clone", "-q", "--depth=1", self.url(self.path), "copy")
        copy = self.folder / "copy"
        tip = self.git.commit(copy, "on top\n")
        self.git.run("push", "-q", "origin", "main", cwd=copy)
        self.assertEqual(self.refs()["refs/heads/main"], tip)
        self.fsck()

    def test_partial_clone(self) -> None:
        """
        A clone without blobs fetches them when they are needed.
        """
        self.pushed(3)
        self.git.run("clone", "-q", "--filter=blob:none", "--no-checkout", self.url(self.path), "copy")
        copy = self.folder / "copy"
        missing = self.git.run("rev-list", "--objects", "--all", "--missing=print", cwd=copy).stdout
        self.assertIn("?", missing)
        self.git.run("checkout", "-q", "main", cwd=copy)
        self.assertEqual((copy / "file").read_text(), "text 2\n")

    def test_many_branches(self) -> None:
        """
        Sixty branches are pushed and cloned.
        """
        work, tip = self.pushed(1)
        for number in range(60):
            self.git.run("branch", f"b{number}", cwd=work)
        self.git.run("push", "-q", self.url(self.path), "--all", cwd=work)
        self.assertEqual(len(self.refs()), 61)
        self.git.run("clone", "-q", self.url(self.path), "copy")
        listed = self.git.run("branch", "-r", cwd=self.folder / "copy").stdout
        self.assertEqual(len(listed.splitlines()), 62)
        self.assertEqual(set(self.refs().values()), {tip})

    def test_tags(self) -> None:
        """
        Lightweight and annotated tags are pushed, fetched, and peeled in the advertisement.
        """
        work, tip = self.pushed(1)
        self.git.run("tag", "light", cwd=work)
        self.git.run("tag", "-a", "-m", "annotated", "heavy", cwd=work)
        self.git.run("push", "-q", self.url(self.path), "--tags", cwd=work)
        listed = self.git.run("ls-remote", "--tags", self.url(self.path)).stdout
        self.assertIn(f"{tip}\trefs/tags/heavy^{{}}", listed)
        self.git.run("clone", "-q", self.url(self.path), "copy")
        self.assertEqual(self.git.run("tag", cwd=self.folder / "copy").stdout.split(), ["heavy", "light"])

    def test_force_and_stale(self) -> None:
        """
        A push that is no fast-forward is refused by the client, and goes through by force; a stale lease does not.
        """
        work, tip = self.pushed(3)
        self.git.run("reset", "-q", "--hard", "HEAD~1", cwd=work)
        other = self.git.commit(work, "another way\n")
        refused = self.git.run("push", self.url(self.path), "main", cwd=work, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.refs()["refs/heads/main"], tip)
        self.git.run("push", "-q", "--force", self.url(self.path), "main", cwd=work)
        self.assertEqual(self.refs()["refs/heads/main"], other)

    def test_delete(self) -> None:
        """
        A branch is deleted, and one that does not exist cannot be.
        """
        work, _ = self.pushed(1)
        self.git.run("push", "-q", self.url(self.path), "main:refs/heads/extra", cwd=work)
        self.git.run("--git-dir", str(self.bare), "pack-refs", "--all")
        self.git.run("push", "-q", self.url(self.path), ":refs/heads/extra", cwd=work)
        self.assertEqual(list(self.refs()), ["refs/heads/main"])

    def test_atomic(self) -> None:
        """
        An atomic push with one impossible ref changes nothing; without ``--atomic`` the possible ones are made.
        """
        work, tip = self.pushed(1)
        updates = ("main:refs/heads/good", "main:refs/heads/main/below")
        refused = self.git.run("push", "--atomic", self.url(self.path), *updates, cwd=work, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.refs(), {"refs/heads/main": tip})
        refused = self.git.run("push", self.url(self.path), *updates, cwd=work, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.refs(), {"refs/heads/main": tip, "refs/heads/good": tip})

    def test_hook_and_push_options(self) -> None:
        """
        A ``pre-receive`` hook sees push options, speaks to whoever pushes, and refuses.
        """
        work, tip = self.pushed(1)
        hook = self.bare / "custom_hooks" / "pre-receive"
        hook.parent.mkdir()
        hook.write_text(WATCHFUL)
        hook.chmod(0o755)
        done = self.git.run("push", "-o", "colour=blue", self.url(self.path), "main:refs/heads/yes", cwd=work)
        self.assertIn("option: colour=blue", done.stderr)
        refused = self.git.run("push", self.url(self.path), "main:refs/heads/nope", cwd=work, check=False)
        self.assertIn("branch names may not begin with no", refused.stderr)
        self.assertIn("pre-receive hook declined", refused.stderr)
        self.assertEqual(self.refs(), {"refs/heads/main": tip, "refs/heads/yes": tip})

    def test_policy(self) -> None:
        """
        A file that is larger than the configured limit is refused, and the refusal names it.
        """
        work, tip = self.pushed(1)
        (work / "large").write_bytes(b"x" * (2 * 1024 * 1024 + 1))
        self.git.run("add", "large", cwd=work)
        self.git.run("commit", "-q", "-m", "large", cwd=work)
        refused = self.git.run("push", self.url(self.path), "main", cwd=work, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("large", refused.stderr)
        self.assertEqual(self.refs(), {"refs/heads/main": tip})

    def test_sizes_around_the_post_buffer(self) -> None:
        """
        Pushes of 1 MiB − 1, 1 MiB and 1 MiB + 1 arrive: git changes its way of sending there.
        """
        work, _ = self.pushed(1)
        for extra in (-1, 0, 1):
            data = self.git.run("hash-object", "-w", "--stdin", cwd=work, stdin=noise(1024 * 1024 + extra)).stdout.strip()
            self.git.run("update-index", "--add", "--cacheinfo", f"100644,{data},blob", cwd=work)
            self.git.run("commit", "-q", "-m", f"size {extra}", cwd=work)
            self.git.run("push", "-q", self.url(self.path), "main", cwd=work)
        self.fsck()

    def test_sha256(self) -> None:
        """
        A repository with SHA-256 object ids is pushed and cloned.
        """
        _, tip = self.pushed(2, "sha256")
        self.assertEqual(len(tip), 64)
        self.git.run("clone", "-q", self.url(self.path), "copy")
        self.assertEqual(self.git.run("rev-parse", "HEAD", cwd=self.folder / "copy").stdout.strip(), tip)

    def test_head_follows_the_first_branch(self) -> None:
        """
        The first branch pushed into an empty repository becomes the one that a clone checks out.
        """
        self.create(self.path)
        work = self.git.repository("work")
        self.git.commit(work, "text\n")
        self.git.run("push", "-q", self.url(self.path), "main:refs/heads/trunk", cwd=work)
        self.git.run("clone", "-q", self.url(self.path), "copy")
        branch = self.git.run("symbolic-ref", "--short", "HEAD", cwd=self.folder / "copy").stdout.strip()
        self.assertEqual(branch, "trunk")

    def test_missing_repository(self) -> None:
        """
        A clone of what is not there fails at once, with words.
        """
        done = self.git.run("clone", self.url("no/such.git"), "copy", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not found", done.stderr.lower())


class URLContract(GitTransportContract):
    """
    What people expect of URLs, where these are resolved by the server.
    """

    def test_clone_without_suffix(self) -> None:
        """
        ``.git`` may be left out of the URL.
        """
        self.pushed(1)
        self.git.run("clone", "-q", self.url(self.path.removesuffix(".git")), "copy")

    def test_push_creates(self) -> None:
        """
        A push to what is not there makes it, where nobody is asked who they are.
        """
        work = self.git.repository("work")
        tip = self.git.commit(work, "text\n")
        self.git.run("push", "-q", self.url(self.path.removesuffix(".git")), "main", cwd=work)
        self.assertEqual(self.refs(), {"refs/heads/main": tip})
        self.fsck()


def noise(size: int) -> bytes:
    """
    Bytes that do not compress, the same each time.
    """
    return random.Random(size).randbytes(size)
