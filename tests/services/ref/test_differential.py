"""
Refs with all kinds of names, loose and packed, as we and as git list them.
"""

from __future__ import annotations

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.services.ref.service import RefService
from tests.support.git import git
from tests.support.hearing import make_unasked
from tests.support.oddities import REF_NAMES, some

from .case import RefCase

NAMES = 60


class DifferentialTests(RefCase):
    """
    Generated names.
    """

    def fill(self) -> None:
        self.service = RefService(self.git_port, self.storage, Mailmaps(), make_unasked(self.git_port))
        tree = self.run_git("mktree")
        self.first = self.commit("first", 1000, tree)
        self.second = self.commit("second", 2000, tree, self.first)
        annotated = self.tag("annotated", self.first)
        targets = [self.first, self.second, annotated, tree]
        names = [name for name in some(REF_NAMES, NAMES) if name != b"annotated"]
        taken: set[bytes] = set()
        commands = []
        for number, name in enumerate(names):
            if any(name == other or name.startswith(other + b"/") or other.startswith(name + b"/") for other in taken):
                continue
            taken.add(name)
            folder = (b"refs/heads/", b"refs/tags/", b"refs/keep-around/", b"refs/remotes/")[number % 4]
            target = targets[number % 2] if folder == b"refs/heads/" else targets[number % len(targets)]
            commands.append(b"create %b%b %b\n" % (folder, name, target.encode()))
        half = len(commands) // 2
        git("-C", self.directory.path, "update-ref", "--stdin", stdin=b"".join(commands[:half]))
        git("-C", self.directory.path, "pack-refs", "--all")
        git("-C", self.directory.path, "update-ref", "--stdin", stdin=b"".join(commands[half:]))
        self.run_git("symbolic-ref", "refs/heads/symbolic", "refs/heads/main")
        self.point("refs/heads/main", self.second)

    def listed(self, *words: str) -> list[list[bytes]]:
        """
        What git prints, in fields.
        """
        output = git("-C", self.directory.path, "for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", *words)
        return [line.split(b"\0") for line in output.splitlines()]

    async def test_refs(self) -> None:
        """
        All refs come with what they point at, and what their tags stand for, in git's order.
        """
        for pattern in (b"refs/", b"refs/heads/", b"refs/tags", b"refs/*/?"):
            called = self.call("ListRefs", patterns=[pattern], peel_tags=True)
            found = [
                [ref.name, ref.target.encode(), ref.peeled_target.encode()]
                for reply in await self.replies(called)
                for ref in reply.references
            ]
            self.assertEqual(found, self.listed(pattern.decode()), pattern)

    async def test_branches(self) -> None:
        """
        Branches come with their commits, one by one and all together.
        """
        replies = await self.replies(self.call("FindLocalBranches"))
        found = [[branch.name, branch.target_commit.id.encode(), b""] for reply in replies for branch in reply.local_branches]
        self.assertEqual(found, self.listed("refs/heads/"))
        for name, oid, _ in found:
            reply = await self.reply(self.call("FindBranch", name=name.removeprefix(b"refs/heads/")))
            self.assertEqual(reply.branch.target_commit.id.encode(), oid)

    async def test_tags(self) -> None:
        """
        Tags come with their own ids.
        """
        replies = await self.replies(self.call("FindAllTags"))
        found = [[b"refs/tags/" + tag.name, tag.id.encode()] for reply in replies for tag in reply.tags]
        self.assertEqual(found, [line[:2] for line in self.listed("refs/tags/")])

    async def test_existence(self) -> None:
        """
        Every ref is there, and what is only like one is not.
        """
        for name, _, _ in self.listed():
            for asked, there in ((name, True), (name + b"x-", False), (name[:-1] + b"\x01", False)):
                reply = await self.reply(self.call("RefExists", ref=asked))
                self.assertEqual(reply.value, there, asked)


class SHA256DifferentialTests(DifferentialTests):
    """
    The same with long ids.
    """

    object_format = "sha256"
