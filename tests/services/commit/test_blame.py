"""
``RawBlame``
"""

from __future__ import annotations

from protocols.gitaly.commit_pb2 import RawBlameError
from protocols.gitaly.errors_pb2 import PathNotFoundError

from .case import CommitCase


class RawBlameTests(CommitCase):
    """
    ``RawBlame``
    """

    async def test_blamed(self):
        """
        The answer is what git prints, for the whole file or for some lines.
        """
        for fields, options in (({}, ()), ({"range": b"2,2"}, ("-L2,2",))):
            replies = await self.replies(self.call("RawBlame", revision=b"main", path=b"README", **fields))
            expected = self.run_git("blame", "-p", *options, "main", "--", "README") + "\n"
            self.assertEqual(b"".join(reply.data for reply in replies).decode(), expected)

    async def test_ignored(self):
        """
        Commits that a file in the repository names are passed over.
        """
        self.write_ignored(f"# why\n{self.ids['three']}\n".encode())
        called = self.call("RawBlame", revision=b"main", path=b"README", ignore_revisions_blob=b"refs/heads/ignored:list")
        output = b"".join(reply.data for reply in await self.replies(called)).decode()
        self.assertNotIn(self.ids["three"], output.replace(f"ignored {self.ids['three']}", "").split("\t")[0])

    def write_ignored(self, content: bytes) -> None:
        """
        Put a list of commits into the repository.
        """
        blob = self.write("blob", content)
        tree = self.run_git("mktree", stdin=f"100644 blob {blob}\tlist\n".encode())
        self.run_git("update-ref", "refs/heads/ignored", self.run_git("commit-tree", "-m", "x", tree))

    async def test_bad_ignored(self):
        """
        A list that is none, and one with a line that is no id.
        """
        self.write_ignored(b"not an id\n")
        for revision, code, details in (
            (
                b"main:nope",
                "NOT_FOUND",
                RawBlameError(resolve_ignore_revs=RawBlameError.ResolveIgnoreRevsError(ignore_revisions_blob=b"main:nope")),
            ),
            (
                b"main:bin",
                "NOT_FOUND",
                RawBlameError(resolve_ignore_revs=RawBlameError.ResolveIgnoreRevsError(ignore_revisions_blob=b"main:bin")),
            ),
            (
                b"ignored:list",
                "INVALID_ARGUMENT",
                RawBlameError(invalid_ignore_revs_format=RawBlameError.InvalidIgnoreRevsFormatError(content=b"not an id")),
            ),
        ):
            error = await self.error(self.call("RawBlame", revision=b"main", path=b"README", ignore_revisions_blob=revision))
            self.assertEqual((error.code.name, error.details), (code, (details,)))

    async def test_long_ignored(self):
        """
        A list that git does not read to its end does no harm.
        """
        self.write_ignored(b"# nothing\n" * 200_000)
        fields = {"path": b"README", "ignore_revisions_blob": b"ignored:list"}
        self.assertEqual(await self.refused("RawBlame", revision=b"nope", **fields), "INTERNAL blaming file: exit status 128")
        self.assertTrue(await self.replies(self.call("RawBlame", revision=b"main", **fields)))

    async def test_refused(self):
        """
        A path inside the repository and a sensible range are needed.
        """
        for path, lines, text in (
            (b"", b"", "empty Path"),
            (b"/README", b"", "path escapes repository root"),
            (b"../README", b"", "path escapes repository root"),
            (b"bin/../..", b"", "path escapes repository root"),
            (b"README", b"1", "invalid Range"),
            (b"README", b"1,2\n", "invalid Range"),
            (b"README", b"1,-2", "invalid Range"),
        ):
            refused = await self.refused("RawBlame", revision=b"main", path=path, range=lines)
            self.assertEqual(refused, f"INVALID_ARGUMENT {text}")

    async def test_failures(self):
        """
        What git finds wrong is told with what is known of it.
        """
        error = await self.error(self.call("RawBlame", revision=b"main", path=b"nope"))
        self.assertEqual((error.code.name, error.message), ("NOT_FOUND", "path not found in revision"))
        self.assertEqual(error.details, (RawBlameError(path_not_found=PathNotFoundError(path=b"nope")),))
        error = await self.error(self.call("RawBlame", revision=b"main", path=b"README", range=b"7,8"))
        self.assertEqual((error.code.name, error.message), ("INVALID_ARGUMENT", "range is outside of the file length"))
        self.assertEqual(error.details, (RawBlameError(out_of_range=RawBlameError.OutOfRangeError(actual_lines=2)),))
        refused = await self.refused("RawBlame", revision=b"nope", path=b"README")
        self.assertEqual(refused, "INTERNAL blaming file: exit status 128")

    async def test_gone(self):
        """
        Whoever reads only the beginning leaves no child behind.
        """
        lines = "".join(f"{number}\n" for number in range(60_000))
        self.import_stream(
            f"commit refs/heads/large\ncommitter C <c@x> 1 +0000\ndata 0\nM 100644 inline large\ndata {len(lines)}\n{lines}\n"
        )
        await self.stop_after_first(self.call("RawBlame", revision=b"large", path=b"large"))
