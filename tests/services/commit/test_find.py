"""
Commits by name.
"""

from __future__ import annotations

from protocols.gitaly.shared_pb2 import CommitTrailer

from .case import CommitCase


class FindCommitTests(CommitCase):
    """
    ``FindCommit``
    """

    async def test_found(self):
        """
        Any name of a commit will do, a tag is followed, and no child is needed.
        """
        for revision, name in (("main", "merge"), ("HEAD", "merge"), ("v1", "one"), ("main~1", "three"), ("main^2", "two")):
            commit = (await self.asked("FindCommit", revision=revision.encode())).commit
            self.assertEqual(commit.id, self.ids[name])
            self.assertEqual(commit.tree_id, self.oid(f"{revision}^{{tree}}"))
        self.assertEqual(self.started, [])

    async def test_short(self):
        """
        A short id is git's to complete.
        """
        commit = (await self.asked("FindCommit", revision=self.ids["one"][:9].encode())).commit
        self.assertEqual((commit.id, self.started), (self.ids["one"], ["rev-parse"]))

    async def test_not_found(self):
        """
        What is no commit is not found, and that is no error.
        """
        for revision in (b"nope", b"12" * 20, b"main^{tree}", b"main~9"):
            self.assertFalse((await self.asked("FindCommit", revision=revision)).HasField("commit"))

    async def test_trailers(self):
        """
        Trailers come when asked for.
        """
        commit = (await self.asked("FindCommit", revision=b"main~1", trailers=True)).commit
        expected = [CommitTrailer(key=b"Signed-off-by", value=b"A <a@x>"), CommitTrailer(key=b"More", value=b"y")]
        self.assertEqual(list(commit.trailers), expected)
        self.assertFalse((await self.asked("FindCommit", revision=b"main~1")).commit.trailers)

    async def test_mailmap(self):
        """
        People are shown as the mailmap at HEAD says.
        """
        self.import_stream(
            "commit refs/heads/main\ncommitter C <c@example.org> 6000 +0000\ndata 1\nm\nfrom refs/heads/main^0\n"
            "M 100644 inline .mailmap\ndata 31\nAnn <ann@x> A <a@example.org>\n\n"
        )
        author = (await self.asked("FindCommit", revision=b"v1")).commit.author
        self.assertEqual((author.name, author.email), (b"Ann", b"ann@x"))


class ListingTests(CommitCase):
    """
    ``ListCommitsByOid`` and ``ListCommitsByRefName``
    """

    async def test_by_oid(self):
        """
        In the order of the request, as often as asked for, without what is no commit.
        """
        ids = [self.ids["two"], "nope", self.ids["one"][:10], self.oid("main^{tree}"), self.ids["two"], "v1", "12" * 20]
        (reply,) = await self.replies(self.call("ListCommitsByOid", oid=ids))
        self.assertEqual([commit.subject for commit in reply.commits], [b"two Fix", b"one", b"two Fix", b"one"])

    async def test_by_ref_name(self):
        """
        Each with the name that it was asked for by.
        """
        names = [b"refs/heads/side", b"nope", b"main", b"refs/tags/v1", b"HEAD"]
        (reply,) = await self.replies(self.call("ListCommitsByRefName", ref_names=names))
        found = [(each.ref_name, each.commit.id) for each in reply.commit_refs]
        ids = self.ids
        self.assertEqual(
            found,
            [(b"refs/heads/side", ids["two"]), (b"main", ids["merge"]), (b"refs/tags/v1", ids["one"]), (b"HEAD", ids["merge"])],
        )

    async def test_nothing(self):
        """
        For nothing there is no message.
        """
        for called in (
            self.call("ListCommitsByOid"),
            self.call("ListCommitsByOid", oid=["nope"]),
            self.call("ListCommitsByRefName"),
            self.call("ListCommitsByRefName", ref_names=[b"nope"]),
        ):
            self.assertEqual(await self.replies(called), [])

    async def test_many(self):
        """
        Many commits come in several messages, each of less than a mebibyte, and none is lost.
        """
        oid = self.run_git("commit-tree", "main^{tree}", stdin=b"x" * 9000)
        names = [oid, self.ids["one"]] * 300
        replies = await self.replies(self.call("ListCommitsByOid", oid=names))
        self.assertEqual([commit.id for reply in replies for commit in reply.commits], names)
        self.assertEqual([reply.ByteSize() < 1 << 20 for reply in replies], [True] * 6)
