"""
Merges in refs of their own.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository, User

from . import mergecase

TARGET = b"refs/merge-requests/1/merge"


class MergeToRefTests(mergecase.MergeCase):
    """
    ``UserMergeToRef``.
    """

    def merge(self, **fields: Any) -> Any:
        """
        Call it: ``side`` into ``main``.
        """
        usual = {"first_parent_ref": b"refs/heads/main", "source_sha": str(self.side), "target_ref": TARGET, "message": b"merge"}
        return self.call("UserMergeToRef", **{**usual, **fields})

    async def test_merge(self) -> None:
        """
        The commit has both sides as its parents, the user as author and committer, and the message as it is. The branch stays.
        """
        self.hook("pre-receive", "exit 1")
        self.application.denies = "no"
        response = await self.merge()
        self.assertEqual(self.refs()[TARGET.decode()], response.commit_id)
        self.assertEqual(
            self.shown(response.commit_id),
            [
                f"parent {self.main}",
                f"parent {self.side}",
                f"author {mergecase.IDENT}",
                f"committer {mergecase.IDENT}",
                "",
                "merge",
            ],
        )
        self.assertEqual(self.history.files(response.commit_id), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n"})
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))
        self.nothing_staged()

    async def test_always(self) -> None:
        """
        It is a merge commit even if there is nothing to merge, or nothing in common.
        """
        for first, source in ((self.base, self.side), (self.side, self.base), (self.main, self.other), (self.main, self.main)):
            response = await self.merge(first_parent_ref=bytes(first), source_sha=str(source))
            parents = [line.split()[1] for line in self.shown(response.commit_id) if line.startswith("parent")]
            self.assertEqual(parents, list(dict.fromkeys((str(first), str(source)))))

    async def test_names(self) -> None:
        """
        Any revisions will do; the old name of the first field is asked only if the new one is not set.
        """
        response = await self.merge(first_parent_ref=b"main", source_sha="side^{commit}", branch=b"nope")
        self.assertIn(f"parent {self.main}", self.shown(response.commit_id))
        self.run_git("tag", "-a", "-m", "tag", "v1", str(self.main))
        response = await self.merge(first_parent_ref=b"v1", source_sha="v1")
        self.assertEqual(self.shown(response.commit_id)[:2], [f"parent {self.main}", f"author {mergecase.IDENT}"])
        response = await self.merge(first_parent_ref=None, branch=b"clash~1")
        self.assertIn(f"parent {self.base}", self.shown(response.commit_id))

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        zone = User(name=b"A", email=b"a", timezone="Nowhere")
        for change, text in (
            ({"repository": Repository(), "first_parent_ref": b""}, "repository not set"),
            ({"first_parent_ref": b"", "user": None}, "empty first parent ref and branch name"),
            ({"user": None, "source_sha": ""}, "empty user"),
            ({"source_sha": "", "target_ref": b""}, "empty source SHA"),
            ({"target_ref": b"", "first_parent_ref": b"nope"}, "empty target ref"),
            ({"target_ref": b"refs/heads/main", "first_parent_ref": b"nope"}, "invalid target ref"),
            ({"target_ref": TARGET + b"\0"}, "invalid target ref"),
            ({"first_parent_ref": b"nope", "user": zone}, "Invalid merge source"),
            ({"first_parent_ref": b"--all"}, "Invalid merge source"),
            ({"source_sha": "nope", "user": zone}, "Invalid merge source"),
            ({"user": zone, "expected_old_oid": "x"}, "unknown time zone Nowhere"),
            (
                {"expected_old_oid": "x"},
                'invalid expected old object ID: invalid object ID: "x", expected length 40, got 1',
            ),
            ({"expected_old_oid": "1" * 40}, "cannot resolve expected old object ID: reference not found"),
        ):
            with self.subTest(text=text):
                await self.refused(self.merge(**change), Code.INVALID_ARGUMENT, text)
        self.assertNotIn(TARGET.decode(), self.refs())

    async def test_old(self) -> None:
        """
        The ref is moved from what it is, or only from what the caller expects.
        """
        first = await self.merge()
        second = await self.merge(source_sha=str(self.base))
        self.assertEqual(self.refs()[TARGET.decode()], second.commit_id)
        text = f"Could not update {TARGET.decode()}. Please refresh and try again"
        await self.refused(self.merge(expected_old_oid=first.commit_id), Code.FAILED_PRECONDITION, text)
        await self.merge(expected_old_oid=second.commit_id)

    async def test_target(self) -> None:
        """
        A target that is a name for another ref, or for several, is refused; so is one that no ref can have.
        """
        self.history.ref("refs/merge-requests/1/merge/x", self.main)
        self.run_git("symbolic-ref", "refs/merge-requests/2/merge", "refs/heads/main")
        conflict = 'target reference is ambiguous: reference is ambiguous: conflicts with "refs/merge-requests/1/merge/x"'
        for target, code, text in (
            (TARGET, Code.INVALID_ARGUMENT, conflict),
            (b"refs/merge-requests", Code.INVALID_ARGUMENT, conflict),
            (b"refs/merge-requests/?/*e/x", Code.INVALID_ARGUMENT, conflict),
            (
                b"refs/merge-requests/2/merge",
                Code.FAILED_PRECONDITION,
                'target reference is symbolic: "refs/merge-requests/2/merge"',
            ),
            *(
                (name, Code.FAILED_PRECONDITION, f"Could not update {name.decode()}. Please refresh and try again")
                for name in (
                    b"refs/merge-requests/../heads/main",
                    b"refs/merge-requests/a b",
                    b"refs/merge-requests/a.lock",
                    b"refs/merge-requests/1/merge/x/y",
                    b"refs/merge-requests/\n",
                )
            ),
        ):
            with self.subTest(target=target):
                await self.refused(self.merge(target_ref=target), code, text)
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))

    async def test_failed(self) -> None:
        """
        Whatever stands in the way of the merge has one text.
        """
        blob = self.history.write(b"blob", b"x")
        nobody = User(name=b" . ", email=b"a")
        for change, source, first in (
            ({"source_sha": str(self.clash)}, self.clash, self.main),
            ({"source_sha": "1" * 40}, "1" * 40, self.main),
            ({"first_parent_ref": b"1" * 40}, self.side, "1" * 40),
            ({"source_sha": str(blob)}, blob, self.main),
            ({"user": nobody}, self.side, self.main),
            ({"message": b"a\0b"}, self.side, self.main),
        ):
            with self.subTest(change=change):
                text = f"Failed to create merge commit for source_sha {source} and target_sha {first} at {TARGET.decode()}"
                await self.refused(self.merge(**change), Code.FAILED_PRECONDITION, text)
        self.nothing_staged()

    async def test_busy(self) -> None:
        """
        If there is no process to be had, or no write is taken, that is what the caller is told, and not that the merge failed.
        """
        self.busy("merge-tree")
        await self.refused(self.merge(), Code.RESOURCE_EXHAUSTED, "merge: no process")
        self.busy()
        await self.stack.queue.stop()
        error = await self.error(self.merge())
        self.assertEqual(error.code, Code.UNAVAILABLE)
        self.assertEqual(self.stack.alive, 0)


class SHA256Tests(mergecase.MergeCase):
    """
    The same with the longer ids.
    """

    object_format = "sha256"

    async def test_merge(self) -> None:
        """
        A merge has parents with longer ids.
        """
        request: dict[str, Any] = {"first_parent_ref": b"main", "source_sha": "side", "target_ref": TARGET}
        response: pb.UserMergeToRefResponse = await self.call("UserMergeToRef", **request)
        self.assertEqual(self.shown(response.commit_id)[:2], [f"parent {self.main}", f"parent {self.side}"])
