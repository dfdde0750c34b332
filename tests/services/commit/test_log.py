"""
``FindAllCommits``, ``FindCommits`` and ``CommitsByMessage``
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.commit_pb2 import FindAllCommitsRequest, FindCommitsRequest
from protocols.gitaly.shared_pb2 import CommitStatInfo, GlobalOptions

from .case import CommitCase

LITERAL = GlobalOptions(literal_pathspecs=True)


class FindAllCommitsTests(CommitCase):
    """
    ``FindAllCommits``
    """

    async def test_found(self):
        """
        The history of a revision or of all branches.
        """
        for fields, expected in (
            ({}, "merge three two one"),
            ({"revision": b"side"}, "two one"),
            ({"revision": b"main", "max_count": 2}, "merge three"),
            ({"revision": b"main", "max_count": -1, "skip": -1}, "merge three two one"),
            ({"revision": b"main", "skip": 3}, "one"),
            ({"revision": b"main", "order": FindAllCommitsRequest.TOPO}, "merge two three one"),
            ({"revision": b"main", "order": FindAllCommitsRequest.DATE}, "merge three two one"),
            ({"revision": b"nope"}, ""),
        ):
            self.assertEqual(" ".join(await self.subjects("FindAllCommits", **fields)), expected, fields)

    async def test_no_branches(self):
        """
        Without branches there is nothing, whatever else there is, unless HEAD stands for a commit by itself.
        """
        tip = self.oid("side")
        for name in ("main", "side"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        self.assertEqual(await self.replies(self.call("FindAllCommits")), [])
        self.run_git("update-ref", "--no-deref", "HEAD", tip)
        self.assertEqual(await self.subjects("FindAllCommits"), ["two", "one"])


class FindCommitsTests(CommitCase):
    """
    ``FindCommits``
    """

    async def test_found(self):
        """
        The commits that git log finds, by all that a request may say.
        """
        at = Timestamp
        for fields, expected in (
            ({}, "merge three two one"),
            ({"revision": b"side"}, "two one"),
            ({"all": True}, "one two three merge"),
            ({"all": True, "limit": 2}, "three merge"),
            ({"limit": 2, "offset": 1}, "three two"),
            ({"limit": 0}, ""),
            ({"limit": -1}, "merge three two one"),
            ({"offset": 9}, ""),
            ({"paths": [b"READ*"]}, "three one"),
            ({"paths": [b"READ*"], "global_options": LITERAL}, ""),
            ({"paths": [b"side", b"README"]}, "merge three two one"),
            ({"skip_merges": True}, "three two one"),
            ({"first_parent": True}, "merge three one"),
            ({"author": b"b@ex"}, "two"),
            ({"after": at(seconds=2000), "before": at(seconds=3000)}, "three two"),
            ({"order": FindCommitsRequest.TOPO}, "merge two three one"),
            ({"message_regex": "FIX$"}, "two"),
            ({"revision": b"nope"}, ""),
            ({"revision": b"v1..main", "skip_merges": True}, "three two"),
        ):
            for limit in (99, 9):
                found = await self.subjects("FindCommits", **{"limit": limit, **fields})
                self.assertEqual(" ".join(found), expected, fields)

    async def test_few(self):
        """
        For a few commits of one history no git is needed, and what is found is what git finds.
        """
        for method, field in (("FindCommits", "limit"), ("FindAllCommits", "max_count")):
            for fields in ({}, {"skip" if field == "max_count" else "offset": 1}, {"revision": b"v1"}):
                asked = {"revision": b"main", **fields}
                self.started.clear()
                few = await self.replies(self.call(method, **asked, **{field: 3}))
                self.assertEqual(self.started, [])
                many = await self.replies(self.call(method, **asked, **{field: 99}))
                self.assertEqual(self.started, ["log"])
                self.assertEqual([list(reply.commits) for reply in few], [list(reply.commits)[:3] for reply in many])
        self.started.clear()
        (reply,) = await self.replies(self.call("FindCommits", revision=b"main", limit=2, first_parent=True, trailers=True))
        self.assertEqual([len(commit.trailers) for commit in reply.commits], [0, 2])
        self.assertEqual(self.started, [])

    async def test_few_large(self):
        """
        Commits with long subjects come in several replies, and so they do without a git.
        """
        parent = self.oid("main")
        for _ in range(3):
            people = "author C <c@x> 5000 +0000\ncommitter C <c@x> 5000 +0000"
            head = f"tree {self.oid('main^{tree}')}\nparent {parent}\n{people}\n\n"
            parent = self.write("commit", head.encode() + b"x" * 600_000)
        self.started.clear()
        replies = await self.replies(self.call("FindCommits", revision=parent.encode(), limit=4))
        self.assertEqual([len(reply.commits) for reply in replies], [1, 1, 2])
        self.assertEqual(self.started, [])

    async def test_follow(self):
        """
        A file is followed over its old names, also when the beginning is left out.
        """
        for fields, expected in (
            ({"limit": 99}, "three one"),
            ({"limit": 99, "offset": 1}, "one"),
            ({"limit": 1, "offset": 1}, "one"),
            ({"limit": 1}, "three"),
            ({"limit": -1, "offset": 1}, "one"),
            ({"limit": 99, "offset": 2}, ""),
        ):
            found = await self.subjects("FindCommits", paths=[b"bin/ran"], follow=True, **fields)
            self.assertEqual(" ".join(found), expected, fields)
        self.assertEqual(await self.subjects("FindCommits", paths=[b"bin/ran"], limit=9), ["three"])
        self.assertEqual(len(await self.subjects("FindCommits", follow=True, offset=1, limit=99)), 3)

    async def test_details(self):
        """
        Numbers of lines, trailers and names come when asked for.
        """
        fields = {"include_shortstat": True, "trailers": True, "include_referenced_by": [b"HEAD", b"refs/heads/", b"refs/tags/"]}
        (reply,) = await self.replies(self.call("FindCommits", limit=9, **fields))
        found = {commit.subject.decode().split()[0]: commit for commit in reply.commits}
        stats = {
            "three": CommitStatInfo(changed_files=2, additions=1),
            "two": CommitStatInfo(changed_files=1, additions=1),
            "one": CommitStatInfo(changed_files=5, additions=5),
        }
        self.assertEqual({name: commit.short_stats for name, commit in found.items() if commit.HasField("short_stats")}, stats)
        self.assertEqual([trailer.key for trailer in found["three"].trailers], [b"Signed-off-by", b"More"])
        names = {"merge": [b"HEAD", b"refs/heads/main"], "two": [b"refs/heads/side"], "one": [b"refs/tags/v1"], "three": []}
        self.assertEqual({name: list(commit.referenced_by) for name, commit in found.items()}, names)
        (plain,) = await self.replies(self.call("FindCommits", limit=9))
        self.assertFalse(any(each.HasField("short_stats") or each.trailers or each.referenced_by for each in plain.commits))

    async def test_refused(self):
        """
        An empty path is none.
        """
        self.assertEqual(await self.refused("FindCommits", paths=[b"a", b""]), "INVALID_ARGUMENT path is empty string")

    async def test_no_branches(self):
        """
        Without a default branch there is nothing to begin with.
        """
        for name in ("main", "side"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        self.assertEqual(await self.replies(self.call("FindCommits", limit=9)), [])
        self.assertEqual(await self.replies(self.call("CommitsByMessage", query="x")), [])
        self.assertEqual(self.started, [])


class ByMessageTests(CommitCase):
    """
    ``CommitsByMessage``
    """

    async def test_found(self):
        """
        A pattern matches whatever its case.
        """
        for fields, expected in (
            ({"query": "FIX"}, "two"),
            ({"query": "^t.*"}, "three two"),
            ({"query": "t", "limit": 1}, "three"),
            ({"query": "^t", "offset": 1}, "two"),
            ({"query": "^t", "offset": -1, "limit": -1}, "three two"),
            ({"query": "^t", "path": b"side"}, "two"),
            ({"query": "^t", "path": b"si*", "global_options": LITERAL}, ""),
            ({"query": "^t", "revision": b"main~1"}, "three"),
            ({"query": "^t", "revision": b"nope"}, ""),
            ({"query": "nothing like that"}, ""),
        ):
            self.assertEqual(" ".join(await self.subjects("CommitsByMessage", **fields)), expected, fields)

    async def test_refused(self):
        """
        Something to look for is needed.
        """
        self.assertEqual(await self.refused("CommitsByMessage"), "INVALID_ARGUMENT empty Query")
