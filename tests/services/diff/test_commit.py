"""
Tests for :mod:`gitaly_tx.services.diff.commit`.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.services.diff.commit import MESSAGE
from protocols.gitaly.diff_pb2 import CommitDiffRequest, CommitDiffResponse

from .case import FILE, LINK, PROGRAM, SUBMODULE, DiffCase

NONE = "0" * 40

UNLIMITED = {"max_files": 100, "max_lines": 10_000, "max_bytes": 1_000_000, "max_patch_bytes": 500_000}


class CommitDiffCase(DiffCase):
    """
    Calls ``CommitDiff``.
    """

    async def diff(self, left: str, right: str, **fields: Any) -> list[CommitDiffResponse]:
        """
        The answer.
        """
        return await self.replies(self.call("CommitDiff", left_commit_id=left, right_commit_id=right, **fields))

    async def patches(self, left: str, right: str, **fields: Any) -> dict[bytes, bytes]:
        """
        Patches by path.
        """
        found: dict[bytes, bytes] = {}
        path = b""
        for reply in await self.diff(left, right, **fields):
            path = reply.to_path or path
            found[path] = found.get(path, b"") + reply.raw_patch_data
        return found


class FileTests(CommitDiffCase):
    """
    Kinds of changes.
    """

    def commits(self) -> None:
        twenty = b"".join(b"%d\n" % number for number in range(20))
        self.left = self.commit(
            {
                b"binary": b"\0one",
                b"changed": twenty,
                b"deleted": b"gone\n",
                b"mode": b"same\n",
                b"renamed": twenty + b"more\n",
                b"type": (LINK, b"target"),
            }
        )
        self.right = self.commit(
            {
                b"added": b"",
                b"binary": b"\0two",
                b"changed": twenty.replace(b"2\n", b"two\n").removesuffix(b"\n"),
                b"mode": (PROGRAM, b"same\n"),
                b"moved": twenty + b"less\n",
                b"sub": (SUBMODULE, b"1" * 40),
                b"type": (FILE, b"file\n"),
            },
            self.left,
        )

    async def test_fields(self):
        """
        Every kind of change has its modes, ids and paths; a change of type is a deletion and an addition.
        """
        found = [
            (reply.from_path, reply.to_path, reply.old_mode, reply.new_mode, reply.from_id == NONE, reply.to_id == NONE)
            for reply in await self.diff(self.left, self.right)
        ]
        self.assertEqual(
            found,
            [
                (b"added", b"added", 0, FILE, True, False),
                (b"binary", b"binary", FILE, FILE, False, False),
                (b"changed", b"changed", FILE, FILE, False, False),
                (b"deleted", b"deleted", FILE, 0, False, True),
                (b"mode", b"mode", FILE, PROGRAM, False, False),
                (b"renamed", b"moved", FILE, FILE, False, False),
                (b"sub", b"sub", 0, SUBMODULE, True, False),
                (b"type", b"type", LINK, 0, False, True),
                (b"type", b"type", 0, FILE, True, False),
            ],
        )

    async def test_patches(self):
        """
        A patch begins with its first hunk; empty ones are messages, too; binary files are told as git tells them.
        """
        replies = await self.diff(self.left, self.right)
        patches = [(reply.to_path, reply.raw_patch_data) for reply in replies]
        self.assertEqual(
            patches,
            [
                (b"added", b""),
                (b"binary", b"Binary files a/binary and b/binary differ\n"),
                (
                    b"changed",
                    b"@@ -1,6 +1,6 @@\n 0\n 1\n-2\n+two\n 3\n 4\n 5\n"
                    b"@@ -10,11 +10,11 @@\n 9\n 10\n 11\n-12\n+1two\n 13\n 14\n 15\n 16\n 17\n 18\n-19\n+19\n"
                    b"\\ No newline at end of file\n",
                ),
                (b"deleted", b"@@ -1 +0,0 @@\n-gone\n"),
                (b"mode", b""),
                (b"moved", b"@@ -18,4 +18,4 @@\n 17\n 18\n 19\n-more\n+less\n"),
                (b"sub", b"@@ -0,0 +1 @@\n+Subproject commit " + b"1" * 40 + b"\n"),
                (b"type", b"@@ -1 +0,0 @@\n-target\n\\ No newline at end of file\n"),
                (b"type", b"@@ -0,0 +1 @@\n+file\n"),
            ],
        )
        self.assertTrue(all(reply.end_of_patch for reply in replies))
        self.assertEqual([reply.to_path for reply in replies if reply.binary], [b"binary"])
        self.assertEqual(
            [(reply.lines_added, reply.lines_removed) for reply in replies],
            [(0, 0), (0, 0), (3, 3), (0, 1), (0, 0), (1, 1), (1, 0), (0, 1), (1, 0)],
        )

    async def test_reversed(self):
        """
        The other way round everything is.
        """
        replies = await self.diff(self.right, self.left)
        self.assertIn((b"moved", b"renamed"), [(reply.from_path, reply.to_path) for reply in replies])
        self.assertEqual([reply.lines_added for reply in replies if reply.to_path == b"deleted"], [1])

    async def test_paths(self):
        """
        Paths are patterns; what lies outside of them is no side of a rename.
        """
        found = await self.patches(self.left, self.right, paths=[b"m*d", b"mode", b"-x"])
        self.assertEqual(list(found), [b"mode", b"moved"])
        self.assertEqual(found[b"moved"].count(b"\n+"), 21)

    async def test_same(self):
        """
        Nothing differs from itself.
        """
        self.assertEqual(await self.diff(self.left, self.left), [])

    async def test_config(self):
        """
        Neither config nor attributes of a repository change what is understood, or run anything.
        """
        expected = await self.diff(self.left, self.right)
        ran = os.path.join(self.directory.path, "ran")
        for key, value in (
            ("diff.noprefix", "true"),
            ("diff.mnemonicPrefix", "true"),
            ("diff.submodule", "log"),
            ("diff.suppressBlankEmpty", "true"),
            ("diff.external", f"touch {ran};"),
            ("diff.mine.textconv", f"touch {ran};"),
            ("diff.mine.command", f"touch {ran};"),
            ("core.quotePath", "false"),
            ("color.diff", "always"),
            ("color.ui", "always"),
        ):
            self.run_git("config", key, value)
        with open(os.path.join(self.directory.path, "info", "attributes"), "w", encoding="utf-8") as file:
            file.write("changed diff=mine\n")
        self.assertEqual(await self.diff(self.left, self.right), expected)
        self.assertFalse(os.path.exists(ran))


class WhitespaceTests(CommitDiffCase):
    """
    ``whitespace_changes`` and ``diff_mode``
    """

    def commits(self) -> None:
        self.left = self.commit({b"a": b"one two\n", b"b": b"one\n", b"c": b"x y\n"})
        self.right = self.commit({b"a": b"one  two\n", b"b": b" one\n", b"c": b"x z\n"}, self.left)

    async def test_ignored(self):
        """
        A file in which only what is ignored differs has an empty patch; it is told all the same.
        """
        changed = b"@@ -1 +1 @@\n-x y\n+x z\n"
        found = await self.patches(self.left, self.right, whitespace_changes=CommitDiffRequest.WHITESPACE_CHANGES_IGNORE)
        self.assertEqual(found, {b"a": b"", b"b": b"@@ -1 +1 @@\n-one\n+ one\n", b"c": changed})
        found = await self.patches(self.left, self.right, whitespace_changes=CommitDiffRequest.WHITESPACE_CHANGES_IGNORE_ALL)
        self.assertEqual(found, {b"a": b"", b"b": b"", b"c": changed})

    async def test_all_ignored(self):
        """
        Without any patch there are files still.
        """
        found = await self.patches(
            self.left, self.right, paths=[b"b"], whitespace_changes=CommitDiffRequest.WHITESPACE_CHANGES_IGNORE_ALL
        )
        self.assertEqual(found, {b"b": b""})

    async def test_ignored_and_limits(self):
        """
        A file without a patch counts as a file, and is under no limit itself.
        """
        limits = {"max_files": 1, "max_lines": 100, "max_bytes": 1000, "max_patch_bytes": 0}
        ignoring = CommitDiffRequest.WHITESPACE_CHANGES_IGNORE_ALL
        replies = await self.diff(self.left, self.right, whitespace_changes=ignoring, enforce_limits=True, **limits)
        self.assertEqual(
            [(reply.to_path, reply.overflow_marker) for reply in replies], [(b"a", False), (b"b", False), (b"", True)]
        )

    async def test_words(self):
        """
        In word mode every line ends in a tilde.
        """
        found = await self.patches(self.left, self.right, diff_mode=CommitDiffRequest.WORDDIFF)
        self.assertEqual(found[b"c"], b"@@ -1 +1 @@\n x \n-y\n+z\n~\n")


class LimitTests(CommitDiffCase):
    """
    What is too much.
    """

    def commits(self) -> None:
        self.left = self.commit({})
        # Ten, twenty and thirty lines of five bytes, each with a plus before it.
        self.right = self.commit({name: b"1234\n" * count for name, count in ((b"a.txt", 10), (b"b", 20), (b"c.md", 30))})

    async def told(self, **fields: Any) -> list[tuple[bytes, bool, str]]:
        """
        Path, whether there is a patch, and what is marked.
        """
        return [
            (
                reply.to_path,
                bool(reply.raw_patch_data),
                " ".join(mark for mark in ("collapsed", "too_large", "overflow_marker") if getattr(reply, mark)),
            )
            for reply in await self.diff(self.left, self.right, **fields)
        ]

    async def test_not_enforced(self):
        """
        Limits hold if they are to be enforced.
        """
        every = [(b"a.txt", True, ""), (b"b", True, ""), (b"c.md", True, "")]
        self.assertEqual(await self.told(), every)
        self.assertEqual(await self.told(max_files=1, max_lines=1, max_bytes=1, max_patch_bytes=1), every)
        self.assertEqual(await self.told(enforce_limits=True, **UNLIMITED), every)

    async def test_overflow(self):
        """
        The file that is too much is replaced by a marker, and the last one.
        """
        for limit, count in (
            ({"max_files": 2}, 2),
            ({"max_lines": 30}, 1),
            ({"max_lines": 31}, 2),
            ({"max_bytes": 180}, 1),
            ({"max_bytes": 181}, 2),
            ({"max_files": 0}, 0),
        ):
            told = await self.told(enforce_limits=True, **{**UNLIMITED, **limit})
            expected = [(b"a.txt", True, ""), (b"b", True, "")][:count]
            self.assertEqual(told, [*expected, (b"", False, "overflow_marker")], limit)
        await self.no_children()

    async def test_collect_all_paths(self):
        """
        With all paths, those that are too much come without patches, with their counts.
        """
        replies = await self.diff(
            self.left, self.right, enforce_limits=True, collect_all_paths=True, **{**UNLIMITED, "max_lines": 30}
        )
        self.assertEqual([reply.overflow_marker for reply in replies], [False, True, True])
        self.assertEqual([bool(reply.raw_patch_data) for reply in replies], [True, False, False])
        self.assertEqual([reply.lines_added for reply in replies], [10, 20, 30])
        self.assertEqual([reply.to_path for reply in replies], [b"a.txt", b"b", b"c.md"])

    async def test_patch_bytes(self):
        """
        A patch that is too large is left out and does not count; extensions and whole names have limits of their own.
        """
        header = len(b"@@ -0,0 +1,20 @@\n")
        limits = {**UNLIMITED, "max_patch_bytes": 20 * 6 + header}
        expected = [(b"a.txt", True, ""), (b"b", False, "too_large"), (b"c.md", False, "too_large")]
        self.assertEqual(await self.told(enforce_limits=True, **{**limits, "max_lines": 11}), expected)
        extensions = {".txt": 1, ".md": 100_000_000, "b": 20 * 6 + header + 1}
        expected = [(b"a.txt", False, "too_large"), (b"b", True, ""), (b"c.md", True, "")]
        self.assertEqual(await self.told(enforce_limits=True, max_patch_bytes_for_file_extension=extensions, **limits), expected)

    async def test_zero(self):
        """
        A patch limit of zero marks everything, and zero safe limits collapse everything.
        """
        marked = await self.told(enforce_limits=True, **{**UNLIMITED, "max_patch_bytes": 0})
        self.assertEqual(marked, [(name, False, "too_large") for name in (b"a.txt", b"b", b"c.md")])
        marked = await self.told(collapse_diffs=True)
        self.assertEqual(marked, [(name, False, "collapsed") for name in (b"a.txt", b"b", b"c.md")])

    async def test_collapsed(self):
        """
        Beyond a safe limit files are collapsed, and one that is does not push the others over.
        """
        limits = {"safe_max_files": 100, "safe_max_lines": 40, "safe_max_bytes": 10_000}
        expected = [(b"a.txt", True, ""), (b"b", True, ""), (b"c.md", False, "collapsed")]
        self.assertEqual(await self.told(collapse_diffs=True, **limits), expected)
        expected = [(b"a.txt", True, ""), (b"b", False, "collapsed"), (b"c.md", False, "collapsed")]
        self.assertEqual(await self.told(collapse_diffs=True, **{**limits, "safe_max_files": 1}), expected)
        self.assertEqual(await self.told(collapse_diffs=True, **{**limits, "safe_max_lines": 29}), expected)
        replies = await self.diff(self.right, self.left, collapse_diffs=True, **{**limits, "safe_max_lines": 15})
        self.assertEqual([(reply.collapsed, reply.lines_removed) for reply in replies], [(False, 10), (True, 20), (True, 30)])


class MessageTests(CommitDiffCase):
    """
    Long patches.
    """

    async def test_cut(self):
        """
        Patches are cut at exactly 5120 bytes; the first message has all other fields, the last one the end.
        """
        left = self.commit({})
        header = b"@@ -0,0 +1 @@\n"
        for size, counts in (
            (MESSAGE, [MESSAGE]),
            (MESSAGE + 1, [MESSAGE, 1]),
            (2 * MESSAGE, [MESSAGE, MESSAGE]),
            (3 * MESSAGE + 7, [MESSAGE, MESSAGE, MESSAGE, 7]),
        ):
            right = self.commit({b"a": b"x" * (size - len(header) - 2) + b"\n"})
            replies = await self.diff(left, right)
            self.assertEqual([len(reply.raw_patch_data) for reply in replies], counts)
            self.assertEqual([reply.end_of_patch for reply in replies], [False] * (len(counts) - 1) + [True])
            self.assertEqual([reply.to_path for reply in replies], [b"a"] + [b""] * (len(counts) - 1))
            self.assertEqual([reply.lines_added for reply in replies], [1] + [0] * (len(counts) - 1))

    async def test_large(self):
        """
        A patch that does not fit into memory comes whole.
        """
        left = self.commit({b"b": b"x\n"})
        content = b"".join(b"%07d\n" % number for number in range(400_000))
        right = self.commit({b"a": content, b"b": b"y\n"})
        found = await self.patches(left, right)
        self.assertEqual(found[b"a"].replace(b"\n+", b"\n").partition(b"\n")[2], content.replace(b"\n+", b"\n"))
        self.assertEqual(found[b"b"], b"@@ -1 +1 @@\n-x\n+y\n")

    async def test_gone(self):
        """
        A caller who goes away takes the child along.
        """
        left = self.commit({})
        right = self.commit({b"%05d" % number: b"x\n" * 500 for number in range(2000)})
        await self.stop_after_first(self.call("CommitDiff", left_commit_id=left, right_commit_id=right))
