"""
Tests for :mod:`gitaly_tx.services.conflicts.listing`.
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.conflicts.ports import ConflictPorts
from gitaly_tx.services.conflicts.service import ConflictsService
from protocols.gitaly.conflicts_pb2 import ConflictFile, ListConflictFilesRequest
from tests.support.git import git
from tests.support.readcase import NAME, ReadCase

FILE, PROGRAM, SUBMODULE = "100644", "100755", "160000"


class ListConflictFilesTests(ReadCase):
    """
    ``ListConflictFiles``
    """

    def fill(self) -> None:
        nothing: Any = None
        self.service = ConflictsService(ConflictPorts(self.git_port, self.storage, nothing, nothing, self.reading.threads))

    def commit(self, name: str, files: dict[str, bytes | tuple[str, bytes]], *parents: str) -> str:
        """
        A commit with exactly these files, and a branch at it.
        """
        lines = []
        for path, given in files.items():
            mode, content = given if isinstance(given, tuple) else (FILE, given)
            kind = "commit" if mode == SUBMODULE else "blob"
            oid = content.decode() if mode == SUBMODULE else self.run_git("hash-object", "-w", "--stdin", stdin=content)
            lines.append(f"{mode} {kind} {oid}\t{path}\0")
        tree = self.run_git("mktree", "-z", stdin="".join(lines).encode())
        more = [word for parent in parents for word in ("-p", parent)]
        oid = self.run_git("commit-tree", *more, "-m", name, tree)
        self.run_git("update-ref", f"refs/heads/{name}", oid)
        return oid

    def call(self, ours: str, theirs: str, **fields: Any) -> Any:
        """
        Call the method.
        """
        fields.setdefault("repository", NAME)
        request = ListConflictFilesRequest(our_commit_oid=ours, their_commit_oid=theirs, **fields)
        return self.service.ListConflictFiles(None, request)  # type: ignore[arg-type]

    async def files(self, ours: str, theirs: str, **fields: Any) -> list[ConflictFile]:
        """
        All that is answered. Nothing is left behind.
        """
        replies = await self.replies(self.call(ours, theirs, **fields))
        await self.clean()
        return [file for reply in replies for file in reply.files]

    async def clean(self) -> None:
        """
        No child, no quarantine and no new object is left.
        """
        await self.no_children()
        root = os.path.dirname(self.directory.path)
        self.assertEqual([name for name in os.listdir(root) if name.startswith("quarantine-")], [])

    def conflict(self, base: Any, ours: Any, theirs: Any) -> tuple[str, str]:
        """
        Two commits that differ in ``a``.
        """
        first = self.commit("base", {"a": base})
        return self.commit("ours", {"a": ours}, first), self.commit("theirs", {"a": theirs}, first)

    def test_interface(self):
        """
        The service is one.
        """
        self.assertTrue(verifyObject(IMethods, self.service))

    async def test_content(self):
        """
        A file comes with its header and its content, with paths beside the conflict markers.
        """
        ours, theirs = self.conflict(b"0\nend\n", (PROGRAM, b"1\nend\n"), b"2\nend\n")
        before = self.run_git("count-objects", "-v")
        header, content = await self.files(ours, theirs)
        self.assertEqual(header.header.commit_oid, ours)
        self.assertEqual((header.header.our_path, header.header.their_path, header.header.ancestor_path), (b"a", b"a", b"a"))
        self.assertEqual(header.header.our_mode, 0o100755)
        self.assertEqual(content.content, b"<<<<<<< a\n1\n=======\n2\n>>>>>>> a\nend\n")
        self.assertEqual(self.run_git("count-objects", "-v"), before)

    async def test_revisions(self):
        """
        Commits may be named in any way; the header says ours as it was sent.
        """
        ours, theirs = self.conflict(b"0\n", b"1\n", b"2\n")
        for revision in ("ours", ours[:10], "ours^{commit}"):
            header, content = await self.files(revision, "theirs")
            self.assertEqual(header.header.commit_oid, revision)
            self.assertEqual(content.content, b"<<<<<<< a\n1\n=======\n2\n>>>>>>> a\n")
        self.assertEqual(len(await self.files(ours, theirs, skip_content=True)), 1)

    async def test_clean_merge(self):
        """
        Without conflicts there is nothing.
        """
        ours, theirs = self.conflict(b"0\n", b"1\n", b"0\n")
        self.assertEqual(await self.files(ours, theirs), [])

    async def test_unrelated(self):
        """
        Histories without a common commit can conflict, too; odd names are no obstacle.
        """
        name = "new\nline\ttab ü"
        self.commit("ours", {name: b"1\n", "z": b"1\n"})
        self.commit("theirs", {name: b"2\n", "z": b"2\n"})
        found = await self.files("ours", "theirs")
        paths = [file.header.our_path for file in found if file.HasField("header")]
        self.assertEqual(paths, [name.encode(), b"z"])
        self.assertEqual({file.header.ancestor_path for file in found}, {b""})
        marked = b"<<<<<<< %b\n1\n=======\n2\n>>>>>>> %b\n"
        self.assertEqual([file.content for file in found if file.content], [marked % (path, path) for path in paths])

    async def test_side_missing(self):
        """
        A file that one side has deleted is an error, unless such conflicts are wanted.
        """
        first = self.commit("base", {"a": b"0\n", "b": b"0\n"})
        self.commit("ours", {"a": b"1\n", "b": b"0\n"}, first)
        self.commit("theirs", {"b": b"0\n"}, first)
        refused = await self.refusal(self.call("ours", "theirs"))
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, "conflict side missing"))
        await self.clean()
        header, content = await self.files("ours", "theirs", allow_tree_conflicts=True)
        self.assertEqual((header.header.our_path, header.header.their_path, header.header.ancestor_path), (b"a", b"", b"a"))
        self.assertEqual(content.content, b"1\n")
        header, content = await self.files("theirs", "ours", allow_tree_conflicts=True)
        self.assertEqual((header.header.our_path, header.header.their_path, header.header.our_mode), (b"", b"a", 0))

    async def test_encoding(self):
        """
        What is not UTF-8 is an error; half a character at the end, too.
        """
        for text in (b"\xff\n", b"x\xc3"):
            ours, theirs = self.conflict(b"0\n", text, b"2\n" + text)
            refused = await self.refusal(self.call(ours, theirs))
            self.assertEqual(refused, (Code.FAILED_PRECONDITION, "unsupported encoding"))
            self.assertEqual(len(await self.files(ours, theirs, skip_content=True)), 1)

    async def test_submodule(self):
        """
        A conflict of submodules has no content.
        """
        modules = [(SUBMODULE, digit * 40) for digit in (b"1", b"2", b"3")]
        ours, theirs = self.conflict(*modules)
        refused = await self.refusal(self.call(ours, theirs))
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, "getting objectreader: object not found"))
        (header,) = await self.files(ours, theirs, skip_content=True)
        self.assertEqual(header.header.our_mode, 0o160000)

    async def test_large(self):
        """
        Content is cut at 128 KiB, and a message goes once it has so much; characters may be cut.
        """
        text = "1ä".encode() * 100_000
        ours, theirs = self.conflict(b"0\n", text + b"\n", b"2\n")
        replies = await self.replies(self.call(ours, theirs))
        sizes = [[len(file.content) for file in reply.files] for reply in replies]
        whole = len(b"<<<<<<< a\n" + text + b"\n=======\n2\n>>>>>>> a\n")
        self.assertEqual(sizes, [[0, CHUNK], [CHUNK], [whole - 2 * CHUNK]])

    async def test_gone(self):
        """
        A caller who goes away leaves no child and no quarantine.
        """
        text = b"x" * 1_000_000
        ours, theirs = self.conflict(b"0\n", text + b"1\n", text + b"2\n")
        await self.stop_after_first(self.call(ours, theirs))
        await self.clean()

    async def test_refused(self):
        """
        There are two commits.
        """
        ours, theirs = self.conflict(b"0\n", b"1\n", b"2\n")
        tree = git("-C", self.directory.path, "rev-parse", f"{ours}^{{tree}}").decode().strip()
        invalid, missing = Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION
        for call, expected in (
            (self.call(ours, theirs, repository=None), (invalid, "repository not set")),
            (self.call("", theirs), (invalid, "empty OurCommitOid")),
            (self.call(ours, ""), (invalid, "empty TheirCommitOid")),
            (self.call("nope", theirs), (missing, "could not lookup 'our' OID: reference not found")),
            (self.call(ours, "-x"), (missing, "could not lookup 'their' OID: reference not found")),
            (self.call(tree, theirs), (missing, "could not lookup 'our' OID: reference not found")),
        ):
            self.assertEqual(await self.refusal(call), expected)

    async def test_merge_fails(self):
        """
        A merge that cannot be made is an error.
        """
        ours, theirs = self.conflict(b"0\n", b"1\n", b"2\n")
        oid = self.run_git("rev-parse", f"{ours}:a")
        os.remove(os.path.join(self.directory.path, "objects", oid[:2], oid[2:]))
        code, text = await self.refusal(self.call(ours, theirs))
        self.assertEqual((code, text.rstrip("0123456789")), (Code.INTERNAL, "couldn't find conflict: exit status "))
