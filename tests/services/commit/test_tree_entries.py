"""
``GetTreeEntries``
"""

from __future__ import annotations

import base64
from typing import Any

from protocols.gitaly.commit_pb2 import GetTreeEntriesError, GetTreeEntriesRequest, TreeEntry
from protocols.gitaly.errors_pb2 import PathError, ResolveRevisionError
from protocols.gitaly.shared_pb2 import PaginationParameter

from .case import CommitCase

NAMES = {TreeEntry.BLOB: "blob", TreeEntry.TREE: "tree", TreeEntry.COMMIT: "commit"}


def token(path: str) -> str:
    """
    What names an entry in a request.
    """
    return base64.b64encode(b'{"file_name":"%b"}' % path.encode()).decode()


class GetTreeEntriesTests(CommitCase):
    """
    ``GetTreeEntries``
    """

    async def paths(self, **fields: Any) -> list[str]:
        """
        The paths that are listed.
        """
        fields.setdefault("revision", b"main")
        fields.setdefault("path", b".")
        replies = await self.replies(self.call("GetTreeEntries", **fields))
        return [entry.path.decode() for reply in replies for entry in reply.entries]

    async def check(self, path: str, prefix: str, *options: str, **fields: Any) -> None:
        """
        That the same is listed as by ``git ls-tree``.
        """
        (reply,) = await self.replies(self.call("GetTreeEntries", revision=b"main", path=path.encode(), **fields))
        lines = [
            f"{entry.mode:06o} {NAMES[entry.type]} {entry.oid}\t{entry.path.decode().removeprefix(prefix)}"
            for entry in reply.entries
        ]
        self.assertEqual(lines, self.run_git("ls-tree", *options, f"main:{prefix}").splitlines())
        self.assertEqual({entry.commit_oid for entry in reply.entries}, {"main"})

    async def test_listed(self):
        """
        The entries of a directory are listed in git's order, with their whole paths.
        """
        for path, prefix in ((".", ""), ("bin", "bin/"), ("bin/", "bin/"), ("deep/er", "deep/er/")):
            await self.check(path, prefix)
        self.assertEqual(self.started, [])

    async def test_recursive(self):
        """
        With everything below, if that is asked for.
        """
        for path, prefix in ((".", ""), ("deep", "deep/")):
            await self.check(path, prefix, "-r", "-t", recursive=True)

    async def test_flat_paths(self):
        """
        A flat path goes down as long as there is only one way.
        """
        (reply,) = await self.replies(self.call("GetTreeEntries", revision=b"main", path=b"."))
        flat = {entry.path: entry.flat_path for entry in reply.entries}
        expected = {path: path for path in (b"README", b"bin", b"module", b"side")}
        self.assertEqual(flat, {**expected, b"deep": b"deep/er/still"})
        for fields in ({"skip_flat_paths": True}, {"recursive": True}):
            (reply,) = await self.replies(self.call("GetTreeEntries", revision=b"main", path=b".", **fields))
            self.assertEqual({entry.flat_path for entry in reply.entries}, {b""})

    async def test_deep(self):
        """
        It goes down nine steps at most.
        """
        path = "/".join("abcdefghijklmno")
        self.import_stream(f"commit refs/heads/d\ncommitter C <c@x> 1 +0000\ndata 0\nM 100644 inline {path}\ndata 0\n\n")
        (reply,) = await self.replies(self.call("GetTreeEntries", revision=b"d", path=b"."))
        self.assertEqual(reply.entries[0].flat_path, b"a/b/c/d/e/f/g/h/i/j")

    async def test_sorted(self):
        """
        Directories first, then files, then submodules; other orders than the default are taken for that one.
        """
        expected = ["bin", "deep", "README", "side", "module"]
        self.assertEqual(await self.paths(), ["README", "bin", "deep", "module", "side"])
        for order in (GetTreeEntriesRequest.TREES_FIRST, GetTreeEntriesRequest.FILESYSTEM):
            self.assertEqual(await self.paths(sort=order), expected)

    async def test_pages(self):
        """
        A page says how the next one is asked for, until there is none.
        """
        found: list[str] = []
        page = PaginationParameter(limit=2)
        while True:
            reply = await self.asked("GetTreeEntries", revision=b"main", path=b".", pagination_params=page)
            found.extend(entry.path.decode() for entry in reply.entries)
            page.page_token = reply.pagination_cursor.next_cursor
            if not page.page_token:
                break
            self.assertEqual(page.page_token, token(found[-1]))
        self.assertEqual(found, await self.paths())

    async def test_limits(self):
        """
        A negative limit is none, and with a limit of zero there is not even a cursor.
        """
        everything = await self.paths()
        for limit, expected in ((-1, everything), (0, []), (1, everything[:1]), (99, everything)):
            self.assertEqual(await self.paths(pagination_params=PaginationParameter(limit=limit)), expected)
        empty = self.call("GetTreeEntries", revision=b"main", path=b".", pagination_params=PaginationParameter())
        self.assertEqual(await self.replies(empty), [])
        reply = await self.asked("GetTreeEntries", revision=b"main", path=b".")
        self.assertTrue(reply.HasField("pagination_cursor"))

    async def test_tokens(self):
        """
        A page begins after the entry with the token's path, or for an older kind of token, after the one with that id; a token
        without a path is none.
        """
        for given, expected in (
            (token("bin"), "deep"),
            (self.oid("main:bin"), "deep"),
            (token("README"), "bin"),
            (token(""), "README"),
            ("e30=", "README"),
            ("bnVsbA==", "README"),
        ):
            found = await self.paths(pagination_params=PaginationParameter(limit=1, page_token=given))
            self.assertEqual(found, [expected])
        for given, named in (
            ("nope", "nope"),
            (token("nope"), "nope"),
            ("bm9wZQ==", "bm9wZQ=="),
            ("W10=", "W10="),
        ):
            refused = await self.refused(
                "GetTreeEntries", revision=b"main", path=b".", pagination_params=PaginationParameter(page_token=given)
            )
            self.assertEqual(refused, f"INTERNAL could not find starting OID: {named}")

    async def test_empty_path(self):
        """
        A path is needed.
        """
        error = await self.error(self.call("GetTreeEntries", revision=b"main"))
        self.assertEqual((error.code.name, error.message), ("INVALID_ARGUMENT", "empty path"))
        details = GetTreeEntriesError(path=PathError(error_type=PathError.ERROR_TYPE_EMPTY_PATH))
        self.assertEqual(error.details, (details,))

    async def test_unresolved(self):
        """
        What does not resolve is refused, with a code that depends on the kind of listing.
        """
        for revision, path in (
            (b"nope", b"."),
            (b"main", b"nope"),
            (b"main", b"./bin"),
            (b"main", b"/bin"),
        ):
            for recursive, code in ((False, "INVALID_ARGUMENT"), (True, "NOT_FOUND")):
                error = await self.error(self.call("GetTreeEntries", revision=revision, path=path, recursive=recursive))
                self.assertEqual((error.code.name, error.message), (code, "invalid revision or path"))
                details = GetTreeEntriesError(resolve_tree=ResolveRevisionError(revision=revision))
                self.assertEqual(error.details, (details,))

    async def test_file(self):
        """
        A file has no entries, and cannot be listed with all below.
        """
        self.assertEqual(await self.replies(self.call("GetTreeEntries", revision=b"main", path=b"README")), [])
        refused = await self.refused("GetTreeEntries", revision=b"main", path=b"README", recursive=True)
        self.assertEqual(refused, "INVALID_ARGUMENT revision doesn't exist")

    async def test_missing_tree(self):
        """
        A listing that meets a missing directory, or begins with something that is elsewhere, is refused as a whole.
        """
        for recursive, text in ((False, "invalid revision or path"), (True, "revision doesn't exist")):
            refused = await self.refused("GetTreeEntries", revision=b"main", path=b"module", recursive=recursive)
            self.assertEqual(refused, f"INVALID_ARGUMENT {text}")
        tree = self.run_git("mktree", "--missing", stdin=b"040000 tree %b\tgone\n" % (b"12" * 20))
        refused = await self.refused("GetTreeEntries", revision=tree.encode(), path=b".", recursive=True)
        self.assertEqual(refused, "INVALID_ARGUMENT revision doesn't exist")

    async def test_odd_names(self):
        """
        Names are bytes; in a token they are text, escaped as Go does it.
        """
        blob = self.write("blob", b"")
        names = [b"<&>", b"\xc3\xbc", b"\xff"]
        tree = self.run_git("mktree", "-z", stdin=b"".join(b"100644 blob %b\t%b\0" % (blob.encode(), name) for name in names))
        first = PaginationParameter(limit=1)
        reply = await self.asked("GetTreeEntries", revision=tree.encode(), path=b".", pagination_params=first)
        self.assertEqual(base64.b64decode(reply.pagination_cursor.next_cursor), b'{"file_name":"\\u003c\\u0026\\u003e"}')
        second = PaginationParameter(limit=9, page_token=reply.pagination_cursor.next_cursor)
        reply = await self.asked("GetTreeEntries", revision=tree.encode(), path=b".", pagination_params=second)
        self.assertEqual([entry.path for entry in reply.entries], names[1:])

    async def test_many(self):
        """
        Many entries come in several messages of less than a mebibyte; only the first has a cursor.
        """
        blob = self.write("blob", b"")
        lines = b"".join(b"100644 blob %b\t%b%05d\n" % (blob.encode(), b"n" * 100, number) for number in range(5000))
        tree = self.run_git("mktree", stdin=lines)
        replies = await self.replies(self.call("GetTreeEntries", revision=tree.encode(), path=b".", recursive=True))
        self.assertEqual(sum(len(reply.entries) for reply in replies), 5000)
        self.assertTrue(all(reply.ByteSize() < 1 << 20 for reply in replies))
        cursors = [reply.HasField("pagination_cursor") for reply in replies]
        self.assertEqual(cursors, [True] + [False] * (len(replies) - 1))


class Sha256Tests(GetTreeEntriesTests):
    """
    The same with SHA-256
    """

    object_format = "sha256"

    async def test_missing_tree(self):
        """
        The length of ids is the repository's.
        """
        refused = await self.refused("GetTreeEntries", revision=b"12" * 20, path=b".")
        self.assertEqual(refused, "INVALID_ARGUMENT invalid revision or path")
