"""
Tests for :mod:`gitaly_tx.services.ref.listing` and :mod:`gitaly_tx.services.ref.select`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.services.ref.paging import LINES
from protocols.gitaly.ref_pb2 import ListRefsRequest
from protocols.gitaly.shared_pb2 import DESCENDING, PaginationParameter
from tests.services.ref.case import RefCase

SortBy = ListRefsRequest.SortBy

MISSING = "1" * 40


UNKNOWN: Any = 100


class ListingCase(RefCase):
    """
    Refs of several kinds, loose and packed.
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.point("refs/heads/old", self.first)
        self.point("refs/keep-around/x", self.first)
        self.annotated = self.tag("annotated", self.first)
        self.run_git("pack-refs", "--all")
        self.nested = self.tag("nested", self.annotated, "tag")
        self.run_git("symbolic-ref", "refs/heads/symbolic", "refs/heads/main")

    def lost(self) -> None:
        """
        A ref to nothing.
        """
        with open(f"{self.directory.path}/refs/heads/lost", "w", encoding="ascii") as file:
            file.write(MISSING + "\n")


class ListRefsTests(ListingCase):
    """
    ``ListRefs``
    """

    async def listed(self, *patterns: str, **fields) -> list[bytes]:
        return await self.names("ListRefs", "references", patterns=[pattern.encode() for pattern in patterns], **fields)

    async def test_all(self):
        """
        All refs, by name, with what they point at in the end; no git is needed.
        """
        (reply,) = await self.replies(self.call("ListRefs", patterns=[b"refs/"], peel_tags=True))
        self.assertEqual(
            [(ref.name, ref.target, ref.peeled_target) for ref in reply.references],
            [
                (b"refs/heads/main", self.second, ""),
                (b"refs/heads/old", self.first, ""),
                (b"refs/heads/symbolic", self.second, ""),
                (b"refs/keep-around/x", self.first, ""),
                (b"refs/tags/annotated", self.annotated, self.first),
                (b"refs/tags/nested", self.nested, self.first),
            ],
        )
        self.assertFalse(reply.HasField("pagination_cursor"))
        (reply,) = await self.replies(self.call("ListRefs", patterns=[b"refs/tags/"]))
        self.assertEqual([ref.peeled_target for ref in reply.references], ["", ""])
        self.assertEqual(self.started, [])

    async def test_patterns(self):
        """
        A pattern may be a directory, a name, or a glob; what matches nothing is no error.
        """
        self.assertEqual(
            await self.listed("refs/heads/m*", "refs/tags"), [b"refs/heads/main", b"refs/tags/annotated", b"refs/tags/nested"]
        )
        self.assertEqual(await self.listed("refs/heads/old", "nope"), [b"refs/heads/old"])
        self.assertEqual(await self.replies(self.call("ListRefs", patterns=[b"nope", b"main"])), [])
        self.assertEqual(await self.listed("refs/*/x"), [b"refs/keep-around/x"])

    async def test_head(self):
        """
        HEAD comes first, if there is anything else, and if it exists.
        """
        self.assertEqual(await self.listed("refs/heads/old", head=True), [b"HEAD", b"refs/heads/old"])
        self.assertEqual(await self.listed("refs/nope/", head=True), [])
        self.run_git("symbolic-ref", "HEAD", "refs/heads/unborn")
        self.assertEqual(await self.listed("refs/heads/old", head=True), [b"refs/heads/old"])

    async def test_orders(self):
        """
        Refs of the same date are in the order of their names, in whatever direction.
        """
        main, old, symbolic = b"refs/heads/main", b"refs/heads/old", b"refs/heads/symbolic"
        for sort_by, expected in [
            (SortBy(direction=DESCENDING), [symbolic, old, main]),
            (SortBy(key=SortBy.COMMITTERDATE), [old, main, symbolic]),
            (SortBy(key=SortBy.COMMITTERDATE, direction=DESCENDING), [main, symbolic, old]),
            (SortBy(key=SortBy.AUTHORDATE), [main, symbolic, old]),
            (SortBy(key=SortBy.CREATORDATE), [old, main, symbolic]),
        ]:
            self.assertEqual(await self.listed("refs/heads/", sort_by=sort_by), expected)

    async def test_pointing_at(self):
        """
        Only refs that point at an object, or at a tag of it; it may have a name.
        """
        expected = [b"refs/heads/old", b"refs/keep-around/x", b"refs/tags/annotated", b"refs/tags/nested"]
        self.assertEqual(await self.listed("refs/", pointing_at_oids=[self.first.encode()]), expected)
        self.assertEqual(await self.listed("refs/", pointing_at_oids=[b"old"]), expected)
        self.assertEqual(await self.listed("refs/", pointing_at_oids=[self.annotated.encode()]), expected[2:])
        self.assertEqual(await self.listed("refs/", pointing_at_oids=[MISSING.encode()]), [])
        for bad in (b"nope", b"-x", b"", b"\xff"):
            refused = await self.refusal(self.call("ListRefs", patterns=[b"refs/"], pointing_at_oids=[bad]))
            self.assertEqual(refused, (Code.INTERNAL, "listing failed with exit code 129"), bad)

    async def test_missing(self):
        """
        A ref to nothing is listed, as long as nobody asks what it points at.
        """
        self.lost()
        self.assertIn(b"refs/heads/lost", await self.listed("refs/"))
        for fields in (
            {"pointing_at_oids": [self.first.encode()]},
            {"sort_by": SortBy(key=SortBy.AUTHORDATE)},
            {"peel_tags": True},
        ):
            refused = await self.refusal(self.call("ListRefs", patterns=[b"refs/"], **fields))
            self.assertEqual(refused, (Code.INTERNAL, "listing failed with exit code 128"))

    async def test_pages(self):
        """
        As long as there is more, the last reply says from where to go on.
        """
        found: list[bytes] = []
        token = ""
        for _ in range(4):
            page = PaginationParameter(page_token=token, limit=2)
            (reply,) = await self.replies(self.call("ListRefs", patterns=[b"refs/"], pagination_params=page))
            found.extend(ref.name for ref in reply.references)
            token = reply.pagination_cursor.next_cursor
            if not token:
                break
        self.assertEqual(found, await self.listed("refs/"))
        nowhere = PaginationParameter(page_token="refs/nope", limit=2)
        refused = await self.refusal(self.call("ListRefs", patterns=[b"refs/"], pagination_params=nowhere))
        self.assertEqual(refused, (Code.INTERNAL, "sending lines: could not find page token"))

    async def test_many(self):
        """
        Many refs come in several messages, whatever thread they are picked in.
        """
        count = LINES + 30
        created = "".join(f"create refs/many/{number:04} {self.first}\n" for number in range(count))
        self.run_git("update-ref", "--stdin", stdin=created.encode())
        expected = [b"refs/many/%04d" % number for number in range(count)]
        for pattern in (b"refs/many/", b"refs/many/*"):
            replies = await self.replies(self.call("ListRefs", patterns=[pattern], head=True))
            self.assertEqual([len(reply.references) for reply in replies], [LINES + 1, 30])
            self.assertEqual([ref.name for reply in replies for ref in reply.references][1:], expected)

    async def test_refused(self):
        """
        Patterns are needed, and an order that is known.
        """
        for fields, text in [
            ({}, "patterns must have at least one entry"),
            ({"patterns": [b"refs/"], "sort_by": SortBy(key=UNKNOWN, direction=UNKNOWN)}, 'sorting key "100" is not supported'),
            ({"patterns": [b"refs/"], "sort_by": SortBy(direction=UNKNOWN)}, "sorting direction is not supported"),
        ]:
            self.assertEqual(await self.refusal(self.call("ListRefs", **fields)), (Code.INVALID_ARGUMENT, text))
        text = "positional arg \"--exec\" cannot start with dash '-': invalid argument"
        self.assertEqual(await self.refusal(self.call("ListRefs", patterns=[b"--exec"])), (Code.INTERNAL, text))


class FindRefsByOIDTests(ListingCase):
    """
    ``FindRefsByOID``
    """

    async def found(self, oid: str, **fields) -> list[str]:
        return list((await self.reply(self.call("FindRefsByOID", oid=oid, **fields))).refs)

    async def test_full_id(self):
        """
        Branches and tags that point at an object, unless others are asked for; no git is needed.
        """
        self.assertEqual(await self.found(self.first), ["refs/heads/old", "refs/tags/annotated", "refs/tags/nested"])
        self.assertEqual(await self.found(self.first, limit=1), ["refs/heads/old"])
        self.assertEqual(await self.found(self.first, ref_patterns=["refs/keep-around"]), ["refs/keep-around/x"])
        self.assertEqual(await self.found(self.first, ref_patterns=["old"]), [])
        self.assertEqual(
            await self.found(self.first, sort_field="-refname"), ["refs/tags/nested", "refs/tags/annotated", "refs/heads/old"]
        )
        self.assertEqual(await self.found(MISSING), [])
        self.assertEqual(self.started, [])

    async def test_by_git(self):
        """
        git is asked what a short id stands for, and for orders of its own.
        """
        everything = ["refs/heads/old", "refs/tags/annotated", "refs/tags/nested"]
        self.assertEqual(await self.found(self.first[:10]), everything)
        self.assertEqual(await self.found(self.first[:10], sort_field="-refname", limit=2), everything[:0:-1])
        self.assertEqual(await self.found(self.second, sort_field="-symref"), ["refs/heads/symbolic", "refs/heads/main"])
        self.assertEqual(set(self.started), {"rev-parse", "for-each-ref"})

    async def test_refused(self):
        """
        What names no object is the caller's mistake; an order that git does not know is not.
        """
        self.assertEqual(await self.refusal(self.call("FindRefsByOID")), (Code.INVALID_ARGUMENT, "empty Oid"))
        for oid in ("abc", "zz\n--all", "nope"):
            refused = await self.refusal(self.call("FindRefsByOID", oid=oid))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, "for-each-ref pipeline command: exit status 129"))
        refused = await self.refusal(self.call("FindRefsByOID", oid=self.first, sort_field="nope"))
        self.assertEqual(refused, (Code.INTERNAL, "for-each-ref pipeline command: exit status 128"))

    async def test_missing(self):
        """
        A ref to nothing is an error, as it is for git.
        """
        self.lost()
        refused = await self.refusal(self.call("FindRefsByOID", oid=self.first))
        self.assertEqual(refused, (Code.INTERNAL, "for-each-ref pipeline command: exit status 128"))

    async def test_names(self):
        """
        A name that is no UTF-8 is shown as well as can be.
        """
        self.run_git("update-ref", "--stdin", stdin=b"create refs/heads/\xff %s\n" % self.second.encode())
        self.assertEqual(await self.found(self.second), ["refs/heads/main", "refs/heads/symbolic", "refs/heads/�"])
