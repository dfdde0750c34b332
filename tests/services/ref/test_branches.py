"""
Tests for :mod:`gitaly_tx.services.ref.branches` and its messages.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from protocols.gitaly.ref_pb2 import FindLocalBranchesRequest
from protocols.gitaly.shared_pb2 import PaginationParameter
from tests.services.ref.case import RefCase

MISSING = "1" * 40


class BranchesCase(RefCase):
    """
    Some branches, near and far.
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.point("refs/heads/feature/old", self.first)
        self.point("refs/heads/zulu", self.second)
        self.point("refs/remotes/origin/main", self.first)
        self.point("refs/remotes/origin2/main", self.first)
        self.run_git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        self.point("refs/tags/v1", self.first)

    def broken(self) -> None:
        """
        Let a branch point at a blob.
        """
        blob = self.write("blob", b"x")
        with open(f"{self.directory.path}/refs/heads/blob", "w", encoding="ascii") as file:
            file.write(blob + "\n")


class FindLocalBranchesTests(BranchesCase):
    """
    ``FindLocalBranches``
    """

    async def listed(self, **fields) -> list[bytes]:
        return await self.names("FindLocalBranches", "local_branches", **fields)

    async def test_all(self):
        """
        All branches come with their commits, by name, and without a git.
        """
        (reply,) = await self.replies(self.call("FindLocalBranches"))
        found = [(branch.name, branch.target_commit.id, branch.target_commit.subject) for branch in reply.local_branches]
        self.assertEqual(
            found,
            [
                (b"refs/heads/feature/old", self.first, b"first"),
                (b"refs/heads/main", self.second, b"second"),
                (b"refs/heads/zulu", self.second, b"second"),
            ],
        )
        self.assertEqual(self.started, [])

    async def test_again(self):
        """
        A second look finds what has changed since the first.
        """
        await self.listed()
        self.point("refs/heads/main", self.first)
        self.run_git("update-ref", "-d", "refs/heads/zulu")
        (reply,) = await self.replies(self.call("FindLocalBranches"))
        self.assertEqual([branch.target_commit.id for branch in reply.local_branches], [self.first, self.first])

    async def test_orders(self):
        """
        Branches that were updated at the same time are in the order of their names.
        """
        old, main, zulu = b"refs/heads/feature/old", b"refs/heads/main", b"refs/heads/zulu"
        self.assertEqual(await self.listed(sort_by=FindLocalBranchesRequest.UPDATED_ASC), [old, main, zulu])
        self.assertEqual(await self.listed(sort_by=FindLocalBranchesRequest.UPDATED_DESC), [main, zulu, old])

    async def test_pages(self):
        """
        A page follows its token; one that is not met is an error.
        """
        token = PaginationParameter(page_token="refs/heads/feature/old", limit=1)
        self.assertEqual(await self.listed(pagination_params=token), [b"refs/heads/main"])
        self.assertEqual(await self.replies(self.call("FindLocalBranches", pagination_params=PaginationParameter())), [])
        nowhere = PaginationParameter(page_token="refs/heads/nope", limit=1)
        refused = await self.refusal(self.call("FindLocalBranches", pagination_params=nowhere))
        self.assertEqual(refused, (Code.INTERNAL, "finding refs: sending lines: could not find page token"))

    async def test_no_commit(self):
        """
        A branch that points at a blob, or at nothing, makes the list fail.
        """
        self.broken()
        expected = (Code.INTERNAL, "finding refs: sending lines: object not found")
        self.assertEqual(await self.refusal(self.call("FindLocalBranches")), expected)
        with open(f"{self.directory.path}/refs/heads/blob", "w", encoding="ascii") as file:
            file.write(MISSING + "\n")
        self.assertEqual(await self.refusal(self.call("FindLocalBranches")), expected)
        by_date = self.call("FindLocalBranches", sort_by=FindLocalBranchesRequest.UPDATED_ASC)
        self.assertEqual(await self.refusal(by_date), (Code.INTERNAL, "finding refs: listing failed with exit code 128"))

    async def test_empty(self):
        """
        Without branches there is no message.
        """
        for name in ("main", "feature/old", "zulu"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        self.assertEqual(await self.replies(self.call("FindLocalBranches")), [])

    async def test_bounds(self):
        """
        A list is cut where a message would become too large, and what is kept for the next call is bounded.
        """
        tree = self.run_git("mktree")
        for number in range(5):
            self.point(f"refs/heads/x{number}", self.commit(f"{number}" + "x" * 300_000, 3000, tree))
        messages = self.service._commits.messages
        messages._maximum = 700_000
        replies = await self.replies(self.call("FindLocalBranches"))
        self.assertEqual([len(reply.local_branches) for reply in replies], [5, 3])
        self.assertTrue(0 < messages._bytes <= 700_000)
        self.assertEqual(await self.replies(self.call("FindLocalBranches")), replies)


class FindAllBranchesTests(BranchesCase):
    """
    ``FindAllBranches``
    """

    async def listed(self, **fields) -> list[bytes]:
        return await self.names("FindAllBranches", "branches", **fields)

    async def test_all(self):
        """
        Local ones come before remote ones.
        """
        (reply,) = await self.replies(self.call("FindAllBranches"))
        self.assertEqual(
            [(branch.name, branch.target.id) for branch in reply.branches],
            [
                (b"refs/heads/feature/old", self.first),
                (b"refs/heads/main", self.second),
                (b"refs/heads/zulu", self.second),
                (b"refs/remotes/origin/HEAD", self.first),
                (b"refs/remotes/origin/main", self.first),
                (b"refs/remotes/origin2/main", self.first),
            ],
        )
        self.assertEqual(self.started, [])

    async def test_merged(self):
        """
        Merged is what the default branch contains; patterns count only then.
        """
        self.run_git("symbolic-ref", "HEAD", "refs/heads/feature/old")
        self.assertEqual(
            await self.listed(merged_only=True),
            [b"refs/heads/feature/old", b"refs/remotes/origin/HEAD", b"refs/remotes/origin/main", b"refs/remotes/origin2/main"],
        )
        patterns = [b"refs/remotes/*2/main", b"refs/heads/main"]
        self.assertEqual(await self.listed(merged_only=True, merged_branches=patterns), [b"refs/remotes/origin2/main"])
        self.assertEqual(len(await self.listed(merged_branches=patterns)), 6)
        await self.no_children()

    async def test_nothing_to_merge(self):
        """
        Without a default branch nothing can be merged.
        """
        for name in ("main", "feature/old", "zulu"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        refused = await self.refusal(self.call("FindAllBranches", merged_only=True))
        self.assertEqual(refused, (Code.INTERNAL, "finding refs: listing failed with exit code 128"))
        self.run_git("update-ref", "--no-deref", "HEAD", self.first)
        refused = await self.refusal(self.call("FindAllBranches", merged_only=True))
        self.assertEqual(refused, (Code.INTERNAL, "default branch name: exit status 128"))


class FindAllRemoteBranchesTests(BranchesCase):
    """
    ``FindAllRemoteBranches``
    """

    async def test_remote(self):
        """
        Only the branches of that remote; a symbolic one has its target's commit.
        """
        (reply,) = await self.replies(self.call("FindAllRemoteBranches", remote_name="origin"))
        self.assertEqual(
            [(branch.name, branch.target_commit.id) for branch in reply.branches],
            [(b"refs/remotes/origin/HEAD", self.first), (b"refs/remotes/origin/main", self.first)],
        )
        self.assertEqual(await self.replies(self.call("FindAllRemoteBranches", remote_name="nope")), [])

    async def test_no_name(self):
        """
        A remote must be named.
        """
        refused = await self.refusal(self.call("FindAllRemoteBranches"))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "empty RemoteName"))


class FindBranchTests(BranchesCase):
    """
    ``FindBranch``
    """

    async def test_found(self):
        """
        A branch comes with its commit, under the name that was asked for.
        """
        branch = (await self.reply(self.call("FindBranch", name=b"feature/old"))).branch
        self.assertEqual((branch.name, branch.target_commit.id), (b"feature/old", self.first))
        self.assertEqual(self.started, [])

    async def test_not_found(self):
        """
        What is no branch is not there, whatever else it may be.
        """
        for name in ("nope", "refs/heads/main", "v1", "HEAD", "-x", "main~1", self.first, "mai", "a\nb"):
            self.assertFalse((await self.reply(self.call("FindBranch", name=name.encode()))).HasField("branch"), name)

    async def test_refused(self):
        """
        An empty name is refused, and one that stands for others.
        """
        refused = await self.refusal(self.call("FindBranch"))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "Branch name cannot be empty"))
        for name, other in [("feature", "feature/old"), ("feature/", "feature/old"), ("m*", "main"), ("[z]ulu", "zulu")]:
            text = f'target reference is ambiguous: reference is ambiguous: conflicts with "refs/heads/{other}"'
            refused = await self.refusal(self.call("FindBranch", name=name.encode()))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))

    async def test_no_commit(self):
        """
        A branch that points at a blob is an error.
        """
        self.broken()
        self.assertEqual(await self.refusal(self.call("FindBranch", name=b"blob")), (Code.INTERNAL, "object not found"))


class Sha256Tests(BranchesCase):
    """
    Branches of a repository with the other kind of ids.
    """

    object_format = "sha256"

    async def test_branch(self):
        """
        Ids are longer, and that is all.
        """
        branch = (await self.reply(self.call("FindBranch", name=b"main"))).branch
        self.assertEqual(branch.target_commit.id, self.second)
        self.assertEqual(branch.target_commit.parent_ids, [self.first])
