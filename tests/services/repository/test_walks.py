"""
Tests for what one git child answers: FindMergeBase, GetRawChanges, Fsck, CalculateChecksum, ObjectsSize, FastExport.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.revisionlist import MAXIMUM
from gitaly_tx.services.repository.checksum import combination, digits
from protocols.gitaly.repository_pb2 import GetRawChangesResponse
from tests.support.git import git
from tests.support.readcase import NAME

from .case import RepositoryCase

RawChange = GetRawChangesResponse.RawChange

MISSING = "1" * 40


class FindMergeBaseTests(RepositoryCase):
    """
    ``FindMergeBase``
    """

    def fill(self) -> None:
        self.base = self.commit_files({"a": "a"})
        self.run_git("update-ref", "refs/heads/other", self.base)
        self.left = self.commit_files({"a": "b"})
        self.right = self.commit_files({"a": "c"}, "other")
        self.commit_files({"x": "x"}, "alone")

    async def base_of(self, *revisions: bytes) -> str:
        return str((await self.reply(self.call("FindMergeBase", revisions=revisions))).base)

    async def test_base(self) -> None:
        """
        The base of two revisions is found by any names; of three, with the first as one side.
        """
        self.assertEqual(await self.base_of(b"main", b"refs/heads/other"), self.base)
        self.assertEqual(await self.base_of(self.left.encode(), self.left.encode()), self.left)
        self.assertEqual(await self.base_of(b"main", b"other", b"alone"), self.base)

    async def test_none(self) -> None:
        """
        Without a common history, or a revision, there is none.
        """
        for other in (b"alone", b"nope", MISSING.encode()):
            self.assertEqual(await self.base_of(b"main", other), "")

    async def test_bad_requests(self) -> None:
        """
        Fewer than two revisions are refused, and what git could take for an option (fault 44).
        """
        refused = await self.refusal(self.call("FindMergeBase", revisions=[b"main"]))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "at least 2 revisions are required"))
        refused = await self.refusal(self.call("FindMergeBase", revisions=[b"main", b"--all"]))
        text = "cmd: positional arg \"--all\" cannot start with dash '-': invalid argument"
        self.assertEqual(refused, (Code.INTERNAL, text))


class GetRawChangesTests(RepositoryCase):
    """
    ``GetRawChanges``
    """

    def fill(self) -> None:
        text = "".join(f"line {number}\n" for number in range(50))
        self.first = self.commit_files({"changed": "a", "gone": "b", "old": text, "\udcff": "x"})
        commit = "commit refs/heads/main\ncommitter C <c@example.org> 1700000000 +0000\ndata 0\nfrom refs/heads/main^0\n"
        stream = (
            f"{commit}D gone\nR old new\nM 100755 inline changed\ndata 2\naa\nM 100644 inline added\ndata 3\nnew\n"
            f"M 160000 {MISSING} sub\nM 120000 inline \udcff\ndata 1\ny\n"
        )
        self.import_bytes(stream.encode("utf-8", "surrogateescape"))
        self.second = self.run_git("rev-parse", "main")

    async def changes(self, before: str, after: str) -> list[Any]:
        replies = await self.replies(self.call("GetRawChanges", from_revision=before, to_revision=after))
        return [change for reply in replies for change in reply.raw_changes]

    def blob(self, path: bytes) -> str:
        return self.run_git("rev-parse", f"main:{os.fsdecode(path)}")

    async def test_changes(self) -> None:
        """
        Every kind of change is told with its modes, paths, and the size of its blob; submodules have neither.
        """
        self.assertEqual(
            await self.changes("main~1", self.second),
            [
                RawChange(
                    operation=RawChange.ADDED, new_mode=0o100644, new_path_bytes=b"added", blob_id=self.blob(b"added"), size=3
                ),
                RawChange(
                    operation=RawChange.MODIFIED,
                    old_mode=0o100644,
                    new_mode=0o100755,
                    old_path_bytes=b"changed",
                    new_path_bytes=b"changed",
                    blob_id=self.blob(b"changed"),
                    size=2,
                ),
                RawChange(
                    operation=RawChange.DELETED,
                    old_mode=0o100644,
                    old_path_bytes=b"gone",
                    blob_id=self.run_git("rev-parse", "main~1:gone"),
                    size=1,
                ),
                RawChange(
                    operation=RawChange.RENAMED,
                    old_mode=0o100644,
                    new_mode=0o100644,
                    old_path_bytes=b"old",
                    new_path_bytes=b"new",
                    blob_id=self.blob(b"new"),
                    size=390,
                ),
                RawChange(operation=RawChange.ADDED, new_mode=0o160000, new_path_bytes=b"sub"),
                RawChange(
                    operation=RawChange.TYPE_CHANGED,
                    old_mode=0o100644,
                    new_mode=0o120000,
                    old_path_bytes=b"\xff",
                    new_path_bytes=b"\xff",
                    blob_id=self.blob(b"\xff"),
                    size=1,
                ),
            ],
        )

    async def test_zero(self) -> None:
        """
        From nothing all is new; to nothing there is no answer.
        """
        zero = "0" * 40
        self.assertEqual({change.operation for change in await self.changes(zero, self.first)}, {RawChange.ADDED})
        self.assertEqual(await self.changes(self.first, zero), [])

    async def test_unresolvable(self) -> None:
        """
        A revision that does not resolve is named, quoted as Go does.
        """
        for before, after, side, revision in (
            ("", "main", "from", '""'),
            ("main", "", "to", '""'),
            (MISSING, "main", "from", f'"{MISSING}"'),
            ("main", "--all", "to", '"--all"'),
            ("a\nb", "main", "from", '"a\\nb"'),
        ):
            refused = await self.refusal(self.call("GetRawChanges", from_revision=before, to_revision=after))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, f"invalid '{side}' revision: {revision}"))

    async def test_missing_blob(self) -> None:
        """
        A blob that is not there ends the call.
        """
        entries = git("-C", self.directory.path, "ls-tree", "-z", self.first) + f"100644 blob {MISSING}\tx\0".encode()
        tree = self.run_git("mktree", "--missing", "-z", stdin=entries)
        refused = await self.refusal(self.call("GetRawChanges", from_revision=self.first, to_revision=tree))
        text = f'build change from diff line: find "{MISSING}": object not found'
        self.assertEqual(refused, (Code.INTERNAL, text))
        await self.no_children()

    async def test_no_trees(self) -> None:
        """
        Blobs have no changes; git's exit status is told.
        """
        blob = self.blob(b"added")
        refused = await self.refusal(self.call("GetRawChanges", from_revision=blob, to_revision="main"))
        self.assertEqual(refused, (Code.INTERNAL, "wait git diff: exit status 128"))


class FsckTests(RepositoryCase):
    """
    ``Fsck``
    """

    def fill(self) -> None:
        self.commit_files({"a": "a"})

    async def error(self, called: Any = None) -> Any:
        if called is not None:
            return await super().error(called)
        return (await self.reply(self.call("Fsck"))).error

    async def test_intact(self) -> None:
        """
        An intact repository has no errors, dangling objects or not.
        """
        self.write("blob", b"dangling")
        self.assertEqual(await self.error(), b"")

    async def test_broken(self) -> None:
        """
        Errors stand before what is missing, as git writes them into one pipe.
        """
        blob = self.run_git("rev-parse", "main:a")
        entry = b"100644 a\0" + bytes.fromhex(MISSING)
        tree = self.write("tree", entry + entry)
        self.run_git("update-ref", "refs/heads/broken", self.run_git("commit-tree", tree, stdin=b"x"))
        lines = (await self.error()).splitlines()
        self.assertEqual(lines[0], f"error in tree {tree}: duplicateEntries: contains duplicate file entries".encode())
        self.assertIn(f"missing blob {MISSING}".encode(), lines[1:])
        self.assertNotIn(blob.encode(), b"".join(lines))


class CalculateChecksumTests(RepositoryCase):
    """
    ``CalculateChecksum``
    """

    async def checksum(self) -> str:
        return str((await self.reply(self.call("CalculateChecksum"))).checksum)

    def expected(self, *refs: str) -> str:
        combined = 0
        for ref in refs:
            line = f"{self.run_git('rev-parse', ref)} {ref}".encode()
            combined ^= int.from_bytes(hashlib.sha1(line).digest(), "big")
        return f"{combined:040x}"

    async def test_refs(self) -> None:
        """
        Branches, tags, keep-arounds, merge requests, environments, notes and HEAD count, other refs do not.
        """
        self.assertEqual(await self.checksum(), "0" * 40)
        self.commit_files({"a": "a"})
        counted = [f"refs/{name}/x" for name in ("tags", "keep-around", "merge-requests", "environments", "notes")]
        for ref in (*counted, "refs/other/x", "refs/remotes/origin/x"):
            self.run_git("update-ref", ref, "refs/heads/main")
        self.assertEqual(await self.checksum(), self.expected("HEAD", "refs/heads/main", *counted))

    async def test_broken(self) -> None:
        """
        One ref that git cannot show, and the checksum is zeros.
        """
        self.commit_files({"a": "a"})
        for name, content in (("x", MISSING), ("x", "garbage"), ("a:b", self.run_git("rev-parse", "main"))):
            path = self.write_file(f"refs/heads/{name}", content.encode() + b"\n")
            self.assertEqual(await self.checksum(), "0" * 40)
            os.unlink(path)
        self.assertNotEqual(await self.checksum(), "0" * 40)

    async def test_no_repository(self) -> None:
        """
        A directory that git does not take for a repository is lost data.
        """
        self.write_file("HEAD", b"garbage\n")
        refused = await self.refusal(self.call("CalculateChecksum"))
        self.assertEqual(refused, (Code.DATA_LOSS, f"not a git repository '{self.directory.path}'"))

    def test_digits(self) -> None:
        """
        Zero bytes at the beginning are left out, single zero digits are not.
        """
        self.assertEqual(digits(0x0A << 8), "0a00")
        self.assertEqual(digits(0), "0" * 40)
        self.assertEqual(combination([b"1 refs/heads/a", b"1 refs/heads/a"]), 0)


class ObjectsSizeTests(RepositoryCase):
    """
    ``ObjectsSize``
    """

    def fill(self) -> None:
        self.first = self.commit_files({"a": "a" * 1000})
        self.commit_files({"b": "b" * 1000})

    async def size(self, *revisions: list[bytes]) -> int:
        requests = [{"revisions": each} for each in revisions]
        return int((await self.reply(self.stream("ObjectsSize", *requests))).size)

    async def test_sizes(self) -> None:
        """
        The size is git's, however revisions are spread over requests, and pseudo-revisions mean what they mean in their order.
        """
        for words in (["--all"], ["main", "--not", self.first], [f"^{self.first}", "main"], ["--branches=m*"], ["main^{tree}"]):
            expected = int(self.run_git("rev-list", "--disk-usage", "--objects", *words))
            raw = [word.encode() for word in words]
            self.assertEqual(await self.size(raw), expected, words)
            self.assertEqual(await self.size(*([word] for word in raw)), expected, words)
        self.assertEqual(await self.size([b"main", b"--not", b"--all"]), 0)

    async def test_empty(self) -> None:
        """
        A repository without refs has no reachable objects.
        """
        self.run_git("update-ref", "-d", "refs/heads/main")
        self.assertEqual(await self.size([b"--all"]), 0)

    async def test_bad_requests(self) -> None:
        """
        Requests are checked one by one, before git is started (fault 166).
        """
        self.started.clear()
        good = {"revisions": [b"main"]}
        for requests, code, text in (
            ([], Code.INTERNAL, "receiving initial request: EOF"),
            ([{}], Code.INVALID_ARGUMENT, "no revisions specified"),
            ([good, {}], Code.INVALID_ARGUMENT, "no revisions specified"),
            ([{"revisions": [b"--exec=id"]}], Code.INVALID_ARGUMENT, "validating revision: revision can't start with '-'"),
            ([{"revisions": [b"a b"]}], Code.INVALID_ARGUMENT, "validating revision: revision can't contain whitespace"),
            (
                [good, {**good, "repository": NAME}],
                Code.INVALID_ARGUMENT,
                "subsequent requests must not contain repository",
            ),
            ([{"revisions": [b"a" * (MAXIMUM // 2)] * 2}], Code.RESOURCE_EXHAUSTED, "too many revisions"),
        ):
            self.assertEqual(await self.refusal(self.stream("ObjectsSize", *requests)), (code, text))
        self.assertEqual(self.started, [])

    async def test_unresolvable(self) -> None:
        """
        A revision that does not resolve is not found; an object that is not there is git's failure.
        """
        refused = await self.refusal(self.stream("ObjectsSize", {"revisions": [b"nope"]}))
        self.assertEqual(refused, (Code.NOT_FOUND, "revision not found"))
        refused = await self.refusal(self.stream("ObjectsSize", {"revisions": [MISSING.encode()]}))
        self.assertEqual(refused, (Code.INTERNAL, "rev-list failed with error code 128"))


class FastExportTests(RepositoryCase):
    """
    ``FastExport``
    """

    async def test_export(self) -> None:
        """
        What is exported can be imported again: all refs are the same.
        """
        self.assertEqual(await self.data(self.call("FastExport")), b"")
        self.commit_files({"a": "a"})
        self.run_git("tag", "-a", "-m", "words", "v1", "main")
        before = self.run_git("show-ref")
        exported = await self.data(self.call("FastExport"))
        other = self.mktemp()
        os.mkdir(other)
        self.run_git("init", "--quiet", "--bare", os.path.abspath(other))
        self.run_git("--git-dir", os.path.abspath(other), "fast-import", "--quiet", stdin=exported)
        self.assertEqual(self.run_git("--git-dir", os.path.abspath(other), "show-ref"), before)

    async def test_odd(self) -> None:
        """
        A signed tag and a message in another encoding are exported as they are.
        """
        self.commit_files({"a": "a"})
        tree = self.run_git("rev-parse", "main^{tree}")
        person = "A <a@example.org> 1700000000 +0000"
        commit = f"tree {tree}\nauthor {person}\ncommitter {person}\nencoding ISO-8859-1\n\n".encode() + b"caf\xe9\n"
        oid = self.write("commit", commit)
        signature = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
        tag = f"object {oid}\ntype commit\ntag v1\ntagger {person}\n\nwords\n{signature}"
        self.run_git("update-ref", "refs/tags/v1", self.write("tag", tag.encode()))
        exported = await self.data(self.call("FastExport"))
        self.assertIn(b"caf\xe9\n", exported)
        self.assertIn(signature.encode(), exported)

    async def test_failure(self) -> None:
        """
        A git that fails is told by its exit status.
        """
        self.commit_files({"a": "a"})
        self.write_file("refs/heads/broken", MISSING.encode() + b"\n")
        tree = self.write("tree", b"100644 a\0" + bytes.fromhex(MISSING))
        self.run_git("update-ref", "refs/heads/broken", self.run_git("commit-tree", tree, stdin=b"x"))
        code, text = await self.refusal(self.call("FastExport"))
        self.assertEqual((code, text.partition(":")[0]), (Code.INTERNAL, "fast-export"))
