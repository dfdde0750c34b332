"""
From one object to another.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gitaly_tx.git import peeling
from gitaly_tx.git.errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.peeling import EMPTY_TREES, below, info, parent, peeled, peeled_id, read, tree_of
from tests.support.readcase import ReadCase


class PeelingTests(ReadCase):
    """
    What revisions are made of; :mod:`tests.git.test_revisions` compares it with git.
    """

    def fill(self) -> None:
        """
        One commit with a tag.
        """
        self.import_stream("commit refs/heads/main\ncommitter C <c@x> 1 +0000\ndata 0\nM 100644 inline a/b\ndata 1\nx\n")
        self.run_git("tag", "-a", "-m", "x", "v1", "main")

    async def ask(self, work: Any, *arguments: Any) -> Any:
        """
        Do something in a thread.
        """
        return await self.repository.look(lambda objects: work(objects, *arguments))

    def oid(self, revision: str) -> ObjectID:
        """
        What git says.
        """
        return ObjectID(self.run_git("rev-parse", revision))

    async def test_types(self):
        """
        A tag leads to a commit, a commit to its tree, and nothing back.
        """
        for start, type, expected in (
            ("v1", b"tag", "v1"),
            ("v1", b"commit", "main"),
            ("v1", b"tree", "main^{tree}"),
            ("v1", b"", "main"),
            ("v1", b"object", "v1"),
            ("v1", b"blob", None),
            ("main", b"tag", None),
            ("main:a", b"tree", "main:a"),
            ("main:a/b", b"blob", "main:a/b"),
            ("main:a/b", b"tree", None),
        ):
            oid = None if expected is None else self.oid(expected)
            self.assertEqual(await self.ask(peeled_id, self.oid(start), type), oid)
            if type in (b"commit", b"tree", b"tag"):
                found = await self.ask(peeled, self.oid(start), type)
                self.assertEqual(None if found is None else found.oid, oid)

    async def test_missing(self):
        """
        What is missing on the way is missing.
        """
        gone = b"12" * 20
        tag = ObjectID(self.write("tag", b"object %b\ntype commit\ntag x\n\n" % gone))
        commit = ObjectID(self.write("commit", b"tree %b\n\n" % gone))
        for oid, type in ((ObjectID(gone), b"commit"), (tag, b"commit"), (commit, b"tree")):
            self.assertIsNone(await self.ask(peeled, oid, type))
            self.assertIsNone(await self.ask(peeled_id, oid, type))
        self.assertIsNone(await self.ask(below, ObjectID(gone), b"a"))

    async def test_large(self):
        """
        A large file is no commit, which is found out without reading it; a large tree is an error.
        """
        self.patch(peeling, "_LARGEST", 1000)
        blob = ObjectID(self.write("blob", b"x" * 1001))
        for type in (b"commit", b"tree", b"tag"):
            self.assertIsNone(await self.ask(peeled, blob, type))
            self.assertIsNone(await self.ask(peeled_id, blob, type))
        self.assertEqual(await self.ask(peeled_id, blob, b"blob"), blob)
        tree = ObjectID(self.write("tree", b"100644 " + b"n" * 1000 + b"\0" + b"x" * 20))
        with self.assertRaises(ObjectTooLarge):
            await self.ask(peeled, tree, b"tree")

    async def test_corrupt(self):
        """
        A commit or a tag that names nothing is corrupt.
        """
        commit = ObjectID(self.write("commit", b"tree x\nparent y\n\n"))
        tag = ObjectID(self.write("tag", b"object x\n\n"))
        for work in (partial(peeled, oid=commit, type=b"tree"), partial(peeled_id, oid=tag, type=b"commit")):
            with self.assertRaises(ObjectCorrupt):
                await self.ask(work)
        found = await self.repository.object(commit)
        for broken in (lambda: tree_of(found), lambda: parent(found, 1)):
            with self.assertRaises(ObjectCorrupt):
                broken()
        self.assertIsNone(parent(found, 2))

    async def test_empty_tree(self):
        """
        The empty tree is known in every repository.
        """
        self.assertEqual({len(oid) for oid in EMPTY_TREES}, {40, 64})
        for oid in EMPTY_TREES:
            self.assertEqual((await self.ask(read, oid)).data, b"")
            self.assertEqual((await self.ask(info, oid)).size, 0)
            self.assertEqual(await self.ask(peeled_id, oid, b"tree"), oid)
        with self.assertRaises(ObjectNotFound):
            await self.ask(read, ObjectID("12" * 20))
        self.assertIsNone(await self.ask(info, ObjectID("12" * 20)))

    async def test_below(self):
        """
        A path is followed from directory to directory.
        """
        tree = self.oid("main^{tree}")
        for path, expected in ((b"a", "main:a"), (b"a/", "main:a"), (b"a/b", "main:a/b")):
            self.assertEqual((await self.ask(below, tree, path)).oid, self.oid(expected))
        for path in (b"b", b"a/c", b"a/b/", b"a/b/c", b"/a", b"a//b", b".", b"a/..", b"/"):
            self.assertIsNone(await self.ask(below, tree, path))
        self.assertIsNone(await self.ask(below, self.oid("main"), b"a"))
