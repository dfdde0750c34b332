"""
The policies that come with the server.
"""

from __future__ import annotations

import os

from zope.interface.verify import verifyObject

from gitaly_tx.errors import GitalyError
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.hooks.interfaces import IPushPolicy, Push, Refused
from gitaly_tx.hooks.policies import BranchNames, LargestFile
from tests.support import hookcase
from tests.support.git import git
from tests.support.hookcase import ONE, ZERO
from tests.support.plainrepository import git_in


class LargestFileTests(hookcase.HookCase):
    """
    ``LargestFile``.
    """

    async def quarantined(self, *files: tuple[bytes, bytes]) -> Push:
        """
        A push of one commit with these files: name, content.
        """
        staging = await self.repository.stage()
        self.addCleanup(staging.discard)

        def run(*words: str, stdin: bytes = b"") -> bytes:
            return git_in(staging.directory, *words, stdin=stdin).strip()

        lines = []
        for name, content in files:
            lines.append(b"100644 blob %b\t%b\n" % (run("hash-object", "-w", "--stdin", stdin=content), name))
        commit = run("commit-tree", "-m", "m", run("mktree", stdin=b"".join(lines)).decode())
        self.repository.directory = staging.directory
        return self.push(RefUpdate(b"refs/heads/new", ZERO, ObjectID(commit)), RefUpdate(b"refs/heads/old", ONE, ZERO))

    async def refusal(self, limit: int, push: Push) -> str:
        """
        The words of a refusal; empty if there is none.
        """
        policy = LargestFile(limit)
        verifyObject(IPushPolicy, policy)
        try:
            await policy.check(push)
        except Refused as error:
            return error.text
        return ""

    async def test_small_enough(self) -> None:
        """
        A file of just the limit passes.
        """
        push = await self.quarantined((b"a", b"x" * 1000), (b"b", b"x" * 999))
        self.assertEqual(await self.refusal(1000, push), "")

    async def test_too_large(self) -> None:
        """
        The path, its size and the limit are named.
        """
        push = await self.quarantined((b"large file", b"x" * (3 << 20)), (b"small", b"x"), (b"medium", b"x" * 2000))
        self.assertEqual(
            await self.refusal(1 << 20, push), "large file is 3.0 MiB, more than the 1.0 MiB that a file may have here"
        )
        self.assertEqual(len((await self.refusal(1000, push)).splitlines()), 2)

    async def test_many(self) -> None:
        """
        Not all are named if there are many.
        """
        push = await self.quarantined(*((b"f%d" % number, b"%d" % number * 100) for number in range(8)))
        lines = (await self.refusal(10, push)).splitlines()
        self.assertEqual((len(lines), lines[-1]), (6, "and 3 more"))
        self.assertIn("is 100 bytes, more than the 10 bytes", lines[0])

    async def test_known_already(self) -> None:
        """
        A file that the repository's history has already is not looked at again, though it came along.
        """
        push = await self.quarantined((b"large", b"x" * 1000))
        path, quarantine = self.directory.path, push.repository.directory.object_directory or ""
        for source, _, names in os.walk(quarantine):
            target = os.path.join(path, "objects", os.path.relpath(source, quarantine))
            os.makedirs(target, exist_ok=True)
            for name in names:
                os.link(os.path.join(source, name), os.path.join(target, name))
        git("--git-dir", path, "update-ref", "refs/heads/main", str(push.updates[0].new))
        self.assertEqual(await self.refusal(10, push), "")

    async def test_a_blob_itself(self) -> None:
        """
        A tag may name a file directly.
        """
        push = await self.quarantined((b"large", b"x" * 1000))
        blob = git_in(push.repository.directory, "rev-parse", f"{push.updates[0].new}:large").strip()
        direct = self.push(RefUpdate(b"refs/tags/blob", ZERO, ObjectID(blob)))
        self.assertTrue((await self.refusal(10, direct)).startswith(f"object {blob.decode()} is 1000 bytes"))

    async def test_nothing_new(self) -> None:
        """
        A push without objects passes.
        """
        self.assertEqual(await self.refusal(0, self.push()), "")

    async def test_git_fails(self) -> None:
        """
        If git cannot say, nobody can.
        """
        push = await self.quarantined((b"large", b"x" * 1000))
        tip = self.push(RefUpdate(b"refs/heads/new", ZERO, push.updates[0].new))
        os.remove(os.path.join(self.directory.path, "HEAD"))
        with self.assertRaises(GitalyError) as caught:
            await LargestFile(10).check(tip)
        self.assertIn("cat-file failed: exit status 128", caught.exception.message)

    async def test_huge(self) -> None:
        """
        Sizes are told in the unit that fits.
        """
        push = await self.quarantined((b"large", b"x" * 2048))
        self.assertIn("is 2.0 KiB, more than the 1.0 KiB", await self.refusal(1024, push))
        self.assertEqual(await self.refusal(5 << 50, push), "")


class BranchNamesTests(hookcase.HookCase):
    """
    ``BranchNames``.
    """

    async def refusal(self, *names: bytes, patterns: tuple[str, ...] = ("main", "feature/*")) -> str:
        policy = BranchNames(patterns)
        verifyObject(IPushPolicy, policy)
        try:
            await policy.check(self.push(*(RefUpdate(name, ZERO, ONE) for name in names)))
        except Refused as error:
            return error.text
        return ""

    async def test_allowed(self) -> None:
        """
        Names that match, and refs that are no branches.
        """
        self.assertEqual(await self.refusal(b"refs/heads/main", b"refs/heads/feature/a/b", b"refs/tags/anything"), "")

    async def test_only_new_ones(self) -> None:
        """
        Branches that are there already may be changed and deleted.
        """
        updates = RefUpdate(b"refs/heads/odd", ONE, ONE), RefUpdate(b"refs/heads/odder", ONE, ZERO)
        await BranchNames(("main",)).check(self.push(*updates))

    async def test_refused(self) -> None:
        """
        The wrong ones and the right patterns are named.
        """
        self.assertEqual(
            await self.refusal(b"refs/heads/main", b"refs/heads/odd"),
            "branch name 'odd' is not allowed here\nallowed are: main, feature/*",
        )
        lines = (await self.refusal(*(b"refs/heads/x%d" % number for number in range(7)))).splitlines()
        self.assertEqual(lines[-2:], ["and 2 more", "allowed are: main, feature/*"])

    async def test_nothing_allowed(self) -> None:
        """
        Without patterns no branch can be made.
        """
        self.assertNotEqual(await self.refusal(b"refs/heads/main", patterns=()), "")
