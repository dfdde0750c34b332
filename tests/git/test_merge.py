"""
Tests for :mod:`gitaly_tx.git.merge`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred

from gitaly_tx.errors import GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.git.merge import Merged, MergeFailed, Side, merge, merge_onto
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.storage.interfaces import IStaging
from tests.support.git import git
from tests.support.history import Files, History
from tests.support.readcase import ReadCase

BASE = {"a": "1\n2\n3\n", "b": "b\n"}


class MergeCase(ReadCase):
    """
    Trees, commits, and a quarantine.
    """

    staging: IStaging

    async def stage(self) -> None:
        """
        Make the quarantine.
        """
        self.staging = await self.repository.stage()

    def fill(self) -> None:
        self.history = History(self.directory, ObjectFormat(self.object_format))

    def content(self, tree: ObjectID) -> dict[str, str]:
        """
        What a tree in the quarantine has.
        """
        return self.history.files(tree, self.staging.directory)


class MergeTests(MergeCase):
    """
    ``merge``.
    """

    async def merge(self, ours: bytes, theirs: bytes) -> Merged:
        await self.stage()
        return await merge(self.git_port, self.staging.directory, ours, theirs)

    async def test_clean(self) -> None:
        """
        What the sides changed is in the merged tree, which is in the quarantine only.
        """
        base = self.history.commit(BASE)
        ours = self.history.commit({**BASE, "a": "0\n1\n2\n3\n"}, base)
        merged = await self.merge(ours, self.history.commit({**BASE, "a": "1\n2\n3\n4\n"}, base))
        self.assertEqual((merged.clean, merged.conflicts, merged.paths), (True, (), []))
        self.assertEqual(self.content(merged.tree), {**BASE, "a": "0\n1\n2\n3\n4\n"})
        self.assertEqual(await self.repository.object_info([merged.tree]), [None])

    async def test_conflicts(self) -> None:
        """
        Each path that conflicts is named once.
        """
        base = self.history.commit(BASE)
        ours = self.history.commit({"a": "ours", "b": "ours"}, base)
        merged = await self.merge(ours, self.history.commit({"a": "theirs", "b": "theirs"}, base))
        self.assertFalse(merged.clean)
        self.assertEqual(merged.paths, [b"a", b"b"])

    async def test_unrelated(self) -> None:
        """
        Histories with nothing in common can be merged.
        """
        merged = await self.merge(self.history.commit({"a": "a"}), self.history.commit({"b": "b"}))
        self.assertEqual(self.content(merged.tree), {"a": "a", "b": "b"})

    async def test_name(self) -> None:
        """
        Any name of a commit will do.
        """
        self.run_git("update-ref", "refs/heads/main", str(self.history.commit(BASE)))
        merged = await self.merge(b"main", b"refs/heads/main^0")
        self.assertEqual(self.content(merged.tree), BASE)

    async def test_missing(self) -> None:
        """
        Without one of the commits there is no merge.
        """
        ours = self.history.commit(BASE)
        for name in (b"1" * 40, b"nothing", b""):
            with self.assertRaises(MergeFailed) as caught:
                await self.merge(ours, name)
            self.assertRegex(caught.exception.message, r"\Amerge-tree: exit status \d+\Z")
            self.assertIsNone(caught.exception.given_code)

    async def test_option(self) -> None:
        """
        A name that git could take for an option is refused.
        """
        with self.assertRaises(GitalyError):
            await self.merge(self.history.commit(BASE), b"--stdin")
        self.assertEqual(self.started, [])

    async def test_nonsense(self) -> None:
        """
        Output that is none of git's fails the merge.
        """
        await self.stage()
        for output in (b"words\0", b"1" * 40 + b"\0words\0"):
            child = _Child(output)
            git: Any = _Git(child)
            with self.assertRaises(GitalyError) as caught:
                await merge(git, self.staging.directory, b"a", b"b")
            self.assertEqual(caught.exception.message, "merge-tree: unexpected output")
            self.assertTrue(child.killed)

    async def test_cancelled(self) -> None:
        """
        A merge that nobody waits for any more leaves no child.
        """
        await self.stage()
        base = self.history.commit(BASE)
        merging = Deferred.fromCoroutine(merge(self.git_port, self.staging.directory, base, base))
        merging.cancel()
        with self.assertRaises(defer.CancelledError):
            await merging
        self.assertEqual(self.started, ["merge-tree"])
        await self.no_children()


class _Git:
    """
    Has one child.
    """

    def __init__(self, child: _Child) -> None:
        self._child = child

    def spawn(self, command: Command, **more: Any) -> _Child:
        return self._child


class _Child:
    """
    Says something, and ends well.
    """

    def __init__(self, output: bytes) -> None:
        self._output = output
        self.killed = False
        self.stdout = self

    async def read(self) -> bytes:
        output, self._output = self._output, b""
        return output

    async def wait(self) -> Ended:
        return Ended(0)

    def kill(self) -> None:
        self.killed = True


class MergeOntoTests(MergeCase):
    """
    ``merge_onto``.
    """

    async def merge(self, base: Files, ours: Files, theirs: Files) -> Merged:
        await self.stage()
        beside = await self.repository.stage()
        objects = beside.directory.object_directory
        assert objects is not None
        directory: GitDirectory = self.staging.directory.with_alternate(objects)
        return await merge_onto(
            self.git_port,
            directory,
            beside.write_object,
            self.history.tree(base),
            Side(self.history.tree(ours), b"1" * 40),
            Side(self.history.tree(theirs), b"2" * 40),
        )

    async def test_base(self) -> None:
        """
        What their side changed since the base is done to ours. The commits that this takes are not where the tree is.
        """
        merged = await self.merge({**BASE, "c": "c"}, {"a": "0\n1\n2\n3\n"}, {"a": "1\n2\n3\n4\n", "b": "b\n", "c": "c"})
        self.assertTrue(merged.clean)
        self.assertEqual(self.content(merged.tree), {"a": "0\n1\n2\n3\n4\n"})
        environment: dict[str, Any] = self.staging.directory.environment()
        words = ("-C", self.directory.path, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
        kinds = git(*words, **environment)
        self.assertNotIn(b"commit", kinds.split())

    async def test_alike(self) -> None:
        """
        Two sides that have the same are merged already.
        """
        merged = await self.merge(BASE, {"a": "a"}, {"a": "a"})
        self.assertTrue(merged.clean)
        self.assertEqual(self.content(merged.tree), {"a": "a"})

    async def test_conflict(self) -> None:
        """
        Conflicts name paths, and the side for a path that git makes up.
        """
        merged = await self.merge({"d": "1\n", "e": "1\n"}, {"d": "2\n", "e/f": "x\n"}, {"d": "3\n", "e": "2\n"})
        self.assertFalse(merged.clean)
        self.assertEqual(merged.paths, [b"d", b"e~" + b"2" * 40])


class SHA256Tests(MergeOntoTests):
    """
    The same with the longer ids.
    """

    object_format = "sha256"
