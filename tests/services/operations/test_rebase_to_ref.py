"""
Rebases in refs of their own.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.commits import Ident
from gitaly_tx.git.objectid import ObjectID
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import User

from . import mergecase

TARGET = b"refs/merge-requests/1/rebase"


class RebaseToRefTests(mergecase.MergeCase):
    """
    ``UserRebaseToRef``.
    """

    def rebase(self, **fields: Any) -> Any:
        """
        Call it: ``side`` onto ``main``.
        """
        usual = {"first_parent_ref": b"refs/heads/main", "source_sha": str(self.side), "target_ref": TARGET}
        return self.call("UserRebaseToRef", **{**usual, **fields})

    async def subjects(self, source: ObjectID, onto: ObjectID | None = None) -> list[str]:
        """
        Rebase something onto ``main``.

        :returns: the messages of the new commits, the oldest first.
        """
        onto = onto or self.main
        response = await self.rebase(source_sha=str(source), first_parent_ref=bytes(onto))
        return self.run_git("log", "--reverse", "--format=%s", f"{onto}..{response.commit_id}").splitlines()

    async def test_rebase(self) -> None:
        """
        Message, author and their time stay; the user is the committer. No hook and no application is asked.
        """
        self.hook("pre-receive", "exit 1")
        self.application.denies = "no"
        author = Ident(b"B", b"b@example.org", 1500000000, b"-0330")
        tip = self.history.commit(
            {**mergecase.BASE, "a": "1\n2\n3\n4\n", "n": "n"}, self.side, message=b" two\n\nlines ", author=author
        )
        response = await self.rebase(source_sha=str(tip))
        self.assertEqual(self.refs()[TARGET.decode()], response.commit_id)
        self.assertEqual(
            self.shown(response.commit_id)[1:],
            ["author B <b@example.org> 1500000000 -0330", f"committer {mergecase.IDENT}", "", " two", "", "lines "],
        )
        self.assertEqual(
            self.shown(f"{response.commit_id}^"),
            [
                f"parent {self.main}",
                "author A <a@example.org> 1600000000 +0200",
                f"committer {mergecase.IDENT}",
                "",
                "change",
                "",
            ],
        )
        self.assertEqual(self.history.files(response.commit_id), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n", "n": "n"})
        self.nothing_staged()

    async def test_nothing_to_do(self) -> None:
        """
        What sits there already, or is contained already, stays as it is. A tag stands for its commit.
        """
        self.run_git("tag", "-a", "-m", "tag", "v1", str(self.side))
        for first, source, expected in (
            (b"refs/heads/main", str(self.base), self.main),
            (bytes(self.base), str(self.side), self.side),
            (b"main", "main", self.main),
            (bytes(self.base), "v1", self.side),
        ):
            response = await self.rebase(first_parent_ref=first, source_sha=source)
            self.assertEqual(response.commit_id, str(expected))

    async def test_left_out(self) -> None:
        """
        Merges are left out; so are changes that are there already, and what becomes empty by that, but not what was empty before.
        """
        files: dict[str, Any] = dict(mergecase.BASE)
        same = self.history.commit({**files, "a": "0\n1\n2\n3\n"}, self.base, message=b"same patch\n")
        empty = self.history.commit({**files, "a": "0\n1\n2\n3\n"}, same, message=b"empty\n")
        files |= {"a": "0\n1\n2\n3\n", "x": "x"}
        new = self.history.commit(files, empty, message=b"new\n")
        merge = self.history.commit({**files, "o": "o\n"}, new, self.other, message=b"merge\n")
        last = self.history.commit({**files, "o": "o\n", "y": "y"}, merge, message=b"last\n")
        found = await self.subjects(last)
        self.assertEqual(sorted(found), ["change", "empty", "last", "new"])
        self.assertEqual([subject for subject in found if subject != "change"], ["empty", "new", "last"])
        upstream = self.history.commit(files, self.main)
        part = self.history.commit({**files, "z": "z"}, self.base, message=b"part\n")
        self.assertEqual(await self.subjects(self.history.commit(files, part, message=b"undo z\n"), upstream), ["part", "undo z"])
        double = self.history.commit({**mergecase.BASE, "x": "x"}, self.base, message=b"becomes empty\n")
        self.assertEqual(await self.subjects(double, upstream), [])

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        zone = User(name=b"A", email=b"a", timezone="x")
        for change, text in (
            ({"repository": pb.UserRebaseToRefRequest().repository, "user": None}, "repository not set"),
            ({"first_parent_ref": b"", "user": None}, "empty FirstParentRef"),
            ({"user": None, "source_sha": ""}, "empty User"),
            ({"source_sha": "", "target_ref": b""}, "empty SourceSha"),
            ({"target_ref": b"", "first_parent_ref": b"nope"}, "empty TargetRef"),
            ({"target_ref": b"refs/heads/x", "first_parent_ref": b"nope"}, "invalid TargetRef"),
            ({"first_parent_ref": b"nope", "source_sha": "nope"}, "invalid FirstParentRef"),
            ({"source_sha": "--all", "expected_old_oid": "x"}, "invalid SourceSha"),
            (
                {"expected_old_oid": "1" * 40, "user": zone},
                "cannot resolve expected old object ID: reference not found",
            ),
            ({"user": zone}, "unknown time zone x"),
        ):
            with self.subTest(text=text):
                await self.refused(self.rebase(**change), Code.INVALID_ARGUMENT, text)

    async def test_conflict(self) -> None:
        """
        A conflict is told with the two commits.
        """
        name = TARGET.decode()
        text = f"failed to rebase {self.clash} on {self.main} while preparing {name} due to conflict"
        await self.refused(self.rebase(source_sha="clash"), Code.FAILED_PRECONDITION, text)
        self.nothing_staged()

    async def test_failed(self) -> None:
        """
        What has nothing in common cannot be rebased, nor what is no commit.
        """
        blob = self.history.write(b"blob", b"x")
        nobody = User(name=b".", email=b"a")
        for change, text in (
            ({"source_sha": str(self.other)}, "get merge-base: exit status 1"),
            ({"source_sha": str(blob)}, "resolve commit: reference not found"),
            ({"first_parent_ref": b"1" * 40}, "resolve commit: reference not found"),
            ({"user": nobody}, f'rebase: commit "{self.side}": name consists only of disallowed characters'),
        ):
            await self.refused(self.rebase(**change), Code.INTERNAL, f"rebasing commits: {text}")
        self.nothing_staged()

    async def test_busy(self) -> None:
        """
        If there is no process to be had, the caller is told so.
        """
        for command in ("merge-base", "rev-list", "merge-tree"):
            self.busy(command)
            await self.refused(self.rebase(), Code.RESOURCE_EXHAUSTED, "rebasing commits: no process")

    async def test_damaged(self) -> None:
        """
        Histories that git cannot read cannot be compared.
        """
        self.busy("merge-base", fails=True)
        text = "rebasing commits: get merge-base: exit status 128"
        await self.refused(self.rebase(), Code.INTERNAL, text)

    async def test_old(self) -> None:
        """
        The ref is moved from what it is, or only from what the caller expects.
        """
        first = await self.rebase()
        second = await self.rebase(source_sha=str(self.base))
        self.assertEqual(self.refs()[TARGET.decode()], second.commit_id)
        text = f"could not update {TARGET.decode()}. Please refresh and try again"
        await self.refused(self.rebase(expected_old_oid=first.commit_id), Code.FAILED_PRECONDITION, text)
        await self.rebase(expected_old_oid=second.commit_id)
        self.assertEqual(self.refs()[TARGET.decode()], first.commit_id)
