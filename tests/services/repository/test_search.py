"""
Tests for :mod:`gitaly_tx.services.repository.search`, :mod:`filenames` and :mod:`patterns`.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.chunks import REPLY
from gitaly_tx.services.repository.patterns import compiled, in_go_words
from protocols.gitaly.repository_pb2 import SearchFilesByNameResponse

from .case import RepositoryCase

CHECKS = (
    ({"query": ""}, "no query given"),
    ({"ref": b""}, "no ref given"),
    ({"ref": b"-Oid"}, "invalid ref argument"),
    ({"ref": b"a\0b"}, "query contains a NUL byte"),
)


class SearchFilesByContentTests(RepositoryCase):
    """
    ``SearchFilesByContent``
    """

    def fill(self) -> None:
        lines = [f"line {number}" for number in range(1, 21)]
        lines[4], lines[15] = "NEEDLE", "a needle -Oid"
        self.commit_files({"a.txt": "\n".join(lines) + "\n", "b.txt": "needle\r\nx\n", "c.bin": b"needle\0\n"})

    def search(self, **fields: Any) -> Any:
        fields.setdefault("query", "needle")
        fields.setdefault("ref", b"main")
        return self.call("SearchFilesByContent", **fields)

    async def matches(self, **fields: Any) -> list[bytes]:
        found = [b""]
        for reply in await self.replies(self.search(**fields)):
            if reply.end_of_match:
                found.append(b"")
            else:
                found[-1] += reply.match_data
        self.assertEqual(found.pop(), b"")
        return found

    async def test_matches(self) -> None:
        """
        Each match comes with two lines around it, whatever its case; carriage returns and binary files are left out.
        """
        self.assertEqual(
            await self.matches(),
            [
                b"".join(
                    b"main:a.txt\0%d\0%s\n" % line
                    for line in ((3, b"line 3"), (4, b"line 4"), (5, b"NEEDLE"), (6, b"line 6"), (7, b"line 7"))
                ),
                b"".join(
                    b"main:a.txt\0%d\0%s\n" % line
                    for line in ((14, b"line 14"), (15, b"line 15"), (16, b"a needle -Oid"), (17, b"line 17"), (18, b"line 18"))
                ),
                b"main:b.txt\x001\0needle\nmain:b.txt\x002\0x\n",
            ],
        )

    async def test_no_match(self) -> None:
        """
        Nothing is found without a match, without the ref, and for what is no regular expression.
        """
        for fields in ({"query": "nowhere"}, {"ref": b"nope"}, {"query": "("}):
            self.assertEqual(await self.replies(self.search(**fields)), [])

    async def test_no_option(self) -> None:
        """
        A query that looks like an option is a query (fault 102).
        """
        self.assertEqual(len(await self.matches(query="-Oid")), 1)

    async def test_bad_requests(self) -> None:
        """
        An incomplete request is refused before git is started.
        """
        self.started.clear()
        for fields, text in CHECKS:
            self.assertEqual(await self.refusal(self.search(**fields)), (Code.INVALID_ARGUMENT, text))
        self.assertEqual(self.started, [])

    async def test_long_line(self) -> None:
        """
        After a line that is too long nothing more is found, and git is gone.
        """
        self.commit_files({"a.txt": "needle\n", "b.txt": "needle" + "x" * 70000 + "\n", "c.txt": "needle\n"}, "long")
        self.assertEqual(await self.matches(ref=b"long"), [b"long:a.txt\x001\0needle\n"])
        await self.no_children()

    async def test_stopped(self) -> None:
        """
        A caller that goes away takes the child with it.
        """
        self.commit_files({"large.txt": "needle\n" * 500_000})
        await self.stop_after_first(self.search())


class SearchFilesByNameTests(RepositoryCase):
    """
    ``SearchFilesByName``
    """

    def fill(self) -> None:
        self.commit_files({"a.txt": "", "dir/b.txt": "", "dir/sub/c.md": "", "dir/\udcff\n": "", "*": ""})

    def search(self, **fields: Any) -> Any:
        fields.setdefault("query", ".")
        fields.setdefault("ref", b"main")
        return self.call("SearchFilesByName", **fields)

    async def files(self, **fields: Any) -> list[bytes]:
        return list((await self.reply(self.search(**fields))).files)

    async def test_files(self) -> None:
        """
        All files below a path are found in the tree's order, with their names as bytes; the path is no pattern.
        """
        everything = [b"*", b"a.txt", b"dir/b.txt", b"dir/sub/c.md", b"dir/\xff\n"]
        self.assertEqual(await self.files(), everything)
        self.assertEqual(await self.files(query="dir"), everything[2:])
        self.assertEqual(await self.files(query="dir/sub"), [b"dir/sub/c.md"])
        self.assertEqual(await self.files(query="*"), [b"*"])

    async def test_filter(self) -> None:
        """
        A filter is found anywhere in the path.
        """
        self.assertEqual(await self.files(filter="txt"), [b"a.txt", b"dir/b.txt"])
        self.assertEqual(await self.files(filter=r"^dir/[^/]*\.txt$"), [b"dir/b.txt"])
        self.assertEqual(await self.files(filter="nothing"), [])

    async def test_window(self) -> None:
        """
        Offset and limit count what the filter lets through.
        """
        self.assertEqual(await self.files(filter="dir", offset=1, limit=1), [b"dir/sub/c.md"])
        self.assertEqual(await self.files(limit=2), [b"*", b"a.txt"])
        self.assertEqual(await self.files(offset=4), [b"dir/\xff\n"])
        self.assertEqual(await self.files(offset=9), [])
        await self.no_children()

    async def test_many(self) -> None:
        """
        A list that is too long for one reply is cut, and nothing is lost.
        """
        names = [f"{'n' * 200}-{number:05}" for number in range(7000)]
        self.commit_files(dict.fromkeys(names, ""), "many")
        replies = await self.replies(self.search(ref=b"many", filter="n"))
        self.assertEqual([name.decode() for reply in replies for name in reply.files], names)
        self.assertEqual(len(replies), 2)
        self.assertTrue(all(reply.ByteSize() < REPLY for reply in replies))

    async def test_unknown_ref(self) -> None:
        """
        An unknown ref has no files: one empty reply.
        """
        self.assertEqual(await self.replies(self.search(ref=b"nope")), [SearchFilesByNameResponse()])

    async def test_bad_requests(self) -> None:
        """
        What cannot be searched for is refused before git is started.
        """
        self.started.clear()
        for fields, text in (
            *CHECKS,
            ({"filter": "(a+)+" * 300}, "filter exceeds maximum length"),
            ({"filter": "+"}, "filter did not compile: error parsing regexp: missing argument to repetition operator: `+`"),
        ):
            self.assertEqual(await self.refusal(self.search(**fields)), (Code.INVALID_ARGUMENT, text))
        self.assertEqual(self.started, [])


class PatternTests(SynchronousTestCase):
    """
    Callers' regular expressions.
    """

    def test_linear(self) -> None:
        """
        An expression at which a backtracking engine would work for years takes no time (fault 102).
        """
        self.assertEqual(compiled(b"(a+)+$").select([b"a" * 5000 + b"!"]), [])
        self.assertEqual(compiled(b"(x*)*y").select([b"x" * 5000]), [])

    def test_words(self) -> None:
        """
        Mistakes are told in the words of Go.
        """
        for expression, said in (
            (b"+", "missing argument to repetition operator: `+`"),
            (b"a**", "invalid nested repetition operator: `**`"),
            (b"a(", "missing closing ): `a(`"),
            (b")", "unexpected ): `)`"),
            (b"[a", "missing closing ]: `[a`"),
            (b"[z-a]", "invalid character class range: `z-a`"),
            (b"a{1001}", "invalid repeat count: `{1001}`"),
            (b"(?z)", "invalid or unsupported Perl syntax: `(?z`"),
            (b"\\8", "invalid escape sequence: `\\8`"),
        ):
            error = self.assertRaises(GitalyError, compiled, expression)
            self.assertEqual(error.message, f"filter did not compile: error parsing regexp: {said}")

    def test_other_words(self) -> None:
        """
        What has no translation is passed on.
        """
        self.assertEqual(in_go_words("something else"), "something else")

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=40))
    def test_any(self, expression: bytes) -> None:
        """
        Any bytes are an expression or are refused.
        """
        try:
            compiled(expression).select([b"a", b"\xff"])
        except GitalyError as error:
            self.assertEqual(error.code, Code.INVALID_ARGUMENT)
