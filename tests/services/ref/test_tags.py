"""
Tests for :mod:`gitaly_tx.services.ref.tags`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.services.ref import tags
from protocols.gitaly.errors_pb2 import ReferenceNotFoundError
from protocols.gitaly.ref_pb2 import FindAllTagsRequest, FindTagError
from protocols.gitaly.shared_pb2 import DESCENDING, PGP, PaginationParameter
from tests.services.ref.case import SIGNATURE, RefCase

SortBy = FindAllTagsRequest.SortBy


UNKNOWN: Any = 100


class TagsCase(RefCase):
    """
    Tags of all kinds.
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.point("refs/tags/light", self.first)
        self.annotated = self.tag("v1.10", self.second, date=100)
        self.nested = self.tag("v1.2", self.annotated, "tag", b"a\n\n\n", date=5000)
        self.blob = self.write("blob", b"x" * (2 << 20))
        self.of_blob = self.tag("blob", self.blob, "blob", b"signed\n" + SIGNATURE)
        self.point("refs/tags/plain-blob", self.blob)


class FindAllTagsTests(TagsCase):
    """
    ``FindAllTags``
    """

    async def listed(self, **fields) -> list[bytes]:
        return await self.names("FindAllTags", "tags", **fields)

    async def test_all(self):
        """
        Tags come by name with what they stand for in the end, without a git.
        """
        (reply,) = await self.replies(self.call("FindAllTags"))
        self.assertEqual(
            [(tag.name, tag.id, tag.target_commit.id, tag.message) for tag in reply.tags],
            [
                (b"blob", self.of_blob, "", b"signed\n" + SIGNATURE.rstrip(b"\n")),
                (b"light", self.first, self.first, b""),
                (b"plain-blob", self.blob, "", b""),
                (b"v1.10", self.annotated, self.second, b"words"),
                (b"v1.2", self.nested, self.second, b"a"),
            ],
        )
        self.assertEqual(reply.tags[0].signature_type, PGP)
        self.assertEqual(reply.tags[4].message_size, 1)
        self.assertEqual(reply.tags[4].tagger.date.seconds, 5000)
        self.assertEqual(self.started, [])

    async def test_orders(self):
        """
        By date, lightweight tags count as their commits; by version, numbers are numbers.
        """
        for key, expected in [
            (SortBy.REFNAME, b"blob light plain-blob v1.10 v1.2"),
            (SortBy.CREATORDATE, b"plain-blob v1.10 light blob v1.2"),
            (SortBy.VERSION_REFNAME, b"blob light plain-blob v1.2 v1.10"),
        ]:
            self.assertEqual(await self.listed(sort_by=SortBy(key=key)), expected.split())
            backwards = await self.listed(sort_by=SortBy(key=key, direction=DESCENDING))
            self.assertEqual(backwards, expected.split()[::-1])

    async def test_unknown_orders(self):
        """
        An unknown direction is told before an unknown key.
        """
        for sort_by, text in [
            (SortBy(key=UNKNOWN, direction=UNKNOWN), "unsupported sorting direction: 100"),
            (SortBy(key=UNKNOWN), "unsupported sorting key: 100"),
        ]:
            refused = await self.refusal(self.call("FindAllTags", sort_by=sort_by))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))

    async def test_pages(self):
        """
        A page follows its token; one that is not met is the caller's mistake.
        """
        page = PaginationParameter(page_token="refs/tags/light", limit=2)
        self.assertEqual(await self.listed(pagination_params=page), [b"plain-blob", b"v1.10"])
        self.assertEqual(await self.replies(self.call("FindAllTags", pagination_params=PaginationParameter())), [])
        for page in (PaginationParameter(page_token="refs/tags/light"), PaginationParameter(page_token="light", limit=9)):
            refused = await self.refusal(self.call("FindAllTags", pagination_params=page))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, "could not find page token"))

    async def test_missing(self):
        """
        A tag whose object is missing makes the list fail.
        """
        with open(f"{self.directory.path}/refs/tags/lost", "w", encoding="ascii") as file:
            file.write("1" * 40 + "\n")
        for fields in ({}, {"sort_by": SortBy(key=SortBy.CREATORDATE)}):
            refused = await self.refusal(self.call("FindAllTags", **fields))
            self.assertEqual(refused, (Code.INTERNAL, "iterating over tags: object not found"))

    async def test_large_commit(self):
        """
        A commit that is too large to be looked at by chance is read all the same.
        """
        self.patch(tags, "_ORDINARY", 10)
        (reply,) = await self.replies(self.call("FindAllTags"))
        self.assertEqual([tag.target_commit.id for tag in reply.tags], ["", self.first, "", self.second, self.second])


class FindTagTests(TagsCase):
    """
    ``FindTag``
    """

    async def test_found(self):
        """
        A tag is found by its name, without a git.
        """
        tag = (await self.reply(self.call("FindTag", tag_name=b"v1.2"))).tag
        self.assertEqual((tag.name, tag.id, tag.target_commit.id), (b"v1.2", self.nested, self.second))
        self.assertEqual((await self.reply(self.call("FindTag", tag_name=b"light"))).tag.id, self.first)
        self.assertEqual(self.started, [])

    async def test_pattern(self):
        """
        A pattern finds the first tag that matches.
        """
        self.point("refs/tags/a/b", self.first)
        for pattern, name in [(b"v*", b"v1.10"), (b"*", b"a/b"), (b"?ight", b"light"), (b"v1.[2-9]", b"v1.2")]:
            self.assertEqual((await self.reply(self.call("FindTag", tag_name=pattern))).tag.name, name)

    async def test_not_found(self):
        """
        What is not there is told with its full name.
        """
        for name in ("nope", "main", "HEAD", "refs/tags/light", "x*", "*" * 200_000, "a..b", self.first):
            error = await self.error(self.call("FindTag", tag_name=name.encode()))
            self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "tag does not exist"), name)
            detail = FindTagError(tag_not_found=ReferenceNotFoundError(reference_name=b"refs/tags/" + name.encode()))
            self.assertEqual(error.details, (detail,))

    async def test_refused(self):
        """
        An empty name is the caller's mistake; one like an option is refused in git's stead.
        """
        self.assertEqual(await self.refusal(self.call("FindTag")), (Code.INVALID_ARGUMENT, "tag name is empty"))
        text = "for-each-ref error: positional arg \"-x\" cannot start with dash '-': invalid argument"
        self.assertEqual(await self.refusal(self.call("FindTag", tag_name=b"-x")), (Code.INTERNAL, text))

    async def test_missing(self):
        """
        A tag whose object is missing is an error.
        """
        with open(f"{self.directory.path}/refs/tags/lost", "w", encoding="ascii") as file:
            file.write("1" * 40 + "\n")
        self.assertEqual(await self.refusal(self.call("FindTag", tag_name=b"lost")), (Code.INTERNAL, "object not found"))
