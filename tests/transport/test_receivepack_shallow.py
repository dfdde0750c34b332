"""
Pushes from shallow clones: our receive-pack and git's own, with the same bytes.
"""

from __future__ import annotations

import os

from tests.support import differential
from tests.support.git import git, make_repository
from tests.support.pushes import EMPTY_PACK, ZERO, push


class ShallowTests(differential.DifferentialCase):
    """
    Pushes from shallow clones.
    """

    def shallow_clone(self, name: str, source: str) -> str:
        """
        A clone that knows one commit.
        """
        path = os.path.join(self.root, name)
        git("clone", "--quiet", "--bare", "--depth=1", f"file://{source}", path)
        return path

    def on_top(self, path: str) -> tuple[bytes, bytes]:
        """
        Commit in a clone.

        :returns: the commit before and the new one.
        """
        before = git("--git-dir", path, "rev-parse", "main").strip()
        tree = git("--git-dir", path, "rev-parse", "main^{tree}").strip()
        return before, git("--git-dir", path, "commit-tree", "-p", before.decode(), "-m", "more", tree.decode()).strip()

    async def test_history_connects(self) -> None:
        """
        A commit on top of what the server has is taken, though the client does not know the rest.
        """
        path = self.shallow_clone("clone.git", self.directory.path)
        before, tip = self.on_top(path)
        pack = git(
            "--git-dir",
            path,
            "pack-objects",
            "--revs",
            "--thin",
            "--shallow",
            "--stdout",
            "-q",
            stdin=b"%b\n^%b\n" % (tip, before),
        )
        ours = await self.compare(push((before, tip, b"refs/heads/main"), pack=pack, shallow=[before]))
        self.assertEqual(ours.report, [b"unpack ok", b"ok refs/heads/main"])

    async def test_history_does_not_connect(self) -> None:
        """
        History whose beginning nobody has is refused, and the rest of the push is not.
        """
        stranger = make_repository(os.path.join(self.root, "stranger.git"), 6).path
        path = self.shallow_clone("clone.git", stranger)
        before, tip = self.on_top(path)
        pack = git("--git-dir", path, "pack-objects", "--revs", "--shallow", "--stdout", "-q", stdin=tip + b"\n")
        ours = await self.compare(
            push((ZERO, tip, b"refs/heads/new"), (ZERO, self.main, b"refs/heads/fine"), pack=pack, shallow=[before])
        )
        self.assertEqual(ours.report, [b"unpack ok", b"ng refs/heads/new shallow update not allowed", b"ok refs/heads/fine"])

    async def test_old_commit_missing(self) -> None:
        """
        A shallow client's push whose tip is missing altogether.
        """
        await self.compare(push((ZERO, b"d" * 40, b"refs/heads/new"), pack=EMPTY_PACK, shallow=[self.main]))
