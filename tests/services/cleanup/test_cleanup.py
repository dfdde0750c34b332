"""
Tests for CleanupService.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from posixpath import join
from typing import Any, TypeVar

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.cleanup import filterrepo
from gitaly_tx.services.cleanup.objectmap import HEADER, LONGEST
from gitaly_tx.services.cleanup.service import CleanupService
from protocols.gitaly import cleanup_pb2 as pb
from protocols.gitaly.shared_pb2 import ObjectType
from tests.contracts.storageprovider import named
from tests.pools.poolcase import PoolCase
from tests.support.git import git
from tests.support.hearing import Sink, make_unasked

T = TypeVar("T")

ZERO = "0" * 40


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    """
    One after the other.
    """
    for item in items:
        yield item


class CleanupCase(PoolCase):
    """
    A repository with some history.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.sink = Sink()
        self.unasked = make_unasked(self.stack.git, self.sink)
        self.service: Any = CleanupService(self.stack.git, self.stack.provider, self.stack.threads, self.unasked)
        await self.make("a.git", 0)
        self.first = self.write("one\n", None)
        self.secret = self.write("password=tr0ub4dor\n", self.first)
        self.third = self.write("password=tr0ub4dor\nmore\n", self.secret)
        self.git("a.git", "update-ref", "refs/heads/main", self.third)

    def write(self, content: str, parent: str | None, name: str = "file") -> str:
        """
        A commit.
        """
        blob = self.git("a.git", "hash-object", "-w", "--stdin", stdin=content.encode()).decode().strip()
        other = self.git("a.git", "hash-object", "-w", "--stdin", stdin=b"kept\n").decode().strip()
        listing = f"100644 blob {other}\tkept\n100644 blob {blob}\t{name}\n"
        tree = self.git("a.git", "mktree", stdin=listing.encode()).decode().strip()
        parents = () if parent is None else ("-p", parent)
        return self.git("a.git", "commit-tree", tree, *parents, "-m", "m").decode().strip()

    def id_of(self, name: str) -> str:
        return self.git("a.git", "rev-parse", name).decode().strip()

    def ids(self) -> dict[str, str]:
        """
        All refs.
        """
        lines = self.git("a.git", "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        return dict(line.split(" ") for line in lines)

    def assert_whole(self) -> None:
        self.git("a.git", "fsck", "--strict")
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))


class BfgTests(CleanupCase):
    """
    ``ApplyBfgObjectMapStream``
    """

    async def apply(self, *pieces: bytes) -> list[tuple[int, str, str]]:
        """
        Send the map in pieces.
        """
        requests = [pb.ApplyBfgObjectMapStreamRequest(object_map=piece) for piece in pieces]
        requests[0].repository.CopyFrom(named("a.git"))
        replies = [reply async for reply in self.service.ApplyBfgObjectMapStream(None, each(requests))]
        return [(entry.type, entry.old_oid, entry.new_oid) for reply in replies for entry in reply.entries]

    async def test_drops(self) -> None:
        """
        The application's refs to replaced commits, and to their children, go; branches, tags and notes stay. Each pair that
        differs is told, with what the new object is.
        """
        for name, oid in {
            "keep-around/x": self.secret,
            "merge-requests/1/head": self.third,
            "merge-requests/2/head": self.first,
            "environments/e": self.first,
            "tmp/lost": self.third,
            "tags/v1": self.secret,
            "notes/commits": self.secret,
        }.items():
            self.git("a.git", "update-ref", f"refs/{name}", oid)
        os.unlink(self.path("a.git/refs/tmp/lost"))
        with open(self.path("a.git/refs/tmp/lost"), "w") as file:
            file.write("1" * 40 + "\n")
        tree, blob = self.id_of("main^{tree}"), self.id_of("main:file")
        self.git("a.git", "tag", "-m", "x", "v2", "main")
        tag = self.id_of("v2")
        lines = [
            f"{self.secret} {ZERO}",
            f"{self.third} {self.third}",
            f"{tree} {tree}",
            f"{'2' * 40} {tree}",
            f"{'3' * 40} {blob}",
            f"{'4' * 40} {tag}",
            f"{'5' * 40} {self.first}",
            f"{'6' * 40} {'7' * 40}",
        ]
        content = b"\n".join([HEADER, *(line.encode() for line in lines)])
        found = await self.apply(content[:100], b"", content[100:])
        self.assertEqual(
            found,
            [
                (ObjectType.COMMIT, self.secret, ZERO),
                (ObjectType.TREE, "2" * 40, tree),
                (ObjectType.BLOB, "3" * 40, blob),
                (ObjectType.TAG, "4" * 40, tag),
                (ObjectType.COMMIT, "5" * 40, self.first),
                (ObjectType.UNKNOWN, "6" * 40, "7" * 40),
            ],
        )
        os.unlink(self.path("a.git/refs/tmp/lost"))
        gone = {"refs/keep-around/x", "refs/merge-requests/1/head"}
        names = {"refs/environments/e", "refs/heads/main", "refs/merge-requests/2/head", "refs/notes/commits"}
        self.assertEqual(set(self.ids()), names | {"refs/tags/v1", "refs/tags/v2"})
        self.assertFalse(gone & set(self.ids()))
        self.assertEqual(self.sink.heard, [dict.fromkeys(gone, ZERO)])
        self.assert_whole()

    async def test_nothing(self) -> None:
        """
        An empty map, and one in which nothing differs, changes nothing and tells nothing.
        """
        before = self.ids()
        for content in (b"", HEADER, HEADER + b"\r\n", f"{self.first} {self.first}\n".encode()):
            self.assertEqual(await self.apply(content), [])
        self.assertEqual(self.ids(), before)

    async def test_invalid(self) -> None:
        """
        A line that is none is told with its number, counted from 0, and nothing is dropped.
        """
        self.git("a.git", "update-ref", "refs/keep-around/x", self.secret)
        good = f"{self.secret} {ZERO}\n".encode()
        for content, text in [
            (b"invalid-data here", "invalid old object ID at line 0"),
            (HEADER + b"\n" + good + b"x", "object map invalid at line 2"),
            (good + b"\n" + good, "object map invalid at line 1"),
            (good + f"{self.first} {self.first[:39]}".encode(), "invalid new object ID at line 1"),
            (good + f"{self.first} {self.first}0".encode(), "invalid new object ID at line 1"),
            (f"{self.first.upper()} {self.first}".encode(), "invalid old object ID at line 0"),
            (b"x" * (LONGEST + 1), "object map invalid at line 0"),
        ]:
            refused = await self.refusal(self.apply(content))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
            self.assertIn("refs/keep-around/x", self.ids())

    async def test_repository(self) -> None:
        """
        The first request names the repository.
        """
        verifyObject(IMethods, self.service)

        async def ask(*requests: pb.ApplyBfgObjectMapStreamRequest) -> None:
            async for _ in self.service.ApplyBfgObjectMapStream(None, each(requests)):
                pass

        unset = (Code.INVALID_ARGUMENT, "repository not set")
        self.assertEqual(await self.refusal(ask(pb.ApplyBfgObjectMapStreamRequest(object_map=b"x"))), unset)
        self.assertEqual(await self.refusal(ask()), (Code.INTERNAL, "receive first request: EOF"))

    async def test_locked(self) -> None:
        """
        If one ref cannot be dropped none is.
        """
        for name in ("x", "y"):
            self.git("a.git", "update-ref", f"refs/keep-around/{name}", self.secret)
        with open(self.path("a.git/refs/keep-around/x.lock"), "w"):
            pass
        refused = await self.refusal(self.apply(f"{self.secret} {ZERO}\n".encode()))
        self.assertEqual(refused, (Code.ABORTED, "reference cannot be dropped"))
        self.assertTrue({"refs/keep-around/x", "refs/keep-around/y"} < set(self.ids()))


class RewriteTests(CleanupCase):
    """
    ``RewriteHistory``
    """

    async def rewrite(self, *requests: dict[str, Any], service: Any = None) -> None:
        """
        Send the requests; the first names the repository.
        """
        messages = [pb.RewriteHistoryRequest(**fields) for fields in requests]
        if messages and not messages[0].HasField("repository"):
            messages[0].repository.CopyFrom(named("a.git"))
        reply = await (service or self.service).RewriteHistory(None, each(messages))
        self.assertEqual(reply, pb.RewriteHistoryResponse())
        self.assert_whole()

    def grep(self, text: str) -> bytes:
        """
        Which commits of all refs have a text.
        """
        return self.git("a.git", "log", "--all", "--format=%H", f"-S{text}")

    async def test_redact(self) -> None:
        """
        Texts are redacted in all commits of all refs; commits before the first of them stay what they are.
        """
        self.git("a.git", "tag", "-m", "x", "v1", self.secret)
        self.git("a.git", "update-ref", "refs/merge-requests/1/head", self.third)
        self.git("a.git", "update-ref", "refs/heads/old", self.first)
        before = self.ids()
        await self.rewrite({"redactions": [b"literal:tr0ub4dor"]}, {"redactions": [b"regex:mo(r)e==>l\\1ss"]})
        after = self.ids()
        self.assertEqual(set(after), set(before))
        self.assertEqual(after["refs/heads/old"], self.first)
        self.assertEqual(self.sink.heard, [{name: oid for name, oid in after.items() if name != "refs/heads/old"}])
        self.assertEqual(self.id_of("main~2"), self.first)
        self.assertEqual(self.git("a.git", "show", "main:file"), b"password=***REMOVED***\nlrss\n")
        self.assertEqual(self.git("a.git", "cat-file", "-t", "v1"), b"tag\n")
        self.assertEqual(after["refs/merge-requests/1/head"], after["refs/heads/main"])
        self.assertEqual(self.grep("tr0ub4dor"), b"")
        self.git("a.git", "log", "--format=%B", "main")

    async def test_blobs(self) -> None:
        """
        Blobs vanish from all trees, whatever request names them: a file is what it was before. What nothing is left of goes.
        """
        blobs = [self.id_of(f"{commit}:file") for commit in (self.secret, self.third)]
        other = self.write("other\n", self.third, "name")
        self.git("a.git", "update-ref", "refs/heads/main", other)
        await self.rewrite({"blobs": blobs[:1]}, {"blobs": blobs[1:]})
        self.assertEqual(self.git("a.git", "ls-tree", "--name-only", "main"), b"kept\nname\n")
        self.assertEqual(self.id_of("main~1"), self.first)
        listed = self.git("a.git", "rev-list", "--objects", "--all").decode()
        for blob in blobs:
            self.assertNotIn(blob, listed)

    async def test_nothing_found(self) -> None:
        """
        If nothing is found, and in an empty repository, nothing changes.
        """
        before = self.ids()
        await self.rewrite({"redactions": [b"nowhere"], "blobs": ["1" * 40]})
        self.assertEqual((self.ids(), self.sink.heard), (before, []))
        await self.make("b.git", 0)
        await self.rewrite({"repository": named("b.git"), "redactions": [b"x"]})

    async def test_sha256(self) -> None:
        """
        A repository may have the other object format.
        """
        await self.make("c.git", 2, object_format="sha256")
        before = self.git("c.git", "rev-parse", "main")
        self.git("c.git", "log", "--format=%B", "main")
        await self.rewrite({"repository": named("c.git"), "redactions": [b"regex:.==>x"]})
        self.assertEqual(len(self.git("c.git", "rev-parse", "main")), len(before))

    async def test_refused(self) -> None:
        """
        There must be a repository, once, and something to be done that makes sense.
        """
        cases: list[tuple[list[dict[str, Any]], tuple[Code, str]]] = [
            ([], (Code.INTERNAL, "receiving initial request: EOF")),
            ([{}], (Code.INVALID_ARGUMENT, "no object IDs or text replacements specified")),
            (
                [{"redactions": [b"x"]}, {"repository": named("a.git")}],
                (Code.INVALID_ARGUMENT, "subsequent requests must not contain repository"),
            ),
            ([{"redactions": [b"a\nb"]}], (Code.INVALID_ARGUMENT, "redaction pattern contains newline")),
            (
                [{"blobs": ["abc"]}],
                (
                    Code.INVALID_ARGUMENT,
                    'validating object ID: invalid object ID: "abc", expected length 40, got 3',
                ),
            ),
            ([{"repository": named("nope"), "redactions": [b"x"]}], (Code.NOT_FOUND, "repository not found")),
        ]
        for requests, expected in cases:
            self.assertEqual(await self.refusal(self.rewrite(*requests)), expected)

    async def test_too_much(self) -> None:
        """
        There is a limit to what is kept in memory.
        """
        from gitaly_tx.services.cleanup import rewrite

        self.patch(rewrite, "MAXIMUM", 100)
        refused = await self.refusal(self.rewrite({"redactions": [b"x" * 60]}, {"redactions": [b"x" * 60]}))
        self.assertEqual(refused, (Code.RESOURCE_EXHAUSTED, "too many object IDs and text replacements"))

    async def test_failure(self) -> None:
        """
        A pattern that cannot be, and a history that lacks something, is told; nothing is changed or left.
        """
        before = self.ids()
        code, text = await self.refusal(self.rewrite({"redactions": [b"regex:(unclosed"]}))
        self.assertEqual((code, text), (Code.INTERNAL, "rewriting repository history: git filter-repo: exit status 1"))
        self.assertEqual((self.ids(), self.stack.alive), (before, 0))

    async def test_limit(self) -> None:
        """
        A pattern that backtracks for ever ends at some time.
        """
        self.git("a.git", "update-ref", "refs/heads/main", self.write("a" * 64 + "!\n", self.third))
        self.patch(filterrepo, "SECONDS", 1.5)
        code, text = await self.refusal(self.rewrite({"redactions": [b"regex:(a+)+$"]}))
        self.assertEqual(code, Code.INTERNAL)
        self.assertIn("signal: killed", text)

    async def test_changed_meanwhile(self) -> None:
        """
        If a ref is moved meanwhile nothing is written.
        """
        new = self.write("new\n", self.third)

        class Meddling:
            def __init__(inner, real: Any) -> None:
                inner.real = real

            def __getattr__(inner, name: str) -> Any:
                return getattr(inner.real, name)

            async def run(inner, command: Command, **more: Any) -> tuple[bytes, Ended]:
                if command.name == "rev-list":
                    self.git("a.git", "update-ref", "refs/heads/main", new)
                result: tuple[bytes, Ended] = await inner.real.run(command, **more)
                return result

        meddling: Any = Meddling(self.stack.git)
        service = CleanupService(meddling, self.stack.provider, self.stack.threads, self.unasked)
        refused = await self.refusal(self.rewrite({"redactions": [b"tr0ub4dor"]}, service=service))
        self.assertEqual(refused, (Code.ABORTED, "repository was changed while its history was rewritten, try again"))
        self.assertEqual(self.id_of("main"), new)
        self.assertEqual(self.stack.alive, 0)

    async def test_borrowing(self) -> None:
        """
        A repository that borrows is rewritten like any other.
        """
        git("clone", "--quiet", "--bare", "--shared", self.path("a.git"), self.path("d.git"))
        self.assertTrue(os.path.exists(join(self.path("d.git"), "objects/info/alternates")))
        await self.rewrite({"repository": named("d.git"), "redactions": [b"tr0ub4dor"]})
        self.assertEqual(self.git("d.git", "show", "main:file"), b"password=***REMOVED***\nmore\n")
        self.assertEqual(self.id_of("main"), self.third)
