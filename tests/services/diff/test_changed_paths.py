"""
Tests for :mod:`gitaly_tx.services.diff.changed_paths`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly.diff_pb2 import ChangedPaths, FindChangedPathsRequest

from .case import FILE, LINK, PROGRAM, DiffCase, Entry

Requested = FindChangedPathsRequest.Request

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def commit(revision: str, *parents: str) -> Requested:
    """
    A request for a commit's paths.
    """
    return Requested(commit_request=Requested.CommitRequest(commit_revision=revision, parent_commit_revisions=parents))


def trees(left: str, right: str) -> Requested:
    """
    A request for two trees.
    """
    return Requested(tree_request=Requested.TreeRequest(left_tree_revision=left, right_tree_revision=right))


class FindChangedPathsTests(DiffCase):
    """
    ``FindChangedPaths``
    """

    def commits(self) -> None:
        text = b"".join(b"%d\n" % number for number in range(20))
        self.root = self.commit({b"a": b"0\n", b"old": text, b"type": b"x"})
        self.left = self.commit({b"a": b"1\n", b"old": text, b"type": (LINK, b"x")}, self.root)
        self.right = self.commit({b"a": b"2\n", b"d/new": text, b"type": b"x"}, self.root)
        merged: dict[bytes, bytes | Entry] = {b"a": b"3\n", b"d/new": (PROGRAM, text), b"type": (LINK, b"x")}
        self.merge = self.commit(merged, self.left, self.right)
        self.run_git("tag", "-a", "-m", "words", "v1", self.left)

    async def paths(self, *requests: Requested, **fields: Any) -> list[ChangedPaths]:
        """
        All paths of the answer.
        """
        replies = await self.replies(self.call("FindChangedPaths", requests=requests, **fields))
        return [path for reply in replies for path in reply.paths]

    async def told(self, *requests: Requested, **fields: Any) -> list[tuple[bytes, str, int, int]]:
        """
        Path, status and modes.
        """
        return [
            (path.path, ChangedPaths.Status.Name(path.status), path.old_mode, path.new_mode)
            for path in await self.paths(*requests, **fields)
        ]

    async def test_commit(self):
        """
        The paths that a commit changes, however it is named; a root commit has none.
        """
        expected = [(b"a", "MODIFIED", FILE, FILE), (b"type", "TYPE_CHANGE", FILE, LINK)]
        for revision in (self.left, "v1", self.left[:12], "made~1", "v1^{commit}"):
            self.assertEqual(await self.told(commit(revision)), expected, revision)
        self.assertEqual(await self.told(commit(self.root)), [])
        self.assertEqual(await self.told(), [])

    async def test_ids(self):
        """
        A path has the ids of both sides, and the commit.
        """
        path, _ = await self.paths(commit("v1"))
        expected = [self.run_git("rev-parse", name) for name in (f"{self.root}:a", f"{self.left}:a", self.left)]
        self.assertEqual([path.old_blob_id, path.new_blob_id, path.commit_id], expected)
        (path,) = await self.paths(trees(EMPTY_TREE, f"{self.right}:d"))
        self.assertEqual((path.path, path.old_blob_id, path.commit_id), (b"new", "0" * 40, ""))

    async def test_renames(self):
        """
        A rename is a deletion and an addition, unless renames are to be found.
        """
        modified = (b"a", "MODIFIED", FILE, FILE)
        self.assertEqual(
            await self.told(commit(self.right)), [modified, (b"d/new", "ADDED", 0, FILE), (b"old", "DELETED", FILE, 0)]
        )
        found = await self.paths(commit(self.right), find_renames=True)
        self.assertEqual([(path.path, path.old_path, path.score) for path in found], [(b"a", b"", 0), (b"d/new", b"old", 100)])
        self.assertEqual(found[1].status, ChangedPaths.RENAMED)

    async def test_filters(self):
        """
        Only some kinds of changes may be wanted.
        """
        wanted = [FindChangedPathsRequest.DIFF_STATUS_DELETED, FindChangedPathsRequest.DIFF_STATUS_MODIFIED]
        found = await self.told(commit(self.right), diff_filters=wanted)
        self.assertEqual([path for path, *_ in found], [b"a", b"old"])
        refused = await self.refusal(self.call("FindChangedPaths", diff_filters=[0]))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "invalid diff filter"))

    async def test_merge(self):
        """
        A merge is compared with each parent, or only what differs from all of them counts.
        """
        each = [
            (b"a", "MODIFIED", FILE, FILE),
            (b"d/new", "ADDED", 0, PROGRAM),
            (b"old", "DELETED", FILE, 0),
            (b"a", "MODIFIED", FILE, FILE),
            (b"d/new", "MODIFIED", FILE, PROGRAM),
            (b"type", "TYPE_CHANGE", FILE, LINK),
        ]
        self.assertEqual(await self.told(commit(self.merge)), each)
        self.assertEqual([path.commit_id for path in await self.paths(commit(self.merge))], [self.merge] * 6)
        mode = FindChangedPathsRequest.MERGE_COMMIT_DIFF_MODE_ALL_PARENTS
        both = [each[0], each[3], each[1], each[4]]
        self.assertEqual(await self.told(commit(self.merge), merge_commit_diff_mode=mode), both)
        found = await self.paths(commit(self.merge), merge_commit_diff_mode=mode, find_renames=True)
        self.assertEqual(
            [(path.path, path.old_path, path.status) for path in found[2:]],
            [(b"d/new", b"old", ChangedPaths.RENAMED), (b"d/new", b"", ChangedPaths.MODIFIED)],
        )

    async def test_parents(self):
        """
        Parents that are named replace the commit's own.
        """
        found = await self.told(commit(self.merge, self.right))
        self.assertEqual([path for path, *_ in found], [b"a", b"d/new", b"type"])
        found = await self.told(commit(self.root, self.left, self.right))
        self.assertEqual([path for path, *_ in found], [b"a", b"type", b"a", b"d/new", b"old"])

    async def test_order(self):
        """
        Answers come in the order of the requests; with trees among them no commit is told.
        """
        found = await self.paths(trees(self.root, "v1"), commit("v1"), trees(self.right, self.right), commit(self.right))
        self.assertEqual([path.path for path in found], [b"a", b"type", b"a", b"type", b"a", b"d/new", b"old"])
        self.assertEqual({path.commit_id for path in found}, {""})
        self.assertEqual(self.started, ["diff-tree"])

    async def test_commits(self):
        """
        The deprecated list is the same as requests without parents.
        """
        found = await self.paths(commits=[self.right, self.left])
        self.assertEqual([path.commit_id for path in found], [self.right] * 3 + [self.left] * 2)

    async def test_refused(self):
        """
        The first revision that cannot be resolved is told before anything else.
        """
        blob, tree = (self.run_git("rev-parse", f"{self.root}{end}") for end in (":a", "^{tree}"))
        invalid, missing = Code.INVALID_ARGUMENT, Code.NOT_FOUND
        for request, code, text in (
            (commit(""), invalid, "resolving commit: revision cannot be empty"),
            (commit("nope"), missing, 'resolving commit: revision can not be found: "nope"'),
            (commit("-x"), missing, 'resolving commit: revision can not be found: "-x"'),
            (commit(tree), missing, f'resolving commit: revision can not be found: "{tree}"'),
            (commit(self.left, self.root, ""), invalid, "resolving commit parent: revision cannot be empty"),
            (commit(self.left, "f" * 40), missing, f'resolving commit parent: revision can not be found: "{"f" * 40}"'),
            (trees("", tree), invalid, "resolving left tree: revision cannot be empty"),
            (trees(blob, tree), missing, f'resolving left tree: revision can not be found: "{blob}"'),
            (trees(tree, 'q"'), missing, 'resolving right tree: revision can not be found: "q\\""'),
            (Requested(), Code.INTERNAL, "unknown FindChangedPathsRequest type"),
        ):
            refused = await self.refusal(self.call("FindChangedPaths", requests=[commit(self.left), request]))
            self.assertEqual(refused, (code, text))
        refused = await self.refusal(self.call("FindChangedPaths", commits=["x"], requests=[commit("x")]))
        self.assertEqual(refused, (invalid, "cannot specify both commits and requests"))
        self.assertNotIn("diff-tree", self.started)

    async def test_messages(self):
        """
        Many paths come in messages of about 1 MiB; a caller who goes away takes the child along.
        """
        files = {b"%0200d" % number: b"" for number in range(6000)}
        right = self.commit(files)
        call = self.call("FindChangedPaths", requests=[trees(EMPTY_TREE, right)])
        replies = await self.replies(call)
        self.assertEqual([path.path for reply in replies for path in reply.paths], sorted(files))
        self.assertGreater(len(replies), 1)
        self.assertLess(max(reply.ByteSize() for reply in replies), 1_100_000)
        await self.stop_after_first(self.call("FindChangedPaths", requests=[trees(EMPTY_TREE, right)]))

    async def test_corrupt(self):
        """
        git's failure in the middle is told.
        """
        tree = self.run_git("mktree", "--missing", stdin=b"040000 tree " + b"e" * 40 + b"\td\n")
        refused = await self.refusal(self.call("FindChangedPaths", requests=[trees(EMPTY_TREE, tree)]))
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, "cmd wait err: exit status 128"))
