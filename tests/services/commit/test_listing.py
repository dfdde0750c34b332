"""
``ListCommits`` and ``ListAllCommits``
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.commit_pb2 import ListCommitsRequest
from protocols.gitaly.shared_pb2 import PaginationParameter

from .case import CommitCase


class ListCommitsTests(CommitCase):
    """
    ``ListCommits``
    """

    async def test_listed(self):
        """
        The commits that a walk finds, by all that a request may say.
        """
        at = Timestamp
        for fields, expected in (
            ({"revisions": ["main"]}, "merge three two one"),
            ({"revisions": ["main"], "order": ListCommitsRequest.TOPO}, "merge two three one"),
            ({"revisions": ["main"], "order": ListCommitsRequest.DATE}, "merge three two one"),
            ({"revisions": ["main"], "reverse": True}, "one two three merge"),
            ({"revisions": ["main"], "max_parents": 1}, "three two one"),
            ({"revisions": ["main", "v1"], "disable_walk": True}, "merge one"),
            ({"revisions": ["main"], "first_parent": True}, "merge three one"),
            ({"revisions": ["main"], "after": at(seconds=2000), "before": at(seconds=3000)}, "three two"),
            ({"revisions": ["main"], "author": b"B <b@"}, "two"),
            ({"revisions": ["main"], "author": b"b <B@"}, ""),
            ({"revisions": ["main"], "author": b"b <B@", "ignore_case": True}, "two"),
            ({"revisions": ["main"], "commit_message_patterns": [b"^th", b"Fix$"]}, "three two"),
            ({"revisions": ["main"], "commit_message_patterns": [b"fix"]}, ""),
            ({"revisions": ["main"], "commit_message_patterns": [b"fix"], "ignore_case": True}, "two"),
            ({"revisions": ["main"], "skip": 1}, "three two one"),
            ({"revisions": ["main"], "paths": [b"READ*"]}, "three one"),
            ({"revisions": ["main", "--not", "side"]}, "merge three"),
            ({"revisions": ["--all"]}, "merge three two one"),
            ({"revisions": ["--not", "--branches=si*", "--not", "main"]}, "merge three"),
            ({"revisions": ["^v1", "side"]}, "two"),
            ({"revisions": ["v1..side"]}, "two"),
        ):
            self.assertEqual(" ".join(await self.subjects("ListCommits", **fields)), expected, fields)

    async def test_pages(self):
        """
        A page says how the next one is asked for, in whatever order, until there is none.
        """
        for reverse in (False, True):
            everything = await self.subjects("ListCommits", revisions=["main"], reverse=reverse)
            page = PaginationParameter(limit=3)
            reply = await self.asked("ListCommits", revisions=["main"], pagination_params=page, reverse=reverse)
            self.assertEqual([commit.subject.decode().split()[0] for commit in reply.commits], everything[:3])
            self.assertEqual(reply.pagination_cursor.next_cursor, reply.commits[2].id)
            page.page_token = reply.pagination_cursor.next_cursor
            reply = await self.asked("ListCommits", revisions=["main"], pagination_params=page, reverse=reverse)
            self.assertEqual([commit.subject.decode().split()[0] for commit in reply.commits], everything[3:])
            self.assertFalse(reply.HasField("pagination_cursor"))

    async def test_first_page(self):
        """
        For the first few commits no git is needed, and what is found is what git finds.
        """
        for fields in ({"revisions": ["main"]}, {"revisions": ["side", "v1"]}, {"revisions": ["main"], "skip": 1}):
            for limit in (1, 2, 9):
                self.started.clear()
                first = await self.asked("ListCommits", **fields, pagination_params=PaginationParameter(limit=limit))
                self.assertEqual(self.started, [])
                everything = await self.asked("ListCommits", **fields)
                self.assertEqual(self.started, ["rev-list"])
                self.assertEqual(list(first.commits), list(everything.commits)[:limit])
                more = first.commits[-1].id if len(everything.commits) > limit else ""
                self.assertEqual(first.pagination_cursor.next_cursor, more)

    async def test_limits(self):
        """
        A limit of zero is none, and after a token that is not met there is nothing.
        """
        for limit, token, expected in (
            (0, "", "merge three two one"),
            (-1, "", "merge three two one"),
            (4, "", "merge three two one"),
            (9, "", "merge three two one"),
            (1, "", "merge"),
            (0, self.ids["three"], "two one"),
            (1, self.ids["three"], "two"),
            (1, self.ids["one"], ""),
            (9, "nope", ""),
        ):
            page = PaginationParameter(limit=limit, page_token=token)
            found = await self.subjects("ListCommits", revisions=["main"], pagination_params=page)
            self.assertEqual(" ".join(found), expected, (limit, token))

    async def test_refused(self):
        """
        Revisions are needed and checked; what git says of one that stands for nothing reaches the caller.
        """
        ambiguous = (
            "INTERNAL iterating objects: rev-list pipeline command: exit status 128, stderr: \"fatal: ambiguous argument 'nope': "
            "unknown revision or path not in the working tree.\\nUse '--' to separate paths from revisions, like this:\\n"
            "'git <command> [<revision>...] -- [<file>...]'\\n\""
        )
        for revisions, expected in (
            ([], "INVALID_ARGUMENT missing revisions"),
            (["main", "-x"], "INVALID_ARGUMENT invalid revision: revision can't start with '-'"),
            (["main", ""], "INVALID_ARGUMENT invalid revision: empty revision"),
            (["nope"], ambiguous),
        ):
            self.assertEqual(await self.refused("ListCommits", revisions=revisions), expected)

    async def test_many_revisions(self):
        """
        There may be more revisions than a command line has room for.
        """
        for revisions, expected in (
            (["main", "--not"], ["merge", "three"]),
            (["--not", "side", "--not", "main"], ["merge", "three"]),
        ):
            many = [*revisions, *([self.ids["two"]] * 3000 if revisions[-1] == "--not" else [self.ids["three"]] * 3000)]
            self.assertEqual(await self.subjects("ListCommits", revisions=many), expected)
        counted = [b"main", b"--not", *[self.ids["two"].encode()] * 3000]
        self.assertEqual((await self.asked("CountCommits", revisions=counted)).count, 2)

    async def test_empty_repository(self):
        """
        Nothing is listed of a repository without refs.
        """
        for name in ("heads/main", "heads/side", "tags/v1"):
            self.run_git("update-ref", "-d", f"refs/{name}")
        self.assertEqual(await self.replies(self.call("ListCommits", revisions=["--all"])), [])

    async def test_gone(self):
        """
        Whoever reads only the beginning leaves no child behind.
        """
        commits = "".join(
            f"commit refs/heads/long\ncommitter C <c@x> {number} +0000\ndata 4000\n{'x' * 3999}\n\n" for number in range(900)
        )
        self.import_stream(commits)
        first = await self.stop_after_first(self.call("ListCommits", revisions=["long"]))
        self.assertLess(first.ByteSize(), 1 << 20)
        self.assertGreater(len(first.commits), 100)


class ListAllCommitsTests(CommitCase):
    """
    ``ListAllCommits``
    """

    async def test_listed(self):
        """
        All commits that there are, also those that nothing leads to.
        """
        self.run_git("commit-tree", "main^{tree}", stdin=b"lost")
        expected = ["lost", "merge", "one", "three", "two"]
        self.assertEqual(sorted(await self.subjects("ListAllCommits")), expected)
        self.run_git("repack", "-adq")
        self.assertEqual(sorted(await self.subjects("ListAllCommits")), expected)

    async def test_pages(self):
        """
        A page begins after any object's id, in git's order.
        """
        objects = self.run_git("cat-file", "--batch-all-objects", "--batch-check", "--unordered").splitlines()
        commits = [line.split()[0] for line in objects if " commit " in line]
        for token in (objects[0].split()[0], objects[len(objects) // 2].split()[0], objects[-1].split()[0]):
            start = [line.split()[0] for line in objects].index(token) + 1
            expected = [line.split()[0] for line in objects[start:] if " commit " in line]
            for limit in (0, 1, 99):
                page = PaginationParameter(page_token=token, limit=limit)
                replies = await self.replies(self.call("ListAllCommits", pagination_params=page))
                found = [commit.id for reply in replies for commit in reply.commits]
                self.assertEqual(found, expected[: limit or None])
        self.assertEqual(await self.subjects("ListAllCommits", pagination_params=PaginationParameter(page_token="nope")), [])
        self.assertEqual(len(commits), 4)

    async def test_damaged(self):
        """
        A repository that git cannot read is an error.
        """
        with open(self.directory.path + "/HEAD", "w", encoding="ascii") as file:
            file.write("x")
        refused = await self.refused("ListAllCommits")
        self.assertTrue(refused.startswith("INTERNAL iterating objects: cat-file pipeline command: exit status 128, stderr: "))
